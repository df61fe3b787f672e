"""Max and average pooling over [H][W][N][C], forward and error.

A window of output pixel (oh, ow) starts at input row oh * stride_h - top, column
ow * stride_w - left; its tap (kh, kw) has the number kh * KW + kw.
"""

import numpy as np

from ...errors import ShapeError
from ...formats.rounding import Rounding
from .primitives import bits_of, round_divide, same_shape, shift_left, store


def max_pool2d(out, winner, x, kernel_size, stride, padding):
    """Largest code of each window, and which tap held it first.

    Parameters
    ----------
    out : (OH, OW, N, C), the width of x. Overwritten.
    winner : (OH, OW, N, C) u8 or u16: number of the first maximum, row-major. Overwritten.
    x : (H, W, N, C), any signed width.
    kernel_size, stride : (h, w).
    padding : (top, bottom, left, right). Padding never wins, whatever the codes.

    Raises
    ------
    ShapeError : sizes disagree, or a window lies in the padding alone.

    Examples
    --------
    Window [[1, 7], [7, 2]]: out = 7, winner = 1.
    """
    _check("max_pool2d", out, x, kernel_size, stride, padding)
    same_shape("max_pool2d", out, winner)
    best, where = np.empty(out.shape, x.dtype), np.empty(out.shape, np.int64)
    for oh, ow in np.ndindex(*out.shape[:2]):
        taps = list(_taps(x.shape, oh, ow, kernel_size, stride, padding))
        if not taps:
            raise ShapeError(f"max_pool2d: window ({oh}, {ow}) lies in the padding alone")
        stack = np.stack([x[h, w] for _, h, w in taps])
        first = stack.argmax(axis=0)                    # argmax: the first of equal ones
        best[oh, ow] = stack.max(axis=0)
        where[oh, ow] = np.array([number for number, _, _ in taps])[first]
    store("max_pool2d", out, best)
    store("max_pool2d winner", winner, where)


def max_pool2d_backward(out, e, winner, kernel_size, stride, padding):
    """Each error goes to its window's winner; where windows overlap, errors add up.

    Parameters
    ----------
    out : (H, W, N, C), e's width or wider. Overwritten (zero where no window won).
    e : (OH, OW, N, C), any signed width.
    winner : as `max_pool2d` left it.

    Raises
    ------
    RangeError : a sum does not fit out.
    """
    _check("max_pool2d_backward", e, out, kernel_size, stride, padding)
    same_shape("max_pool2d_backward", e, winner)
    total = np.zeros(out.shape, np.int64 if bits_of(e) <= 44 else object)
    for oh, ow in np.ndindex(*e.shape[:2]):
        for number, h, w in _taps(out.shape, oh, ow, kernel_size, stride, padding):
            total[h, w] += np.where(winner[oh, ow] == number, e[oh, ow], 0)
    store("max_pool2d_backward", out, total)


def avg_pool2d(out, x, kernel_size, stride, padding, lshift):
    """half_even(sum of the window * 2**lshift / its size), zeros of the padding included.

    Parameters
    ----------
    out : (OH, OW, N, C), the width of x or wider. Overwritten; its step is 2**-lshift that of x.
    x : (H, W, N, C), any width up to 32 bits, or 64 where the shifted sums fit 62.
    padding : (top, bottom, left, right) zeros.
    lshift : int >= 0; bits kept below the step of x.

    Exactness
    ---------
    The sum is exact and divided once.

    Examples
    --------
    2x2 windows: 1 + 2 + 3 + 4 = 10, / 4 = 2.5 -> 2; 1 + 2 + 3 + 8 = 14, / 4 = 3.5 -> 4. With
    lshift = 1: 5 and 7.
    """
    _check("avg_pool2d", out, x, kernel_size, stride, padding)
    total = np.zeros(out.shape, np.int64 if bits_of(x) <= 44 else object)
    for oh, ow in np.ndindex(*out.shape[:2]):
        for _, h, w in _taps(x.shape, oh, ow, kernel_size, stride, padding):
            total[oh, ow] += x[h, w]
    count = kernel_size[0] * kernel_size[1]
    mean = round_divide(shift_left(total, lshift), count, Rounding.HALF_EVEN)
    store("avg_pool2d", out, mean)


def avg_pool2d_backward(out, e, kernel_size, stride, padding, lshift):
    """Each input gets half_even(e * 2**lshift / count) of every window it lies in.

    Parameters
    ----------
    out : (H, W, N, C) s32 or s64. Overwritten; its step is 2**-lshift that of e.
    e : (OH, OW, N, C), any signed width.
    padding : (top, bottom, left, right).
    lshift : int >= 0; guard bits of the division.

    Raises
    ------
    RangeError : a share or a sum does not fit out.

    Examples
    --------
    e = 5, 2x2 window, lshift = 4: 80 / 4 = 20 to each of the four.
    """
    _check("avg_pool2d_backward", e, out, kernel_size, stride, padding)
    count = kernel_size[0] * kernel_size[1]
    share = round_divide(shift_left(e, lshift), count, Rounding.HALF_EVEN)
    total = np.zeros(out.shape, np.int64 if bits_of(share) <= 44 else object)
    for oh, ow in np.ndindex(*e.shape[:2]):
        for _, h, w in _taps(out.shape, oh, ow, kernel_size, stride, padding):
            total[h, w] += share[oh, ow]
    store("avg_pool2d_backward", out, total)


def _taps(shape, oh, ow, kernel_size, stride, padding):
    """(number, h, w) of the window's taps inside the image, row-major."""
    for kh in range(kernel_size[0]):
        for kw in range(kernel_size[1]):
            h, w = oh * stride[0] - padding[0] + kh, ow * stride[1] - padding[2] + kw
            if 0 <= h < shape[0] and 0 <= w < shape[1]:
                yield kh * kernel_size[1] + kw, h, w


def _check(kernel, small, large, kernel_size, stride, padding):
    """ShapeError unless `small` has one pixel for each window of `large`."""
    top, bottom, left, right = padding
    high = (large.shape[0] + top + bottom - kernel_size[0]) // stride[0] + 1
    wide = (large.shape[1] + left + right - kernel_size[1]) // stride[1] + 1
    expected = (high, wide, *large.shape[2:])
    if small.shape != expected or min(expected[:2]) < 1:
        raise ShapeError(
            f"{kernel}: an input {large.shape} has windows {expected}, got {small.shape}"
        )
