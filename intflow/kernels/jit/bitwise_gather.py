"""Operands of bitwise products: rows gathered from under windows, columns cut into panels.

Layouts are those of microkernels/popcount.py: words in pairs, and where the product is one of xor
(`differ`) the second word of a pair holds the xor of both. An odd last word is paired with 0.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from .primitives import SERIAL, band, bor, bxor, share, shl, srl, sub

ALL = (1 << 64) - 1
WORD = 64


class Classes(NamedTuple):
    """Where sums start: (classes, groups, columns) s32; tops[h] + lefts[w] is the class of the
    pixel in row h and column w."""

    tops: np.ndarray
    lefts: np.ndarray
    starts: np.ndarray


@intrinsic
def bits_of_word(typingctx, word):
    """Set bits of a u64."""

    def codegen(context, b, signature, args):
        function = b.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return b.call(function, args)

    return types.uint64(types.uint64), codegen


@njit(**SERIAL)
def address(array):
    """Address of the first element, s64: with the u64 that Numba gives, sums would be floats."""
    return np.int64(array.ctypes.data)


@njit(**SERIAL)
def count_bits(w):
    """Set bits of w (Q, taps, words, O) for each plane, tap and column, s64."""
    counts = np.zeros((w.shape[0], w.shape[1], w.shape[3]), np.int64)
    for q in range(w.shape[0]):
        for tap in range(w.shape[1]):
            total = counts[q, tap]
            for k in range(w.shape[2]):
                words = w[q, tap, k]
                for o in range(total.size):
                    total[o] += np.int64(bits_of_word(words[o]))
    return counts


def regroup(x, channels, groups, words):
    """Planes whose groups begin at any bit, with every group at a word of its own."""
    out = np.empty((*x.shape[:-1], groups * words), np.uint64)
    _regroup(out.reshape(-1, groups * words), x.reshape(-1, x.shape[-1]), channels, groups)
    return out


@njit(**SERIAL)
def _regroup(out, x, channels, groups):
    words = out.shape[1] // groups
    for row in range(out.shape[0]):
        for group in range(groups):
            for k in range(words):
                bit, count = group * channels + k * WORD, min(WORD, channels - k * WORD)
                out[row, group * words + k] = _bits_from(x[row], bit, count)


@njit(**SERIAL)
def _bits_from(words, bit, count):
    """`count` bits from any bit on."""
    at, shift = bit // WORD, bit % WORD
    value = srl(words[at], shift)
    if shift and shift + count > WORD:
        value = bor(value, shl(words[at + 1], WORD - shift))
    return band(value, srl(np.uint64(ALL), WORD - count))


@njit(**SERIAL)
def pack_panels_part(panels, w, differ, task, ntask):
    """panels (groups, Q, panels, 2 * pairs, NR) from w (Q, K, O); columns past the end are 0."""
    groups, planes, count, _, nr = panels.shape
    width = w.shape[2] // groups
    first, last = share(groups * planes * count, task, ntask)
    for unit in range(first, last):
        at, rest = unit % count * nr, unit // count
        q, group = rest % planes, rest // planes
        columns = min(nr, width - at)
        panel, start = panels[group, q, unit % count], group * width + at
        if columns < nr or w.shape[1] & 1:
            panel[:, :] = np.uint64(0)
        _pack_panel(panel, w[q, :, start:start + columns], differ)


@njit(**SERIAL)
def _pack_panel(panel, w, differ):
    mix = sub(np.uint64(0), np.uint64(differ))
    for k in range(0, w.shape[0] - 1, 2):
        even, odd, first, second = panel[k], panel[k + 1], w[k], w[k + 1]
        for c in range(first.size):
            even[c] = first[c]
            odd[c] = bxor(second[c], band(first[c], mix))
    if w.shape[0] & 1:
        k = w.shape[0] - 1
        even, odd, first = panel[k], panel[k + 1], w[k]
        for c in range(first.size):
            even[c] = first[c]
            odd[c] = band(first[c], mix)


@njit(**SERIAL)
def gather_run(a, bases, x, group, first, count, sizes, rows, columns, classes, differ):
    """`count` row blocks from row `first` on: a [block][plane][2 * pairs][MR], and in bases the
    address where each row's sums start. Rows past the end are left as they are: dropped later."""
    mr, images, planes = sizes.mr, x.shape[2], x.shape[0]
    size = 2 * sizes.pairs * mr
    step = classes.starts.strides[0]
    start = address(classes.starts) + group * classes.starts.strides[1]
    bases[:] = np.uint64(start)
    i, last = 0, min(count * mr, sizes.m - first)
    while i < last:
        pixel = (first + i) // images
        image = first + i - pixel * images
        h = pixel // columns.outputs
        w = pixel - h * columns.outputs
        # neighbours of one block and one pixel
        block = i // mr
        r = i - block * mr
        n = min(mr - r, images - image, last - i)
        base = np.uint64(start + (classes.tops[h] + classes.lefts[w]) * step)
        for j in range(n):
            bases[i + j] = base
        for p in range(planes):
            at = (block * planes + p) * size
            _gather_taps(a[at:at + size], r, n, x[p, :, image:image + n], group, h, w, sizes,
                         rows, columns)
        i += n
    if differ:
        _join_pairs(a[:count * planes * size], mr)


@njit(**SERIAL)
def _gather_taps(a, r, n, x, group, h, w, sizes, rows, columns):
    """Rows r..r+n of a plane [2 * pairs][MR] from images x (pixels, n, words) under one window."""
    words, mr = x.shape[2] // sizes.groups, sizes.mr
    at = r
    for kh in range(rows.taps):
        ih = h * rows.stride - rows.padding + kh * rows.dilation
        for kw in range(columns.taps):
            iw = w * columns.stride - columns.padding + kw * columns.dilation
            if 0 <= ih < rows.inputs and 0 <= iw < columns.inputs:
                source = x[ih * columns.inputs + iw]
                for k in range(words):
                    for j in range(n):
                        a[at + j] = source[j, group * words + k]
                    at += mr
            else:
                for k in range(words):
                    for j in range(n):
                        a[at + j] = np.uint64(0)
                    at += mr
    if at < a.size:
        for j in range(n):
            a[at + j] = np.uint64(0)


@njit(**SERIAL)
def _join_pairs(a, mr):
    """Second words of pairs, from plain to the xor of both."""
    for at in range(0, a.size, 2 * mr):
        first, second = a[at:at + mr], a[at + mr:at + 2 * mr]
        for j in range(mr):
            second[j] = bxor(second[j], first[j])
