/* The three products of a layer by their definition: every term of the forward sum, sent to y, x or w.
   The signature and the order of `g` are those of intflow/device/c_function.py. */

#include <stdint.h>

void product(int64_t *out, const int32_t *a, const int32_t *b, const int32_t *g)
{
    const int32_t C = g[1], H = g[2], W = g[3], O = g[4], I = g[5], KH = g[6], KW = g[7];
    const int32_t OH = g[8], OW = g[9], groups = g[18];
    for (int32_t n = 0; n < g[0]; n++)
    for (int32_t o = 0; o < O; o++)
    for (int32_t oh = 0; oh < OH; oh++)
    for (int32_t ow = 0; ow < OW; ow++)
    for (int32_t i = 0; i < I; i++)
    for (int32_t kh = 0; kh < KH; kh++)
    for (int32_t kw = 0; kw < KW; kw++) {
        const int32_t h = oh * g[10] - g[12] + kh * g[16];
        const int32_t w = ow * g[11] - g[14] + kw * g[17];
        if (h < 0 || h >= H || w < 0 || w >= W)
            continue;
        const int32_t c = o / (O / groups) * I + i;
        const int64_t x = (((int64_t)n * C + c) * H + h) * W + w;
        const int64_t k = (((int64_t)o * I + i) * KH + kh) * KW + kw;
        const int64_t y = (((int64_t)n * O + o) * OH + oh) * OW + ow;
        if (g[19] == 0)
            out[y] += (int64_t)a[x] * b[k];
        else if (g[19] == 1)
            out[x] += (int64_t)a[y] * b[k];
        else
            out[k] += (int64_t)a[x] * b[y];
    }
}
