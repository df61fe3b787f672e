"""Operands of the products in the order the micro-kernels read them.

    widen       A: rows as they lie, as s16, or u8 = s8 + 128, or s8     forward, error
    turn        A: [pixel][N][I] -> [pixel][I][N], likewise              gradient
    interleave  B: from rows of k with contiguous columns                forward, gradient (E)
    transpose   B: from rows of columns with contiguous k                error

A *word* is the four bytes of a step: two s16 or four s8. B is [group, panel][segment][step][NR]
words, zero where no channel or no k is, so that what A holds there does not matter.
Edges are copied into a zeroed tile first; vectors never read past an array.
"""

import numpy as np
from numba import carray, cfunc, from_dtype, njit, types

from .ir import define, pointer_s8, pointer_s16
from .word_tiles import (
    RUN_COLUMNS, emit_interleave, emit_interleave_run, emit_offset_sums, emit_transpose, emit_turn,
)

FIELDS = (
    # source: address, bytes of an element, strides in bytes of segments (pixels or taps),
    # groups, k and c; sizes of one segment and group
    "src src_size src_segment src_group src_k src_c segments groups k c",
    # destination: address, bytes of an element, flip = 0x80 added to each byte of A, or 0
    "dst dst_size flip",
    # B: NR, panels of a group, chunks of a tap, steps of a segment, -128 * sum of B or 0
    "columns panels chunks steps offset_sums",
    # A: strides of destination pixels and rows, bytes
    "dst_segment dst_row",
    # windows of the two unfolds, pixels first..last
    "pixel_first pixel_last pixel_columns in_height in_width taps_high taps_wide",
    "stride_h stride_w padding_h padding_w dilation_h dilation_w backward",
    # memory of a task
    "work work_size",
)
PLAN = np.dtype([(name, np.int64) for line in FIELDS for name in line.split()])
WORKER = types.void(types.CPointer(from_dtype(PLAN)), types.int64, types.int64)

_interleave, _interleave_run = define(emit_interleave), define(emit_interleave_run)
_turn = define(emit_turn)
SHORTEST_RUN = RUN_COLUMNS[0]  # columns of the narrowest panel that is interleaved whole
_transpose, _offset_sums = define(emit_transpose), define(emit_offset_sums)


@njit(cache=True)
def copy_bytes(dst, src, count):
    """Copy `count` bytes."""
    to, source = carray(pointer_s8(dst), count), carray(pointer_s8(src), count)
    for i in range(count):
        to[i] = source[i]


@njit(cache=True)
def fill_bytes(dst, value, count):
    """Write one byte `count` times."""
    to = carray(pointer_s8(dst), count)
    for i in range(count):
        to[i] = value


@njit(cache=True)
def widen_run(dst, src, count, widths, flip):
    """Copy elements in the width of A; flip adds 128 to bytes."""
    if widths == 12:
        short = carray(pointer_s8(src), count)
        long = carray(pointer_s16(dst), count)
        for i in range(count):
            long[i] = short[i]
    elif widths == 22:
        copy_bytes(dst, src, 2 * count)
    else:
        to, source = carray(pointer_s8(dst), count), carray(pointer_s8(src), count)
        mask = np.int8(flip)
        for i in range(count):
            to[i] = source[i] ^ mask


@njit(cache=True)
def edge(tile, src, outer, inner, outer_stride, inner_size, outer_count, inner_count):
    """Copy outer x inner elements of 1 or 2 bytes into a zeroed tile; returns its row stride.

    The tile is [outer_count][inner_count], big enough for a whole vector tile.
    """
    if inner_size == 1:
        tile8 = carray(pointer_s8(tile), outer_count * inner_count)
        for i in range(outer_count * inner_count):
            tile8[i] = 0
        for i in range(outer):
            row8 = carray(pointer_s8(src + i * outer_stride), inner)
            for j in range(inner):
                tile8[i * inner_count + j] = row8[j]
    else:
        tile16 = carray(pointer_s16(tile), outer_count * inner_count)
        for i in range(outer_count * inner_count):
            tile16[i] = 0
        for i in range(outer):
            row16 = carray(pointer_s16(src + i * outer_stride), inner)
            for j in range(inner):
                tile16[i * inner_count + j] = row16[j]
    return inner_count * inner_size


@njit(cache=True)
def sum_panel(p, unit):
    """Sums of a segment of B for the kernels whose A is offset by 128."""
    row = 4 * p.columns
    at = unit * row
    for c in range(0, p.columns, 8):
        _offset_sums((p.offset_sums + at + 4 * c, p.dst + at * p.steps + 4 * c, row, p.steps))


@cfunc(WORKER, cache=True)
def interleave_worker(plan, task, tasks):
    """B from rows of k with contiguous columns; units are panels of a segment."""
    p = carray(plan, 1)[0]
    tile = p.work + task * p.work_size
    per = 4 // p.dst_size
    widths = 10 * p.src_size + p.dst_size
    all_segments = p.segments * p.chunks
    row = 4 * p.columns
    units = p.groups * all_segments * p.panels
    for unit in range(units * task // tasks, units * (task + 1) // tasks):
        panel, rest = unit % p.panels, unit // p.panels
        group = rest // all_segments
        segment = rest - group * all_segments
        chunk = segment % p.chunks
        first_c, first_k = panel * p.columns, chunk * p.steps * per
        base = (p.src + (segment // p.chunks) * p.src_segment + group * p.src_group
                + first_k * p.src_k + first_c * p.src_size)
        target = (group * p.panels + panel) * all_segments + segment
        dst = p.dst + target * p.steps * row
        k_left, c_left = p.k - first_k, p.c - first_c
        step = 0
        if p.columns >= SHORTEST_RUN and c_left >= p.columns:
            step = max(0, min(p.steps, k_left // per))
            _interleave_run((dst, base, p.src_k, step, p.columns, widths))
        for step in range(step, p.steps):
            rows = min(per, max(0, k_left - step * per))
            for c in range(0, p.columns, 8):
                src, stride = base + step * per * p.src_k + c * p.src_size, p.src_k
                columns = min(8, max(0, c_left - c))
                if rows < per or columns < 8:
                    stride = edge(tile, src, rows, columns, stride, p.src_size, per, 8)
                    src = tile
                _interleave((dst + step * row + 4 * c, src, stride, widths))
        if p.offset_sums:
            sum_panel(p, target)


@cfunc(WORKER, cache=True)
def transpose_worker(plan, task, tasks):
    """B from rows of c with contiguous k."""
    p = carray(plan, 1)[0]
    tile = p.work + task * p.work_size
    per = 4 // p.dst_size
    widths = 10 * p.src_size + p.dst_size
    all_segments = p.segments * p.chunks
    row = 4 * p.columns
    spare = tile + 1024
    units = p.groups * p.panels * all_segments
    for unit in range(units * task // tasks, units * (task + 1) // tasks):
        whole_panel = unit // all_segments
        segment = unit - whole_panel * all_segments
        group = whole_panel // p.panels
        panel = whole_panel - group * p.panels
        chunk = segment % p.chunks
        base = p.src + (segment // p.chunks) * p.src_segment + group * p.src_group
        dst = p.dst + unit * p.steps * row
        for c in range(0, p.columns, 8):
            columns = min(8, max(0, p.c - panel * p.columns - c))
            for step in range(0, p.steps, 8):
                k = (chunk * p.steps + step) * per
                count = min(8 * per, max(0, p.k - k))
                src = base + (panel * p.columns + c) * p.src_c + k * p.src_size
                stride = p.src_c
                if columns < 8 or count < 8 * per:
                    stride = edge(tile, src, columns, count, stride, p.src_size, 8, 8 * per)
                    src = tile
                target = dst + step * row + 4 * c
                if step + 8 <= p.steps:
                    _transpose((target, row, src, stride, widths))
                else:
                    _transpose((spare, 32, src, stride, widths))
                    for left in range(p.steps - step):
                        copy_bytes(target + left * row, spare + 32 * left, 32)
        if p.offset_sums:
            sum_panel(p, unit)


@cfunc(WORKER, cache=True)
def turn_worker(plan, task, tasks):
    """A of the gradient: images become contiguous. k counts images, c channels."""
    p = carray(plan, 1)[0]
    tile = p.work + task * p.work_size
    per = 4 // p.dst_size
    widths = 10 * p.src_size + p.dst_size
    flip = p.flip * 0x01010101
    for segment in range(p.segments * task // tasks, p.segments * (task + 1) // tasks):
        for k in range(0, p.k, 8 * per):
            rows = min(8 * per, p.k - k)
            for c in range(0, p.c, 8):
                columns = min(8, p.c - c)
                src = p.src + segment * p.src_segment + k * p.src_k + c * p.src_size
                stride = p.src_k
                if rows < 8 * per or columns < 8:
                    stride = edge(tile, src, rows, columns, stride, p.src_size, 8 * per, 8)
                    src = tile
                dst = p.dst + segment * p.dst_segment + c * p.dst_row + k * p.dst_size
                _turn((dst, p.dst_row, src, stride, flip, widths))


@cfunc(WORKER, cache=True)
def widen_worker(plan, task, tasks):
    """A as it lies, pixel by pixel; k counts the elements of a pixel."""
    p = carray(plan, 1)[0]
    total = p.segments * p.k
    first, last = total * task // tasks, total * (task + 1) // tasks
    while first < last:
        segment = first // p.k
        at = first - segment * p.k
        count = min(p.k - at, last - first)
        widen_run(p.dst + segment * p.dst_segment + at * p.dst_size, p.src + first * p.src_size,
                  count, 10 * p.src_size + p.dst_size, p.flip)
        first += count
