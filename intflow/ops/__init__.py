"""Exact tensor arithmetic: Tensor in, Tensor out, every width proven before a kernel runs.

Lingo: a *product* is one of the three faces (forward, error, gradient) of a convolution or a
matrix product; its *bound* is the largest magnitude any accumulator can reach, from shapes
and formats alone. Kernels trust these functions, so every check stands here.
"""

from .arithmetic import (
    add,
    add_errors,
    channels_of,
    common_format,
    concatenate,
    mask_error,
    sum_format,
)
from .bitwise import (
    binarize,
    binarize_above,
    binarize_drawn,
    binarize_masked,
    binarize_weight,
    pack,
    unpack,
)
from .channels import add_channels, channel_gradients, multiply_channels, scale_channels, sum_channels
from .dropout import dropout, dropout_format, dropout_mean
from .fused import (
    conv2d_error_masked,
    conv2d_requantized,
    count_passed,
    max_passed,
    narrow_error,
    requantize_packed,
)
from .levels import plain, plain_format, requantize_levels, short_fraction, slope_error
from .linear_algebra import accumulator, bound_bits, conv2d, conv2d_error, conv2d_gradient
from .lrn import local_response_norm, response
from .normalise import channel_sums
from .pooling import average_format, avg_pool2d, avg_pool2d_error, max_pool2d, max_pool2d_error, relu
from .power import requantize_to_power
from .products import Products
from .requantize import requantize, requantize_by_maximum, requantize_masked
from .rows import sum_format_of_rows, sum_rows, take_rows
from .shape import flatten, flatten_bits, subsample, subsample_error, unflatten
from .shift_products import ShiftProducts
from .stochastic_sign import binarize_weight_drawn
from .width import WIDEST_OPERAND, wide
from .window import Window

__all__ = [
    "Products", "ShiftProducts", "WIDEST_OPERAND", "Window", "accumulator", "add", "add_channels",
    "add_errors", "average_format", "avg_pool2d", "avg_pool2d_error", "binarize",
    "binarize_above", "binarize_drawn", "binarize_masked", "binarize_weight", "binarize_weight_drawn",
    "bound_bits", "channel_gradients", "channel_sums", "channels_of", "common_format",
    "concatenate", "conv2d", "conv2d_error", "conv2d_error_masked", "conv2d_gradient",
    "conv2d_requantized", "count_passed", "dropout", "dropout_format", "dropout_mean",
    "flatten", "flatten_bits", "local_response_norm", "mask_error", "max_passed", "max_pool2d",
    "max_pool2d_error", "multiply_channels", "narrow_error", "pack", "plain", "plain_format",
    "relu", "requantize", "requantize_by_maximum", "requantize_levels", "requantize_masked",
    "requantize_packed", "requantize_to_power", "response", "scale_channels", "short_fraction",
    "slope_error", "subsample", "subsample_error", "sum_channels", "sum_format",
    "sum_format_of_rows", "sum_rows", "take_rows", "unflatten", "unpack", "wide",
]
