"""Pooling and ReLU, forward and error. Tensors are HWNC (ReLU takes NC as well)."""

from dataclasses import replace

import numpy as np

from ..errors import FormatError
from ..formats import Binary, Fixed, Tensor
from ..kernels.buffers import ERRORS, MASKS, SUMS, empty
from .width import WIDEST_OPERAND, wide


def relu(kernels, x):
    """max(x, 0), and the mask x > 0."""
    out = empty(x.codes.shape, x.codes.dtype, SUMS)
    mask = empty(x.codes.shape, np.uint8, MASKS)
    kernels.relu(out, mask, x.codes)
    return Tensor(out, x.format, x.axes), mask


def max_pool2d(kernels, x, window):
    """Largest code of each window, and the place of its first maximum (row-major)."""
    height, width, images, channels = x.codes.shape
    window = window.resolve(height, width)
    shape = (*window.output_size(height, width), images, channels)
    out = empty(shape, x.codes.dtype, SUMS)
    winner = empty(shape, window.index_dtype, MASKS)
    kernels.max_pool2d(out, winner, x.codes, window.kernel_size, window.stride, window.padding)
    return Tensor(out, x.format, x.axes), winner


def max_pool2d_error(kernels, e, winner, window, input_shape):
    """Each error goes to its window's winner; where windows overlap they add up.

    Exactness
    ---------
    An input lies in at most ceil(k / stride)**2 windows, so the sum needs that many times
    the range of e: a 3x3 pool of stride 2 turns 8 bits into 10.
    """
    window = window.resolve(*input_shape[:2])
    overlap = 1
    for size, stride in zip(window.kernel_size, window.stride):
        overlap *= -(-size // stride)
    bits = (overlap * e.format.maximum).bit_length() + 1
    narrow = bits <= WIDEST_OPERAND
    fmt = Fixed(bits, e.format.frac_bits, symmetric=True) if narrow else wide(bits, e.format.frac_bits)
    out = empty(input_shape, fmt.dtype, ERRORS)
    kernels.max_pool2d_backward(
        out, e.codes, winner, window.kernel_size, window.stride, window.padding
    )
    return Tensor(out, fmt, e.axes)


def avg_pool2d(kernels, x, window, guard_bits=0):
    """Mean of each window, zeros of the padding included, rounded half even.

    guard_bits : the result keeps this many bits below the step of x.
    """
    height, width, images, channels = x.codes.shape
    window = window.resolve(height, width)
    fmt = average_format(x.format, window, guard_bits)
    out = empty((*window.output_size(height, width), images, channels), fmt.dtype, SUMS)
    kernels.avg_pool2d(
        out, x.codes, window.kernel_size, window.stride, window.padding, guard_bits
    )
    return Tensor(out, fmt, x.axes)


def average_format(fmt, window, guard_bits):
    """Format of the means of windows over codes of `fmt`.

    Raises
    ------
    FormatError : where the sum of a window, shifted by the guard bits, does not fit 62 bits.
    """
    kh, kw = window.kernel_size
    fmt = fmt.grid
    if isinstance(fmt, Binary):
        fmt = Fixed(2, fmt.frac_bits, symmetric=True)       # a mean may be 0
    bits = fmt.bits + guard_bits
    if bits + (kh * kw).bit_length() > 62:
        raise FormatError(
            f"the average of a {kh}x{kw} window over {fmt.bits} bits needs more than 62; put a "
            "Requantize before it"
        )
    if not guard_bits:
        return fmt
    if bits + (not fmt.signed) <= WIDEST_OPERAND:
        return replace(fmt, bits=bits, frac_bits=fmt.frac_bits + guard_bits)
    return wide(bits + (not fmt.signed), fmt.frac_bits + guard_bits)


AVERAGE_GUARD_BITS = 8


def average_error_bits(window):
    """Most bits of an error that `avg_pool2d_error` takes."""
    kh, kw = window.kernel_size
    return 63 - (kh * kw - 1).bit_length() - AVERAGE_GUARD_BITS


def avg_pool2d_error(kernels, e, window, input_shape):
    """Each input gets e / count, rounded half even at AVERAGE_GUARD_BITS bits below the step
    that divides exactly where count is a power of two."""
    kh, kw = window.kernel_size
    lshift = 63 - average_error_bits(window)
    overlap = -(-kh // window.stride[0]) * -(-kw // window.stride[1])
    if e.format.bits + lshift > 63:
        raise FormatError(
            f"an average of {kh}x{kw} takes errors of at most {63 - lshift} bits, got "
            f"{e.format.bits}; put a Requantize behind it"
        )
    # |half_even(e * 2**lshift / count)| <= max|e| * 2**lshift / count + 1/2.
    bound = overlap * ((e.format.maximum << lshift) // (kh * kw) + 1)
    fmt = wide(bound.bit_length() + 1, e.format.frac_bits + lshift)
    out = empty(input_shape, fmt.dtype, ERRORS)
    window = window.resolve(*input_shape[:2])
    kernels.avg_pool2d_backward(
        out, e.codes, window.kernel_size, window.stride, window.padding, lshift
    )
    return Tensor(out, fmt, e.axes)
