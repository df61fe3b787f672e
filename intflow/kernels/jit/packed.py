"""Narrowing with packed masks: 1024 elements at a time, their masks as bytes in L1.

Vector loops know bytes, memory holds bits: eight bytes of 0 or 1 become one by a multiplication
that collects bit 0 of every byte in the topmost, and go back by one that copies a byte eight times.
"""

import numpy as np
from numba import njit

from ..buffers import MASKS, SUMS, empty, is_planning
from ..reference import packed as reference
from .elementwise import relu as rectified
from .primitives import (
    SERIAL, above, add, band, flat, launch, maximum, minimum, mul, narrowed, picked, same,
    share, srl, widened,
)
from .reduce import LINE
from .requantize import limits, requantize, requantize_masked, round_shift

RUN = 1024              # elements at a time
COLLECT = 0x0102040810204080        # byte i of 0 or 1 to bit 56 + i
SPREAD, EACH = 0x0101010101010101, 0x8040201008040201
FILL, TOP = 0x7F7F7F7F7F7F7F7F, 0x8080808080808080


def requantize_packed(out, passed, acc, relu, rshift, rounding, lo, hi, ntask):
    """One pass; roundings that need the long loop go through whole masks."""
    found = limits(acc, rshift, rounding, lo, hi)
    if found is None:
        _by_bytes(out, passed, acc, relu, rshift, rounding, lo, hi, ntask)
        return
    run, size, rows = _runs(out)
    bits = np.empty((0, rows), np.uint8) if passed is None else passed.reshape(len(passed), -1)
    floor = 0 if relu else np.iinfo(acc.dtype).min
    launch(_requantize_packed_part, out.size, ntask,
           flat(out, out.size), bits, flat(acc, out.size), run, size, floor, *found)


def _by_bytes(out, passed, acc, relu, rshift, rounding, lo, hi, ntask):
    masks = empty((1 + bool(relu), *out.shape), np.uint8, MASKS)
    if relu:
        above_zero = empty(acc.shape, acc.dtype, SUMS)
        rectified(above_zero, masks[1], acc, ntask)
        acc = above_zero
    requantize_masked(out, masks[0], acc, rshift, rounding, lo, hi, ntask)
    if passed is not None and not is_planning():
        reference.pack(passed, masks)


def requantize_where(out, acc, passed, rshift, rounding, lo, hi, ntask):
    """One pass; see `requantize_packed`."""
    found = limits(acc, rshift, rounding, lo, hi)
    if found is None:
        requantize(out, acc, rshift, rounding, lo, hi, ntask)
        if not is_planning():
            out[~reference.unpack(passed, out.shape).all(axis=0)] = 0
        return
    run, size, _ = _runs(out)
    launch(_requantize_where_part, out.size, ntask,
           flat(out, out.size), flat(acc, out.size), passed.reshape(len(passed), -1), run, size,
           *found)


def max_abs_packed(x, passed, ntask):
    """A pass that writes nothing."""
    ends = np.zeros((ntask, LINE), np.int64)
    run, size, _ = _runs(x)
    launch(_extremes_packed_part, x.size, ntask,
           ends, flat(x, x.size), passed.reshape(-1), run, size)
    return max(-int(ends[:, 0].min()), int(ends[:, 1].max()))


def _runs(x):
    """(elements at a time, bytes of their mask, bytes in all).

    Channels in whole bytes make one row of everything; others are padded, row by row.
    """
    channels = x.shape[-1]
    run = RUN if channels % 8 == 0 else channels
    row = -(-channels // 8)
    return run, -(-run // 8), x.size // max(1, channels) * row


@njit(**SERIAL)
def pack_bits(bits, flags):
    """Bytes of 0 and 1 as bits; whole bytes of bits."""
    words = flags.view(np.uint64)
    for i in range(bits.size):
        bits[i] = narrowed(srl(mul(words[i], COLLECT), 56), bits)


@njit(**SERIAL)
def unpack_bits(flags, bits, also):
    """Bits of one mask and of another as bytes of 0 and 1, 1 where both are."""
    words = flags.view(np.uint64)
    for i in range(bits.size):
        word = np.uint64(band(bits[i], also[i]))
        found = band(mul(word, SPREAD), EACH)
        words[i] = srl(band(add(found, FILL), TOP), 7)


@njit(**SERIAL)
def _narrow_run(out, inside, positive, acc, floor, rshift, base, negative, odd, first, last):
    for i in range(out.size):
        a = widened(acc[i], acc)
        p = maximum(a, floor)
        c = minimum(maximum(p, first), last)
        out[i] = narrowed(round_shift(c, rshift, base, negative, odd), out)
        inside[i] = narrowed(same(p, c), inside)
        positive[i] = narrowed(above(a, 0), positive)


@njit(**SERIAL)
def _requantize_packed_part(out, passed, acc, run, size, floor, rshift, base, negative, odd, first,
                            last, task, ntask):
    start, stop = share((out.size + run - 1) // run, task, ntask)
    inside, positive = np.zeros(8 * size, np.uint8), np.zeros(8 * size, np.uint8)
    for piece in range(start, stop):
        i, j = piece * run, min(piece * run + run, out.size)
        _narrow_run(out[i:j], inside, positive, acc[i:j], floor, rshift, base, negative, odd,
                    first, last)
        at = piece * size
        until = at + (j - i + 7) // 8
        if len(passed) > 0:
            pack_bits(passed[0, at:until], inside)
        if len(passed) > 1:
            pack_bits(passed[1, at:until], positive)


@njit(**SERIAL)
def _where_run(out, acc, flags, rshift, base, negative, odd, first, last):
    for i in range(out.size):
        a = minimum(maximum(widened(acc[i], acc), first), last)
        narrow = narrowed(round_shift(a, rshift, base, negative, odd), out)
        out[i] = picked(flags[i], narrow, narrowed(0, out))


@njit(**SERIAL)
def _requantize_where_part(out, acc, passed, run, size, rshift, base, negative, odd, first, last,
                           task, ntask):
    start, stop = share((out.size + run - 1) // run, task, ntask)
    flags = np.empty(8 * size, np.uint8)
    for piece in range(start, stop):
        i, j = piece * run, min(piece * run + run, out.size)
        at = piece * size
        until = at + (j - i + 7) // 8
        unpack_bits(flags, passed[0, at:until], passed[-1, at:until])
        _where_run(out[i:j], acc[i:j], flags, rshift, base, negative, odd, first, last)


@njit(**SERIAL)
def _extremes_run(x, flags, low, high):
    for i in range(x.size):
        v = picked(flags[i], x[i], narrowed(0, x))
        low, high = minimum(low, v), maximum(high, v)
    return low, high


@njit(**SERIAL)
def _extremes_packed_part(ends, x, passed, run, size, task, ntask):
    start, stop = share((x.size + run - 1) // run, task, ntask)
    flags = np.empty(8 * size, np.uint8)
    low = high = narrowed(0, x)
    for piece in range(start, stop):
        i, j = piece * run, min(piece * run + run, x.size)
        at = piece * size
        bits = passed[at:at + (j - i + 7) // 8]
        unpack_bits(flags, bits, bits)
        low, high = _extremes_run(x[i:j], flags, low, high)
    ends[task, 0], ends[task, 1] = low, high
