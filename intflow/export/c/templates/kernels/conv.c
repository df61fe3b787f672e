/* ------------------------------------------------------------------ convolution
 *
 * x (N, I, H, W), w (O, I/groups, KH, KW), y and e (N, O, OH, OW). Output oh meets input
 * ih = oh * stride - top + kh * dilation. Every bound of an accumulator was proven at export. */

/* Outputs [first, stop) that meet an input through this tap. */
intflow_span intflow_reach(int32_t inputs, int32_t outputs, int32_t stride, int32_t shift)
{
    intflow_span span;
    int32_t stop = inputs > shift ? (inputs - shift - 1) / stride + 1 : 0;
    span.shift = shift;
    span.first = shift < 0 ? (stride - 1 - shift) / stride : 0;
    span.stop = stop < outputs ? stop : outputs;
    return span;
}

intflow_span intflow_rows(const intflow_window *c, int32_t kh)
{
    return intflow_reach(c->height, c->out_height, c->stride_h, kh * c->dilation_h - c->top);
}

intflow_span intflow_columns(const intflow_window *c, int32_t kw)
{
    return intflow_reach(c->width, c->out_width, c->stride_w, kw * c->dilation_w - c->left);
}

/* Elements of one plane of inputs, of outputs, and of one channel's taps. */
size_t intflow_plane(const intflow_window *c)
{
    return (size_t)c->height * (size_t)c->width;
}

size_t intflow_out_plane(const intflow_window *c)
{
    return (size_t)c->out_height * (size_t)c->out_width;
}

size_t intflow_taps(const intflow_window *c)
{
    return (size_t)c->kernel_h * (size_t)c->kernel_w;
}

/* Channels that one group reads, and makes. */
size_t intflow_group_inputs(const intflow_window *c)
{
    return (size_t)(c->inputs / c->groups);
}

size_t intflow_group_outputs(const intflow_window *c)
{
    return (size_t)(c->outputs / c->groups);
}

/* The first input channel that output channel o sees. */
size_t intflow_first_input(const intflow_window *c, size_t o)
{
    return o / intflow_group_outputs(c) * intflow_group_inputs(c);
}

@for x w y@
/* One plane: y += weight * x wherever a tap meets a pixel. */
static void forward_plane_x_w_y(y_t *y, const x_t *x, y_t weight,
                                const intflow_window *c, intflow_span rows,
                                intflow_span columns)
{
    int32_t h, v;
    for (h = rows.first; h < rows.stop; h++) {
        const x_t *in = x + (h * c->stride_h + rows.shift) * c->width;
        y_t *out = y + h * c->out_width;
        for (v = columns.first; v < columns.stop; v++)
            out[v] += weight * in[v * c->stride_w + columns.shift];
    }
}

/* One image through one tap of every filter; few-bit weights are often 0. */
static void forward_tap_x_w_y(y_t *y, const x_t *x, const w_t *w,
                              const intflow_window *c, intflow_span rows,
                              intflow_span columns)
{
    size_t inputs = intflow_group_inputs(c), o, i;
    for (o = 0; o < (size_t)c->outputs; o++)
        for (i = 0; i < inputs; i++) {
            y_t weight = w[(o * inputs + i) * intflow_taps(c)];
            if (weight != 0)
                forward_plane_x_w_y(y + o * intflow_out_plane(c),
                                  x + (intflow_first_input(c, o) + i) * intflow_plane(c),
                                  weight, c, rows, columns);
        }
}

void intflow_conv2d_forward_x_w_y(y_t *y, const x_t *x, const w_t *w,
                                  size_t images, const intflow_window *c)
{
    size_t whole = (size_t)c->outputs * intflow_out_plane(c), n, k;
    int32_t kh, kw;
    for (k = 0; k < images * whole; k++)
        y[k] = 0;
    for (n = 0; n < images; n++)
        for (kh = 0; kh < c->kernel_h; kh++)
            for (kw = 0; kw < c->kernel_w; kw++)
                forward_tap_x_w_y(y + n * whole, x + n * (size_t)c->inputs * intflow_plane(c),
                                  w + kh * c->kernel_w + kw, c, intflow_rows(c, kh),
                                  intflow_columns(c, kw));
}

@for e w y@
/* One plane: y += weight * e, every error back to the pixel that a tap met. */
static void error_plane_e_w_y(y_t *y, const e_t *e, y_t weight,
                              const intflow_window *c, intflow_span rows,
                              intflow_span columns)
{
    int32_t h, v;
    for (h = rows.first; h < rows.stop; h++) {
        y_t *below = y + (h * c->stride_h + rows.shift) * c->width;
        const e_t *from = e + h * c->out_width;
        for (v = columns.first; v < columns.stop; v++)
            below[v * c->stride_w + columns.shift] += weight * from[v];
    }
}

/* The errors of one image back along one tap of every filter. */
static void error_tap_e_w_y(y_t *y, const e_t *e, const w_t *w,
                            const intflow_window *c, intflow_span rows,
                            intflow_span columns)
{
    size_t inputs = intflow_group_inputs(c), o, i;
    for (o = 0; o < (size_t)c->outputs; o++)
        for (i = 0; i < inputs; i++) {
            y_t weight = w[(o * inputs + i) * intflow_taps(c)];
            if (weight != 0)
                error_plane_e_w_y(y + (intflow_first_input(c, o) + i) * intflow_plane(c),
                                e + o * intflow_out_plane(c), weight, c, rows, columns);
        }
}

void intflow_conv2d_error_e_w_y(y_t *y, const e_t *e, const w_t *w,
                                size_t images, const intflow_window *c)
{
    size_t whole = (size_t)c->inputs * intflow_plane(c), n, k;
    int32_t kh, kw;
    for (k = 0; k < images * whole; k++)
        y[k] = 0;
    for (n = 0; n < images; n++)
        for (kh = 0; kh < c->kernel_h; kh++)
            for (kw = 0; kw < c->kernel_w; kw++)
                error_tap_e_w_y(y + n * whole,
                                e + n * (size_t)c->outputs * intflow_out_plane(c),
                                w + kh * c->kernel_w + kw, c, intflow_rows(c, kh),
                                intflow_columns(c, kw));
}

@for x e y@
/* One plane: the sum of x * e wherever a tap meets a pixel. */
static y_t gradient_plane_x_e_y(const x_t *x, const e_t *e,
                                const intflow_window *c, intflow_span rows,
                                intflow_span columns)
{
    y_t sum = 0;
    int32_t h, v;
    for (h = rows.first; h < rows.stop; h++) {
        const x_t *in = x + (h * c->stride_h + rows.shift) * c->width;
        const e_t *from = e + h * c->out_width;
        for (v = columns.first; v < columns.stop; v++)
            sum += (y_t)in[v * c->stride_w + columns.shift] * from[v];
    }
    return sum;
}

/* What one image adds to the gradient of one tap of every filter. */
static void gradient_tap_x_e_y(y_t *y, const x_t *x, const e_t *e,
                               const intflow_window *c, intflow_span rows,
                               intflow_span columns)
{
    size_t inputs = intflow_group_inputs(c), o, i;
    for (o = 0; o < (size_t)c->outputs; o++)
        for (i = 0; i < inputs; i++)
            y[(o * inputs + i) * intflow_taps(c)] += gradient_plane_x_e_y(
                x + (intflow_first_input(c, o) + i) * intflow_plane(c),
                e + o * intflow_out_plane(c), c, rows, columns);
}

void intflow_conv2d_gradient_x_e_y(y_t *y, const x_t *x, const e_t *e,
                                   size_t images, const intflow_window *c)
{
    size_t weights = (size_t)c->outputs * intflow_group_inputs(c) * intflow_taps(c), n, k;
    int32_t kh, kw;
    for (k = 0; k < weights; k++)
        y[k] = 0;
    for (n = 0; n < images; n++)
        for (kh = 0; kh < c->kernel_h; kh++)
            for (kw = 0; kw < c->kernel_w; kw++)
                gradient_tap_x_e_y(y + kh * c->kernel_w + kw,
                                   x + n * (size_t)c->inputs * intflow_plane(c),
                                   e + n * (size_t)c->outputs * intflow_out_plane(c), c,
                                   intflow_rows(c, kh), intflow_columns(c, kw));
}
