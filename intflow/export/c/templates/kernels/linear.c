/* ------------------------------------------------------------------ fully connected: w (O, I) */

@for x w y@
/* y (N, O) = x (N, I) . w^T */
void intflow_linear_forward_x_w_y(y_t *y, const x_t *x, const w_t *w,
                                  size_t images, size_t inputs, size_t outputs)
{
    size_t n, o, i;
    for (n = 0; n < images; n++)
        for (o = 0; o < outputs; o++) {
            y_t sum = 0;
            for (i = 0; i < inputs; i++)
                sum += (y_t)x[n * inputs + i] * w[o * inputs + i];
            y[n * outputs + o] = sum;
        }
}

@for e w y@
/* y (N, I) = e (N, O) . w */
void intflow_linear_error_e_w_y(y_t *y, const e_t *e, const w_t *w,
                                size_t images, size_t inputs, size_t outputs)
{
    size_t n, o, i;
    for (i = 0; i < images * inputs; i++)
        y[i] = 0;
    for (n = 0; n < images; n++)
        for (o = 0; o < outputs; o++) {
            y_t error = e[n * outputs + o];
            for (i = 0; i < inputs && error != 0; i++)
                y[n * inputs + i] += error * w[o * inputs + i];
        }
}

@for x e y@
/* y (O, I) = e^T . x */
void intflow_linear_gradient_x_e_y(y_t *y, const x_t *x, const e_t *e,
                                   size_t images, size_t inputs, size_t outputs)
{
    size_t n, o, i;
    for (i = 0; i < outputs * inputs; i++)
        y[i] = 0;
    for (o = 0; o < outputs; o++)
        for (n = 0; n < images; n++) {
            y_t error = e[n * outputs + o];
            for (i = 0; i < inputs && error != 0; i++)
                y[o * inputs + i] += error * x[n * inputs + i];
        }
}
