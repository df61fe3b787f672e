"""The three products of a layer with an operand of powers of two, by shifts and additions alone.

They define what codes of a sign and an exponent multiply to. There is no fast twin: backends
multiply the integers that the words stand for (`conv2d_forward` and its like), since a processor
has one instruction for many products of bytes and none for as many shifts and additions; the sums
are equal bit for bit.

Lingo: a *word* of b bits is a sign above a field f of b - 1 bits: 0, or +-2**(f - 1). An operand with
bits 0 holds integers, with bits b words. Names of shapes as in conv.py.
"""

import numpy as np

from ...errors import RangeError, ShapeError
from .conv import _check, _groups, _taps, _wide
from .primitives import store


def shift_forward(out, x, w, x_bits, w_bits, stride, padding, dilation, groups):
    """`conv2d_forward` of words.  [QNN shift product]

    Parameters
    ----------
    out : (OH, OW, N, O) s32 or s64. Overwritten.
    x : (H, W, N, I) s8 or s16, symmetric; u8 where x_bits is not 0: words.
    w : (KH, KW, I/groups, O), likewise with w_bits.
    x_bits, w_bits : int, 0 or 2..5; not both 0.
    stride, padding, dilation, groups : as in `conv2d_forward`.

    Raises
    ------
    RangeError : -0 or too wide a word, or a sum that out cannot hold. ShapeError : no words at all.

    Exactness
    ---------
    Exact, as `conv2d_forward`.

    Examples
    --------
    One pixel, x = [3, 5], w = words [[0b011], [0b101]] of 3 bits, 4 and -1: (3 << 2) - (5 << 0) = 7.
    x = words [0b010], 2, and w = words [[0b011]]: 1 << (1 + 2) = 8.
    """
    sizes = _sizes("shift_forward", (x, x_bits), (w, w_bits),
                   x.shape, w.shape, out.shape, stride, padding, dilation, groups)
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            terms = _matmul(_rows(x[pixels_in][..., i]), w[tap][:, o], x_bits, w_bits)
            sums[pixels_out][..., o] += terms.reshape(sums[pixels_out][..., o].shape)
    store("shift_forward", out, sums)


def shift_error(out, e, w, w_bits, stride, padding, dilation, groups):
    """`conv2d_error` of integers e and words w.

    Examples
    --------
    One pixel, e = [5], w = words [[0b011], [0b101]] of 3 bits: out = [5 << 2, -5].
    """
    sizes = _sizes("shift_error", (e, 0), (w, w_bits),
                   out.shape, w.shape, e.shape, stride, padding, dilation, groups)
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            terms = _matmul(_rows(e[pixels_out][..., o]), w[tap][:, o].T, 0, w_bits)
            sums[pixels_in][..., i] += terms.reshape(sums[pixels_in][..., i].shape)
    store("shift_error", out, sums)


def shift_gradient(out, x, e, x_bits, stride, padding, dilation, groups):
    """`conv2d_gradient` of words x and integers e.

    Examples
    --------
    One pixel, one image, x = words [0b011, 0b101] of 3 bits, e = [5]: out = [[20], [-5]].
    """
    sizes = _sizes("shift_gradient", (x, x_bits), (e, 0),
                   x.shape, out.shape, e.shape, stride, padding, dilation, groups)
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            x_rows, e_rows = _rows(x[pixels_in][..., i]), _rows(e[pixels_out][..., o])
            sums[tap][:, o] = _matmul(x_rows.T, e_rows, x_bits, 0)
    store("shift_gradient", out, sums)


def _sizes(kernel, a, b, *shapes_and_window):
    """Geometry of the call; a and b are (array, bits)."""
    if not (a[1] or b[1]):
        raise ShapeError(f"{kernel} takes words on one side at least, got integers on both; use "
                         "conv2d_forward and its like")
    integers = [codes for codes, bits in (a, b) if not bits]
    return _check(kernel, *shapes_and_window, operands=integers)


def _rows(pixels):
    return pixels.reshape(-1, pixels.shape[-1])


def _matmul(a, b, a_bits, b_bits):
    """(R, K) times (K, C), one term of every sum at a time."""
    if not b_bits:
        return _matmul(b.T, a.T, b_bits, a_bits).T
    total = np.zeros((a.shape[0], b.shape[1]), np.int64)
    for k in range(a.shape[1]):
        if a_bits:
            total += _two_powers(a[:, k, None], b[k], a_bits, b_bits)
        else:
            total += _shifted(a[:, k, None], b[k], b_bits)
    return total


def _shifted(x, words, bits):
    """An integer, shifted by the exponent of a power."""
    negative, exponent, some = _split(words, bits)
    size = np.left_shift(_wide(x), exponent)
    return np.where(some, np.where(negative, -size, size), 0)


def _two_powers(a, b, a_bits, b_bits):
    """Exponents are added, and 1 is shifted by their sum."""
    (a_negative, a_exponent, a_some), (b_negative, b_exponent, b_some) = (
        _split(a, a_bits), _split(b, b_bits))
    size = np.left_shift(np.int64(1), a_exponent + b_exponent)
    return np.where(a_some & b_some, np.where(a_negative ^ b_negative, -size, size), 0)


def _split(words, bits):
    """(negative, exponent above the step, not zero) of words."""
    words = _wide(words)
    field, negative = words & (1 << (bits - 1)) - 1, words >> (bits - 1) == 1
    if np.any(words >> bits != 0) or np.any(negative & (field == 0)):
        raise RangeError(f"a word has {bits} bits and -0 is none; make words of codes by PowerOfTwo")
    return negative, np.maximum(field - 1, 0), field > 0
