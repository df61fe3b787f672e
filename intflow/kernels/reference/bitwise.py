"""Bits in words: signs, planes of bits, thresholds, masks.

Lingo: a *word* is a u64; bit j, counted from the lowest, of word k is element 64 * k + j of the
packed axis, and bits behind the last element are 0. A *sign* is one bit, 1 for +1 and 0 for -1.
Arrays of rows are packed along their last axis, the channels C: x (..., C), words (..., Cw) with
Cw = ceil(C / 64).
"""

import numpy as np

from ...errors import ShapeError
from .primitives import check_between, exact, same_shape, store

WORD = 64


def pack_rows(out, x, bit, inverted):
    """One bit of every code: out = bit `bit` of x in two's complement, negated where `inverted`.

    The sign of a width of k bits is its bit k - 1, inverted: 1 where x >= 0.

    Parameters
    ----------
    out : (..., Cw) u64. Overwritten.
    x : (..., C) any width.
    bit : int, from 0 to the bits of x less 1.
    inverted : bool.

    Examples
    --------
    x = -3, 0, 5 (s8), bit 7, inverted: 0 1 1, word 6. bit 0 as it is: 1 0 1, word 5.
    """
    check_words("pack_rows", out, x.shape)
    check_between("pack_rows", "bit", bit, 0, 8 * x.itemsize - 1)
    out[...] = to_words((x >> x.dtype.type(bit) & 1) ^ int(inverted))


def unpack_rows(out, words):
    """out = +1 where the bit is set, -1 where not.

    Parameters
    ----------
    out : (..., C) s8. Overwritten.
    words : (..., Cw) u64.

    Examples
    --------
    words = 5, C = 3: out = 1, -1, 1.
    """
    check_words("unpack_rows", words, out.shape)
    store("unpack_rows", out, 2 * from_words(words, out.shape[-1]) - 1)


def binarize_masked(out, mask, x, limit):
    """The sign of x, and where its error passes: out = x >= 0, mask = |x| <= limit.

    Parameters
    ----------
    out, mask : (..., Cw) u64. Overwritten.
    x : (..., C) signed, any width.
    limit : int >= 0, at most the largest of x's width; 1 in the step of x.

    Examples
    --------
    x = -5, -4, 0, 4, limit = 4: out 0 0 1 1, mask 0 1 1 1.
    """
    check_words("binarize_masked", out, x.shape)
    check_words("binarize_masked", mask, x.shape)
    check_between("binarize_masked", "limit", limit, 0, np.iinfo(x.dtype).max)
    wide = exact(x, 1)
    out[...] = to_words(wide >= 0)
    mask[...] = to_words(abs(wide) <= limit)


def binarize_drawn(out, mask, x, limit, draws, rshift):
    """The sign of x by chance: 1 where x + limit > r, r = draws >> rshift; and `binarize_masked`'s
    mask.

    With r uniform in [0, 2 * limit) the bit is 1 with probability clip((x / limit + 1) / 2, 0, 1).

    Parameters
    ----------
    out, mask : (..., Cw) u64. Overwritten.
    x : (..., C) signed, any width.
    limit : int >= 1; 1 in the step of x.
    draws : (..., C) u32. rshift : int in 0..31.

    Examples
    --------
    x = 3, limit = 4, rshift = 29: 1 where the draw's three top bits are below 7: 7 cases of 8.
    """
    check_words("binarize_drawn", out, x.shape)
    check_words("binarize_drawn", mask, x.shape)
    same_shape("binarize_drawn", x, draws)
    check_between("binarize_drawn", "limit", limit, 1, np.iinfo(x.dtype).max)
    check_between("binarize_drawn", "rshift", rshift, 0, 31)
    wide = exact(x, 2) if limit < 1 << 60 else x.astype(object)
    out[...] = to_words(wide + limit > (draws >> np.uint32(rshift)).astype(np.int64))
    mask[...] = to_words(abs(wide) <= limit)


def binarize_above(out, x, thresholds, flips):
    """One threshold a channel: out = x >= threshold, negated where flip.

    Parameters
    ----------
    out : (..., Cw) u64. Overwritten.
    x : (..., C) any width.
    thresholds : (C,) s64. flips : (C,) u8, 0 or 1.

    Examples
    --------
    x = 2, 2, thresholds = 2, 3: 1 0; flips = 1, 1: 0 1.
    """
    check_words("binarize_above", out, x.shape)
    if not thresholds.shape == flips.shape == x.shape[-1:]:
        raise ShapeError(f"binarize_above takes one threshold and one flip for each of "
                         f"{x.shape[-1]} channels, got {thresholds.shape} and {flips.shape}")
    out[...] = to_words((x.astype(np.int64) >= thresholds) ^ (flips != 0))


def apply_bits(out, e, mask):
    """out = e where the bit of the mask is set, else 0.

    Parameters
    ----------
    out : the width and shape of e. Overwritten; may be e itself.
    e : (..., C) any signed width.
    mask : (..., Cw) u64.

    Examples
    --------
    e = -3, 4, mask = 2 (bits 0 1): out = 0, 4.
    """
    same_shape("apply_bits", out, e)
    check_words("apply_bits", mask, e.shape)
    store("apply_bits", out, np.where(from_words(mask, e.shape[-1]) != 0, e, 0))


def check_words(kernel, words, shape):
    """Raise ShapeError unless the words hold rows of this shape, packed along the last axis."""
    wanted = (*shape[:-1], -(-shape[-1] // WORD))
    if words.shape != wanted:
        raise ShapeError(f"{kernel} expects words of shape {wanted} (along the packed axis, last) "
                         f"for {shape}, got {words.shape}")


def to_words(bits):
    """Words of the last axis, bit by bit."""
    length = bits.shape[-1]
    words = np.zeros((*bits.shape[:-1], -(-length // WORD)), np.uint64)
    for i in range(length):
        words[..., i // WORD] |= bits[..., i].astype(np.uint64) << np.uint64(i % WORD)
    return words


def from_words(words, length):
    """The first `length` bits of the last axis as s64, bit by bit."""
    i = np.arange(length)
    shift = (i % WORD).astype(np.uint64)
    return (words[..., i // WORD] >> shift & np.uint64(1)).astype(np.int64)
