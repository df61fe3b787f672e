"""One number a channel: biases, and affine maps of channels."""

import numpy as np

from ..formats import Fixed, Tensor
from ..group import ALONE
from ..kernels.buffers import SUMS, empty, is_planning
from .arithmetic import sum_format
from .linear_algebra import accumulator
from .normalise import channel_sums, rdiv
from .width import wide


def scale_channels(kernels, x, a, b):
    """x * a + b with one a and one b a channel, exact; x HWNC or NC, a and b C.

    b lies at any step; the result at the finer one of b and of the product x * a.
    """
    product = accumulator(x.format, a.format, 1)
    return _affine(kernels, x, a.codes, product, b)


def multiply_channels(kernels, e, a):
    """e * a with one a a channel, exact."""
    fmt = accumulator(e.format, a.format, 1)
    out = empty(e.codes.shape, fmt.dtype, SUMS)
    factor = a.codes.astype(fmt.dtype)
    kernels.scale_channels(out, e.codes, factor, np.zeros_like(factor))
    return Tensor(out, fmt, e.axes)


def multiply_by(kernels, x, multiplier, frac_bits):
    """x * multiplier * 2**-frac_bits, exact: all channels by the same positive integer."""
    channels = x.codes.shape[-1]
    fmt = Fixed(multiplier.bit_length() + 1, frac_bits, symmetric=True)
    return multiply_channels(kernels, x, Tensor(np.full(channels, multiplier, fmt.dtype), fmt, "C"))


def channel_gradients(kernels, e, x, group):
    """(sum of e, sum of e * x) a channel over the images of the group, as gradients in 64 bits.

    Exact; where the sums of products leave 63 bits they are rounded half up to what these hold.
    """
    sums = channel_sums(kernels, e, x, group)
    largest = max(map(abs, sums.products), default=0).bit_length()
    dropped = max(0, largest - 62)
    products = [rdiv(v, 1 << dropped) for v in sums.products]
    frac_bits = e.format.frac_bits
    return (_vector(sums.totals, frac_bits),
            _vector(products, frac_bits + x.format.frac_bits - dropped))


def _vector(values, frac_bits):
    return Tensor(np.array(values, np.int64), wide(64, frac_bits), "C")


def add_channels(kernels, x, b):
    """x + b with one b a channel, exact: the coarser of the two is shifted left."""
    return _affine(kernels, x, None, x.format, b)


def sum_channels(e, group=ALONE):
    """Sum over all images and pixels, one number a channel, exact: the gradient of a bias.

    e : Tensor HWNC or NC. group : the workers that hold images of the batch.

    Raises
    ------
    FormatError : where 64 bits do not hold count * max|e|.

    Examples
    --------
    Three images of one pixel with errors (1, 2), (3, 4), (5, 6): (9, 12).
    """
    channels = e.codes.shape[-1]
    count = group.totals([e.codes.size // channels])[0]
    fmt = wide((count * e.format.maximum).bit_length() + 1, e.format.frac_bits)
    total = np.zeros(channels, np.int64)
    if not is_planning():
        e.codes.reshape(-1, channels).sum(axis=0, dtype=np.int64, out=total)
    total = group.sum(total)
    return Tensor(total.astype(fmt.dtype), fmt, "C")


def _affine(kernels, x, a, product, b):
    fmt = sum_format(product, b.format)
    lshift = fmt.frac_bits - product.frac_bits
    factor = np.full(b.codes.shape, 1, fmt.dtype) if a is None else a.astype(fmt.dtype)
    offset = b.codes.astype(fmt.dtype) << (fmt.frac_bits - b.format.frac_bits)
    out = empty(x.codes.shape, fmt.dtype, SUMS)
    kernels.scale_channels(out, x.codes, factor << lshift, offset)
    return Tensor(out, fmt, x.axes)
