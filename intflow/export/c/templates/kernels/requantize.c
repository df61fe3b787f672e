/* ------------------------------------------------------------------ wide to narrow: W, A and E */

@for x y@
/* y = clip(half_even(x * 2**-rshift), -limit, limit): master weights to W. */
void intflow_requantize_x_y(y_t *y, const x_t *x, size_t count, int32_t rshift,
                            int64_t limit)
{
    size_t i;
    for (i = 0; i < count; i++)
        y[i] = (y_t)intflow_narrow(x[i], rshift, limit);
}

@for x y@
/* The same for A, and mask = 1 where x itself lies in the range. No mask: for inference. */
void intflow_requantize_masked_x_y(y_t *y, uint8_t *mask, const x_t *x,
                                   size_t count, int32_t rshift, int64_t limit)
{
    size_t i;
    for (i = 0; i < count; i++) {
        y[i] = (y_t)intflow_narrow(x[i], rshift, limit);
        if (mask != NULL)
            mask[i] = intflow_inside(x[i], rshift, limit);
    }
}

@for x@
/* Largest |x|, 0 for none. */
uint64_t intflow_max_abs_x(const x_t *x, size_t count)
{
    uint64_t largest = 0;
    size_t i;
    for (i = 0; i < count; i++) {
        uint64_t m = intflow_magnitude(x[i]);
        if (m > largest)
            largest = m;
    }
    return largest;
}

@for x y@
/* E: the step follows the largest magnitude of the whole tensor, 2**shiftexp(largest) becoming
 * full scale. The format that comes back says what the shift did. */
intflow_format intflow_requantize_by_maximum_x_y(y_t *y, const x_t *x,
                                                 size_t count, intflow_format format,
                                                 int32_t bits)
{
    uint64_t largest = intflow_max_abs_x(x, count);
    int32_t rshift = largest == 0 ? 0 : intflow_shiftexp(largest) - (bits - 1);
    intflow_requantize_x_y(y, x, count, rshift, intflow_largest(bits));
    return intflow_make_format(bits, format.frac_bits - rshift);
}
