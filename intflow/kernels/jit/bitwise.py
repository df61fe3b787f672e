"""Bits in words, a word at a time: whole ones by vector comparisons (words.py), the rest of a row
bit by bit.
"""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL,
    band,
    bor,
    bxor,
    launch,
    narrowed,
    shaped,
    share,
    shl,
    srl,
    sub,
)
from .words import WORD, word_at_least, word_at_least_each, word_at_most, word_of_bit

ALL = (1 << WORD) - 1


def pack_rows(out, x, bit, inverted, ntask):
    """A test of the bit."""
    x, out = _rows(x), _rows(out)
    launch(_pack_rows_part, x.size, ntask, out, x, bit, all_bits(inverted))


def unpack_rows(out, words, ntask):
    """2 * bit - 1."""
    out, words = _rows(out), _rows(words)
    launch(_unpack_rows_part, out.size, ntask, out, words)


def binarize_masked(out, mask, x, limit, ntask):
    """Both words in one pass."""
    x, out, mask = _rows(x), _rows(out), _rows(mask)
    launch(_binarize_masked_part, x.size, ntask, out, mask, x, limit)


def binarize_drawn(out, mask, x, limit, draws, rshift, ntask):
    """x > r - limit, which no width overflows."""
    arrays = _rows(out), _rows(mask), _rows(x), _rows(draws)
    launch(_binarize_drawn_part, x.size, ntask, *arrays, limit, rshift)


def binarize_above(out, x, thresholds, flips, ntask):
    """Comparisons in s64; the flips are packed first."""
    x, out = _rows(x), _rows(out)
    words = np.empty((1, out.shape[1]), np.uint64)
    _pack_rows_part(words, _rows((flips != 0).view(np.uint8)), 0, all_bits(False), 0, 1)
    launch(_binarize_above_part, x.size, ntask, out, x, thresholds, words)


def apply_bits(out, e, mask, ntask):
    """e and the bits stretched to its width."""
    out, e, mask = _rows(out), _rows(e), _rows(mask)
    launch(_apply_bits_part, e.size, ntask, out, e, mask)


def all_bits(are_set):
    """A word of ones, or of zeros."""
    return np.uint64(ALL if are_set else 0)


def _rows(x):
    """(rows, C), never a copy."""
    return shaped(x, (x.size // max(1, x.shape[-1]), x.shape[-1]))


# ---------------------------------------------------------------- 64 neighbours and a word
@njit(**SERIAL)
def _bit_word(x, bit, inverted):
    """Bit `bit` of up to 64 codes, xor `inverted`."""
    if x.size == WORD:
        return bxor(word_of_bit(x, np.int64(1) << bit), inverted)
    word = np.uint64(0)
    for j in range(x.size):
        one = band(np.uint64((np.int64(x[j]) >> bit) & 1) ^ inverted, 1)
        word = bor(word, shl(one, j))
    return word


@njit(**SERIAL)
def _word_above(x, low):
    """x >= low."""
    if x.size == WORD:
        return word_at_least(x, low)
    word = np.uint64(0)
    for j in range(x.size):
        word = bor(word, shl(np.uint64(np.int64(x[j]) >= low), j))
    return word


@njit(**SERIAL)
def _word_within(x, limit):
    """|x| <= limit."""
    if x.size == WORD:
        return band(word_at_least(x, -limit), word_at_most(x, limit))
    word = np.uint64(0)
    for j in range(x.size):
        inside = np.uint64(np.int64(x[j]) <= limit) & np.uint64(np.int64(x[j]) >= -limit)
        word = bor(word, shl(inside, j))
    return word


@njit(**SERIAL)
def _word_drawn(x, draws, limit, rshift):
    word = np.uint64(0)
    for j in range(x.size):
        low = np.int64(draws[j] >> np.uint32(rshift)) - limit
        word = bor(word, shl(np.uint64(np.int64(x[j]) > low), j))
    return word


@njit(**SERIAL)
def _word_above_each(x, thresholds):
    if x.size == WORD:
        return word_at_least_each(x, thresholds)
    word = np.uint64(0)
    for j in range(x.size):
        word = bor(word, shl(np.uint64(np.int64(x[j]) >= thresholds[j]), j))
    return word


@njit(**SERIAL)
def _signs_of_word(out, word):
    for j in range(out.size):
        out[j] = narrowed(sub(shl(band(srl(word, j), 1), 1), 1), out)


@njit(**SERIAL)
def _masked_by_word(out, e, word):
    for j in range(out.size):
        out[j] = narrowed(band(np.int64(e[j]), -np.int64(band(srl(word, j), 1))), out)


# ---------------------------------------------------------------- rows
@njit(**SERIAL)
def _pack_rows_part(out, x, bit, inverted, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(out.shape[1]):
            out[row, k] = _bit_word(x[row, k * WORD:(k + 1) * WORD], bit, inverted)


@njit(**SERIAL)
def _unpack_rows_part(out, words, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(words.shape[1]):
            _signs_of_word(out[row, k * WORD:(k + 1) * WORD], words[row, k])


@njit(**SERIAL)
def _binarize_masked_part(out, mask, x, limit, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(out.shape[1]):
            part = x[row, k * WORD:(k + 1) * WORD]
            out[row, k] = _word_above(part, 0)
            mask[row, k] = _word_within(part, limit)


@njit(**SERIAL)
def _binarize_drawn_part(out, mask, x, draws, limit, rshift, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(out.shape[1]):
            stop = (k + 1) * WORD
            part = x[row, k * WORD:stop]
            out[row, k] = _word_drawn(part, draws[row, k * WORD:stop], limit, rshift)
            mask[row, k] = _word_within(part, limit)


@njit(**SERIAL)
def _binarize_above_part(out, x, thresholds, flips, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(out.shape[1]):
            stop = (k + 1) * WORD
            above = _word_above_each(x[row, k * WORD:stop], thresholds[k * WORD:stop])
            out[row, k] = bxor(above, flips[0, k])


@njit(**SERIAL)
def _apply_bits_part(out, e, mask, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        for k in range(mask.shape[1]):
            part, codes = out[row, k * WORD:(k + 1) * WORD], e[row, k * WORD:(k + 1) * WORD]
            _masked_by_word(part, codes, mask[row, k])
