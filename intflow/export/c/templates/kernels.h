/* Integer kernels of an exported intflow network. No float, no allocation, no global state. */

#ifndef INTFLOW_KERNELS_H
#define INTFLOW_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "intflow_net.h"

/* A convolution or a pool: sizes of its input, output and window. */
typedef struct {
    int32_t inputs, height, width;
    int32_t outputs, out_height, out_width;
    int32_t kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w, groups;
} intflow_window;

/* A run [first, stop) of places along an axis, and by how much the other side is shifted. */
typedef struct {
    int32_t first, stop, shift;
} intflow_span;

/* What the integers of an error mean: value = code * 2**-frac_bits, |code| < 2**(bits - 1). */
typedef struct {
    int32_t bits, frac_bits;
} intflow_format;

/* A sum of two errors: bits to drop from each, and the format of the result. */
typedef struct {
    int32_t a_rshift, b_rshift, a_bits, b_bits;
    intflow_format format;
} intflow_sum;

/* Where random numbers come from; purpose 4 is the weight update. */
typedef struct {
    uint64_t seed;
    uint32_t purpose, step, tensor;
} intflow_stream;

/* A stochastic rounding of |g| * p * 2**lshift / divisor. */
typedef struct {
    uint64_t p, divisor;
    int32_t lshift, drop;
} intflow_rounding;

/* A weight (outputs, inputs, taps); a matrix has one tap. */
typedef struct {
    size_t outputs, inputs, taps;
} intflow_shape;

typedef struct {
    uint32_t hash[8];
    uint8_t block[64];
    uint64_t bytes;
} intflow_sha256;

@PROTOTYPES@

#endif
