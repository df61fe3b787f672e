/* ------------------------------------------------------------------ one output for one input */

@for y@
/* u8 images to codes, by a table of the 256 pixel values. */
void intflow_encode_y(y_t *y, const uint8_t *images, size_t count,
                      const y_t table[256])
{
    size_t i;
    for (i = 0; i < count; i++)
        y[i] = table[images[i]];
}

@for x@
/* y = max(x, 0), mask = x > 0; y may be x. No mask: for inference. */
void intflow_relu_x(x_t *y, uint8_t *mask, const x_t *x, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        if (mask != NULL)
            mask[i] = x[i] > 0;
        y[i] = x[i] > 0 ? x[i] : 0;
    }
}

@for x@
/* out = e where the mask is set, else 0; out may be e. */
void intflow_apply_mask_x(x_t *out, const x_t *e, const uint8_t *mask,
                          size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        out[i] = mask[i] ? e[i] : 0;
}

@for a b y@
/* y = a + b at the finer step of both; `sum` says how they get there. */
void intflow_add_a_b_y(y_t *y, const a_t *a, const b_t *b, size_t count,
                       const intflow_sum *sum)
{
    size_t i;
    for (i = 0; i < count; i++)
        y[i] = (y_t)(intflow_align(a[i], sum->a_rshift, sum->a_bits)
                     + intflow_align(b[i], sum->b_rshift, sum->b_bits));
}

@for x y@
/* Write x (images, part) into the channels of y (images, whole) from `first` on, << lshift. */
void intflow_put_channels_x_y(y_t *y, const x_t *x, size_t images, size_t part,
                              size_t whole, size_t first, int32_t lshift)
{
    size_t n, i;
    for (n = 0; n < images; n++)
        for (i = 0; i < part; i++)
            y[n * whole + first + i] = (y_t)intflow_narrow(x[n * part + i], -lshift, INT64_MAX);
}

@for x@
/* The inverse: y (images, part) is the run of channels of e (images, whole) from `first` on. */
void intflow_take_channels_x(x_t *y, const x_t *e, size_t images, size_t part,
                             size_t whole, size_t first)
{
    size_t n, i;
    for (n = 0; n < images; n++)
        for (i = 0; i < part; i++)
            y[n * part + i] = e[n * whole + first + i];
}
