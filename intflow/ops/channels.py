"""One number a channel: biases, and affine maps of channels."""

import numpy as np

from ..formats import Tensor
from .arithmetic import sum_format
from .linear_algebra import accumulator


def scale_channels(kernels, x, a, b):
    """x * a + b with one a and one b a channel, exact; x HWNC or NC, a and b C.

    b lies at any step; the result at the finer one of b and of the product x * a.
    """
    product = accumulator(x.format, a.format, 1)
    return _affine(kernels, x, a.codes, product, b)


def add_channels(kernels, x, b):
    """x + b with one b a channel, exact: the coarser of the two is shifted left."""
    return _affine(kernels, x, None, x.format, b)


def _affine(kernels, x, a, product, b):
    fmt = sum_format(product, b.format)
    lshift = fmt.frac_bits - product.frac_bits
    factor = np.full(b.codes.shape, 1, fmt.dtype) if a is None else a.astype(fmt.dtype)
    offset = b.codes.astype(fmt.dtype) << (fmt.frac_bits - b.format.frac_bits)
    out = np.empty(x.codes.shape, fmt.dtype)
    kernels.scale_channels(out, x.codes, factor << lshift, offset)
    return Tensor(out, fmt, x.axes)
