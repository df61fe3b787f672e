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

@for x w y@
/* y += x through every tap of one channel. */
static void forward_plane_x_w_y(y_t *y, const x_t *x, const w_t *w, const intflow_window *c)
{
    int32_t kh, kw, h, v;
    for (kh = 0; kh < c->kernel_h; kh++) {
        intflow_span rows = intflow_rows(c, kh);
        for (kw = 0; kw < c->kernel_w; kw++) {
            intflow_span columns = intflow_columns(c, kw);
            y_t weight = w[kh * c->kernel_w + kw];
            for (h = rows.first; weight != 0 && h < rows.stop; h++) {
                const x_t *in = x + (h * c->stride_h + rows.shift) * c->width;
                y_t *out = y + h * c->out_width;
                for (v = columns.first; v < columns.stop; v++)
                    out[v] += weight * in[v * c->stride_w + columns.shift];
            }
        }
    }
}

void intflow_conv2d_forward_x_w_y(y_t *y, const x_t *x, const w_t *w, size_t images,
                                  const intflow_window *c)
{
    size_t inputs = (size_t)(c->inputs / c->groups), outputs = (size_t)c->outputs;
    size_t group = (size_t)(c->outputs / c->groups), n, o, i, k;
    for (n = 0; n < images; n++)
        for (o = 0; o < outputs; o++) {
            y_t *out = y + (n * outputs + o) * intflow_out_plane(c);
            const x_t *in = x + (n * (size_t)c->inputs + o / group * inputs) * intflow_plane(c);
            for (k = 0; k < intflow_out_plane(c); k++)
                out[k] = 0;
            for (i = 0; i < inputs; i++)
                forward_plane_x_w_y(out, in + i * intflow_plane(c),
                                    w + (o * inputs + i) * intflow_taps(c), c);
        }
}

@for e w y@
/* out += e, every one back along the taps it came by. */
static void error_plane_e_w_y(y_t *out, const e_t *e, const w_t *w, const intflow_window *c)
{
    int32_t kh, kw, h, v;
    for (kh = 0; kh < c->kernel_h; kh++) {
        intflow_span rows = intflow_rows(c, kh);
        for (kw = 0; kw < c->kernel_w; kw++) {
            intflow_span columns = intflow_columns(c, kw);
            y_t weight = w[kh * c->kernel_w + kw];
            for (h = rows.first; weight != 0 && h < rows.stop; h++) {
                y_t *below = out + (h * c->stride_h + rows.shift) * c->width;
                const e_t *from = e + h * c->out_width;
                for (v = columns.first; v < columns.stop; v++)
                    below[v * c->stride_w + columns.shift] += weight * from[v];
            }
        }
    }
}

void intflow_conv2d_error_e_w_y(y_t *y, const e_t *e, const w_t *w, size_t images,
                                const intflow_window *c)
{
    size_t inputs = (size_t)(c->inputs / c->groups), outputs = (size_t)c->outputs;
    size_t group = (size_t)(c->outputs / c->groups), n, o, i, k;
    for (k = 0; k < images * (size_t)c->inputs * intflow_plane(c); k++)
        y[k] = 0;
    for (n = 0; n < images; n++)
        for (o = 0; o < outputs; o++) {
            y_t *below = y + (n * (size_t)c->inputs + o / group * inputs) * intflow_plane(c);
            const e_t *from = e + (n * outputs + o) * intflow_out_plane(c);
            for (i = 0; i < inputs; i++)
                error_plane_e_w_y(below + i * intflow_plane(c), from,
                                  w + (o * inputs + i) * intflow_taps(c), c);
        }
}

@for x e y@
/* Sum of x * e over one plane, for one tap. */
static y_t gradient_tap_x_e_y(const x_t *x, const e_t *e, const intflow_window *c,
                              intflow_span rows, intflow_span columns)
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

/* g += the gradient of one channel's taps. */
static void gradient_plane_x_e_y(y_t *g, const x_t *x, const e_t *e, const intflow_window *c)
{
    int32_t kh, kw;
    for (kh = 0; kh < c->kernel_h; kh++)
        for (kw = 0; kw < c->kernel_w; kw++)
            g[kh * c->kernel_w + kw] += gradient_tap_x_e_y(x, e, c, intflow_rows(c, kh),
                                                           intflow_columns(c, kw));
}

void intflow_conv2d_gradient_x_e_y(y_t *y, const x_t *x, const e_t *e, size_t images,
                                   const intflow_window *c)
{
    size_t inputs = (size_t)(c->inputs / c->groups), outputs = (size_t)c->outputs;
    size_t group = (size_t)(c->outputs / c->groups), n, o, i, k;
    for (k = 0; k < outputs * inputs * intflow_taps(c); k++)
        y[k] = 0;
    for (n = 0; n < images; n++)
        for (o = 0; o < outputs; o++) {
            const x_t *in = x + (n * (size_t)c->inputs + o / group * inputs) * intflow_plane(c);
            const e_t *from = e + (n * outputs + o) * intflow_out_plane(c);
            for (i = 0; i < inputs; i++)
                gradient_plane_x_e_y(y + (o * inputs + i) * intflow_taps(c),
                                     in + i * intflow_plane(c), from, c);
        }
}
