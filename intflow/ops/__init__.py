"""Exact tensor arithmetic: Tensor in, Tensor out, every width proven before a kernel runs.

Lingo: a *product* is one of the three faces (forward, error, gradient) of a convolution or a
matrix product; its *bound* is the largest magnitude any accumulator can reach, from shapes
and formats alone. Kernels trust these functions, so every check stands here.
"""

from .arithmetic import add, common_format, concatenate, mask_error, sum_format
from .channels import add_channels, scale_channels
from .linear_algebra import accumulator, bound_bits, conv2d, conv2d_error, conv2d_gradient
from .lrn import local_response_norm, response
from .pooling import average_format, avg_pool2d, avg_pool2d_error, max_pool2d, max_pool2d_error, relu
from .products import Products
from .requantize import requantize, requantize_by_maximum, requantize_masked
from .shape import flatten, subsample, subsample_error, unflatten
from .width import WIDEST_OPERAND, wide
from .window import Window

__all__ = [
    "Products", "WIDEST_OPERAND", "Window", "accumulator", "add", "add_channels",
    "average_format", "avg_pool2d", "avg_pool2d_error", "bound_bits", "common_format",
    "concatenate", "conv2d", "conv2d_error", "conv2d_gradient", "flatten",
    "local_response_norm", "mask_error", "max_pool2d", "max_pool2d_error", "relu", "requantize",
    "requantize_by_maximum", "requantize_masked", "response", "scale_channels", "subsample",
    "subsample_error", "sum_format", "unflatten", "wide",
]
