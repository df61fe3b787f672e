"""Bits of weights in words: 64 rows of O neighbours, whose words wait in L1."""

import numpy as np
from numba import njit

from .bitwise import all_bits
from .primitives import SERIAL, band, bor, launch, narrowed, shaped, share, shl, srl, sub
from .words import WORD


def pack_columns(out, x, bit, inverted, ntask):
    """The words of 64 rows are filled bit by bit."""
    x, out = _planes(x), _planes(out)
    launch(_pack_columns_part, x.size, ntask, out, x, bit, all_bits(inverted))


def unpack_columns(out, words, ntask):
    """2 * bit - 1, row by row of the codes."""
    out, words = _planes(out), _planes(words)
    launch(_unpack_columns_part, out.size, ntask, out, words)


def _planes(x):
    """(taps, I, O), never a copy."""
    return shaped(x, (x.size // max(1, x.shape[-1] * x.shape[-2]), *x.shape[-2:]))


@njit(**SERIAL)
def _add_row(words, x, bit, inverted, at):
    for o in range(words.size):
        one = band(np.uint64(np.int64(x[o]) >> bit) ^ inverted, 1)
        words[o] = bor(words[o], shl(one, at))


@njit(**SERIAL)
def _row_of_signs(out, words, at):
    for o in range(out.size):
        out[o] = narrowed(sub(shl(band(srl(words[o], at), 1), 1), 1), out)


@njit(**SERIAL)
def _pack_columns_part(out, x, bit, inverted, task, ntask):
    """A run of word rows."""
    rows = out.shape[1]
    first, last = share(out.shape[0] * rows, task, ntask)
    for place in range(first, last):
        tap, k = place // rows, place % rows
        words = out[tap, k]
        words[:] = np.uint64(0)
        for i in range(k * WORD, min((k + 1) * WORD, x.shape[1])):
            _add_row(words, x[tap, i], bit, inverted, i - k * WORD)


@njit(**SERIAL)
def _unpack_columns_part(out, words, task, ntask):
    """A run of rows of codes."""
    rows = out.shape[1]
    first, last = share(out.shape[0] * rows, task, ntask)
    for place in range(first, last):
        tap, i = place // rows, place % rows
        _row_of_signs(out[tap, i], words[tap, i // WORD], i % WORD)
