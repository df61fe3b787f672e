/* ------------------------------------------------------------------ losses */

@for y@
/* Number of the first largest output of one image. */
int32_t intflow_first_largest_y(const y_t *y, size_t classes)
{
    size_t best = 0, o;
    for (o = 1; o < classes; o++)
        if (y[o] > y[best])
            best = o;
    return (int32_t)best;
}

@for y@
/* Half the sum of squares: error = y - onehot, exact; the target 1 is the code 2**frac_bits. */
void intflow_sse_y(int64_t *error, const y_t *y, const int32_t *labels,
                   size_t images, size_t classes, int32_t frac_bits,
                   intflow_result *result)
{
    size_t n, o;
    for (n = 0; n < images; n++) {
        result->wrong += intflow_first_largest_y(y + n * classes, classes) != labels[n];
        for (o = 0; o < classes; o++) {
            int64_t target = (size_t)labels[n] == o ? (int64_t)(UINT64_C(1) << frac_bits) : 0;
            error[n * classes + o] = y[n * classes + o] - target;
            intflow_add_square(result, error[n * classes + o]);
        }
    }
    result->loss_frac_bits = 2 * frac_bits + 1;
}

@for y@
/* Softmax of one image: error = p - onehot in units of 2**-15, with
 * p = half_up(2**15 * p' / sum p') and p' = 2**15 * 2**-(max(y) - y) read from the table. */
static void softmax_image_y(int32_t *error, const y_t *y, int32_t label,
                            size_t classes, int32_t frac_bits, intflow_result *result)
{
    int64_t largest = y[intflow_first_largest_y(y, classes)];
    uint64_t total = 0;
    size_t o;
    for (o = 0; o < classes; o++)
        total += intflow_power_of_two((uint64_t)(largest - y[o]), frac_bits);
    for (o = 0; o < classes; o++) {
        uint64_t raw = intflow_power_of_two((uint64_t)(largest - y[o]), frac_bits);
        error[o] = (int32_t)(((raw << 16) + total) / (2 * total));
    }
    error[label] -= 32768;
    result->loss_low += intflow_nats(total, (uint64_t)(largest - y[label]), frac_bits);
}

void intflow_softmax_y(int32_t *error, const y_t *y, const int32_t *labels,
                       size_t images, size_t classes, int32_t frac_bits,
                       intflow_result *result)
{
    size_t n;
    for (n = 0; n < images; n++) {
        result->wrong += intflow_first_largest_y(y + n * classes, classes) != labels[n];
        softmax_image_y(error + n * classes, y + n * classes, labels[n], classes, frac_bits,
                        result);
    }
    result->loss_frac_bits = 16;
}
