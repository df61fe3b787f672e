/* ------------------------------------------------------------------ pooling, plane by plane */

/* Taps [first, stop) of a window that begins at `start` which lie in the image. */
intflow_span intflow_window_taps(int32_t start, int32_t size, int32_t kernel)
{
    intflow_span span;
    span.shift = start;
    span.first = start < 0 ? -start : 0;
    span.stop = size - start < kernel ? size - start : kernel;
    return span;
}

/* Where the window of output k of a plane begins: its row, its column. */
int32_t intflow_window_top(const intflow_window *c, size_t k)
{
    return (int32_t)(k / (size_t)c->out_width) * c->stride_h - c->top;
}

int32_t intflow_window_left(const intflow_window *c, size_t k)
{
    return (int32_t)(k % (size_t)c->out_width) * c->stride_w - c->left;
}

@for x k@
/* The first largest code of one window, and its tap kh * KW + kw. */
static void largest_x_k(x_t *y, k_t *winner, const x_t *x,
                        const intflow_window *c, intflow_span rows, intflow_span columns)
{
    int32_t kh, kw, best = -1;
    for (kh = rows.first; kh < rows.stop; kh++)
        for (kw = columns.first; kw < columns.stop; kw++) {
            x_t v = x[(rows.shift + kh) * c->width + columns.shift + kw];
            if (best < 0 || v > *y) {
                *y = v;
                best = kh * c->kernel_w + kw;
            }
        }
    if (winner != NULL)
        *winner = (k_t)best;
}

/* No winner: for inference. */
void intflow_max_pool2d_x_k(x_t *y, k_t *winner, const x_t *x,
                            size_t planes, const intflow_window *c)
{
    size_t p, k;
    for (p = 0; p < planes; p++)
        for (k = 0; k < intflow_out_plane(c); k++) {
            int32_t h = intflow_window_top(c, k), v = intflow_window_left(c, k);
            size_t at = p * intflow_out_plane(c) + k;
            k_t *won = winner == NULL ? NULL : winner + at;
            largest_x_k(y + at, won, x + p * intflow_plane(c), c,
                        intflow_window_taps(h, c->height, c->kernel_h),
                        intflow_window_taps(v, c->width, c->kernel_w));
        }
}

@for e k y@
/* Every error to its window's winner; where windows overlap, errors add up. */
void intflow_max_pool2d_error_e_k_y(y_t *y, const e_t *e,
                                    const k_t *winner, size_t planes,
                                    const intflow_window *c)
{
    size_t p, k;
    for (k = 0; k < planes * intflow_plane(c); k++)
        y[k] = 0;
    for (p = 0; p < planes; p++)
        for (k = 0; k < intflow_out_plane(c); k++) {
            size_t at = p * intflow_out_plane(c) + k;
            int32_t tap = winner[at];
            int32_t h = intflow_window_top(c, k) + tap / c->kernel_w;
            int32_t v = intflow_window_left(c, k) + tap % c->kernel_w;
            y[p * intflow_plane(c) + (size_t)(h * c->width + v)] += e[at];
        }
}

@for x@
/* half_even(sum of the window / its size). */
void intflow_avg_pool2d_x(x_t *y, const x_t *x, size_t planes,
                          const intflow_window *c)
{
    size_t p, k;
    for (p = 0; p < planes; p++)
        for (k = 0; k < intflow_out_plane(c); k++) {
            int32_t h = intflow_window_top(c, k), v = intflow_window_left(c, k), kh, kw;
            int64_t sum = 0;
            for (kh = 0; kh < c->kernel_h; kh++)
                for (kw = 0; kw < c->kernel_w; kw++)
                    sum += x[p * intflow_plane(c) + (size_t)((h + kh) * c->width + v + kw)];
            y[p * intflow_out_plane(c) + k] = (x_t)intflow_divide(sum, 0, intflow_taps(c));
        }
}

@for e y@
/* Every pixel of a window gets half_even(e * 2**lshift / size); shares of windows add up. */
void intflow_avg_pool2d_error_e_y(y_t *y, const e_t *e, size_t planes,
                                  const intflow_window *c, int32_t lshift)
{
    size_t p, k;
    for (k = 0; k < planes * intflow_plane(c); k++)
        y[k] = 0;
    for (p = 0; p < planes; p++)
        for (k = 0; k < intflow_out_plane(c); k++) {
            int32_t h = intflow_window_top(c, k), v = intflow_window_left(c, k), kh, kw;
            y_t share = (y_t)intflow_divide(e[p * intflow_out_plane(c) + k], lshift,
                                            intflow_taps(c));
            for (kh = 0; kh < c->kernel_h; kh++)
                for (kw = 0; kw < c->kernel_w; kw++)
                    y[p * intflow_plane(c) + (size_t)((h + kh) * c->width + v + kw)] += share;
        }
}
