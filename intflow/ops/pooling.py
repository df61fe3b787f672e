"""Pooling and ReLU, forward and error. Tensors are HWNC (ReLU takes NC as well)."""

import numpy as np

from ..formats import Fixed, Tensor
from .width import WIDEST_OPERAND, wide


def relu(kernels, x):
    """max(x, 0), and the mask x > 0."""
    out = np.empty(x.codes.shape, x.codes.dtype)
    mask = np.empty(x.codes.shape, np.uint8)
    kernels.relu(out, mask, x.codes)
    return Tensor(out, x.format, x.axes), mask


def max_pool2d(kernels, x, window):
    """Largest code of each window, and the place of its first maximum (row-major)."""
    height, width, images, channels = x.codes.shape
    window = window.resolve(height, width)
    shape = (*window.output_size(height, width), images, channels)
    kh, kw = window.kernel_size
    out = np.empty(shape, x.codes.dtype)
    winner = np.empty(shape, np.uint8 if kh * kw <= 256 else np.uint16)
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
    out = np.empty(input_shape, fmt.dtype)
    kernels.max_pool2d_backward(
        out, e.codes, winner, window.kernel_size, window.stride, window.padding
    )
    return Tensor(out, fmt, e.axes)


def avg_pool2d(kernels, x, window):
    """Mean of each window, rounded half even to the step of x."""
    height, width, images, channels = x.codes.shape
    out = np.empty((*window.output_size(height, width), images, channels), x.codes.dtype)
    kernels.avg_pool2d(out, x.codes, window.kernel_size, window.stride)
    return Tensor(out, x.format, x.axes)


AVERAGE_GUARD_BITS = 8


def avg_pool2d_error(kernels, e, window, input_shape):
    """Each input gets e / count, rounded half even at AVERAGE_GUARD_BITS bits below the step
    that divides exactly where count is a power of two."""
    kh, kw = window.kernel_size
    lshift = (kh * kw - 1).bit_length() + AVERAGE_GUARD_BITS
    overlap = -(-kh // window.stride[0]) * -(-kw // window.stride[1])
    # |half_even(e * 2**lshift / count)| <= max|e| * 2**lshift / count + 1/2.
    bound = overlap * ((e.format.maximum << lshift) // (kh * kw) + 1)
    fmt = wide(bound.bit_length() + 1, e.format.frac_bits + lshift)
    out = np.empty(input_shape, fmt.dtype)
    kernels.avg_pool2d_backward(out, e.codes, window.kernel_size, window.stride, lshift)
    return Tensor(out, fmt, e.axes)
