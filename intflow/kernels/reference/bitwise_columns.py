"""Bits of weights in words: bitwise.py along the last axis but one, the input channels I.

x (..., I, O), words (..., Iw, O) with Iw = ceil(I / 64).
"""

import numpy as np

from .bitwise import check_words, from_words, to_words
from .primitives import check_between, store


def pack_columns(out, x, bit, inverted):
    """`pack_rows` along the last but one axis: weights.

    Parameters
    ----------
    out : (..., Iw, O) u64. Overwritten.
    x : (..., I, O) any width. bit, inverted : as in `pack_rows`.

    Examples
    --------
    x = [[-3], [0], [5]] (s8), bit 7, inverted: [[6]].
    """
    check_words("pack_columns", np.swapaxes(out, -1, -2), np.swapaxes(x, -1, -2).shape)
    check_between("pack_columns", "bit", bit, 0, 8 * x.itemsize - 1)
    bits = (x >> x.dtype.type(bit) & 1) ^ int(inverted)
    out[...] = np.swapaxes(to_words(np.swapaxes(bits, -1, -2)), -1, -2)


def unpack_columns(out, words):
    """`unpack_rows` along the last but one axis: out (..., I, O) s8, words (..., Iw, O) u64.

    Examples
    --------
    words = [[5]], I = 3: out = [[1], [-1], [1]].
    """
    check_words("unpack_columns", np.swapaxes(words, -1, -2), np.swapaxes(out, -1, -2).shape)
    bits = np.swapaxes(from_words(np.swapaxes(words, -1, -2), out.shape[-2]), -1, -2)
    store("unpack_columns", out, 2 * bits - 1)
