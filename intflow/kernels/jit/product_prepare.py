"""Operands of the products in the order the micro-kernels read them.

    widen        rows as they are, in the width of A (s16, or u8 = s8 + 128), with slack behind
    interleave   B from rows of k, channels contiguous      weights forward, E of the gradient
    transpose    B from rows of c, k contiguous             weights of the error
    turn         A of the gradient: [pixel][N][I] -> [pixel][I][N]
    unfold       first layers: the taps of a pixel side by side, for A of forward
    unfold_turned  the same for A of the gradient: rows (kh, kw, i), N contiguous

A *word* is the four bytes of a step: two s16 or four s8. B is [group, panel][segment][step][NR]
words, zero where no channel or no k is, so that what A holds there does not matter.
Edges are copied into a zeroed tile first; vectors never read past an array.
"""

import numpy as np
from numba import carray, cfunc, from_dtype, njit, types

from .ir import (I8, I16, I32, I64, case, define, indices, load, loop, pointer, pointer_s8,
                 pointer_s16, pointer_s32, shifted, splat, store, vector)

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
WIDTHS = {11: (I8, I8), 12: (I8, I16), 22: (I16, I16)}  # 10 * bytes of source + of destination


# ---------------------------------------------------------------- tiles of 8 columns
def _words(b, src, stride, at, source, target):
    """8 columns of `per` neighbouring k, side by side: <8 x i32> of words."""
    per = 32 // target.width
    rows = [load(b, shifted(b, src, b.mul(stride, b.add(at, I64(i)))), vector(source, 8))
            for i in range(per)]
    if source is not target:
        rows = [b.sext(row, vector(target, 8)) for row in rows]
    while len(rows) > 1:
        half = len(rows) // 2
        rows = [_zip(b, rows[i], rows[i + half]) for i in range(half)]
    return b.bitcast(rows[0], vector(I32, 8))


def _zip(b, x, y):
    count = x.type.count
    return b.shuffle_vector(x, y, indices(i // 2 + (i % 2) * count for i in range(2 * count)))


def _transposed(b, rows):
    """8 x <8 x i32>, rows to columns, in three butterfly stages."""
    for distance in (1, 2, 4):
        low = indices(j if not j & distance else (j ^ distance) + 8 for j in range(8))
        high = indices(j | distance if not j & distance else j + 8 for j in range(8))
        out = list(rows)
        for i in range(8):
            if not i & distance:
                out[i] = b.shuffle_vector(rows[i], rows[i | distance], low)
                out[i | distance] = b.shuffle_vector(rows[i], rows[i | distance], high)
        rows = out
    return rows


def _emit_interleave(b, arguments):
    """One step of 8 columns: dst, src, stride of k, widths."""
    dst, src, stride, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)

    def one(source, target):
        store(b, _words(b, src, stride, I64(0), source, target), dst)

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def _emit_turn(b, arguments):
    """8 steps of 8 columns, to 8 rows of 8 words: dst, row stride, src, stride of k, flip, widths."""
    dst, row_stride, src, stride, flip, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)
    mask = splat(b, b.trunc(flip, I32), vector(I32, 8))

    def one(source, target):
        per = 32 // target.width
        words = [_words(b, src, stride, I64(g * per), source, target) for g in range(8)]
        for c, row in enumerate(_transposed(b, words)):
            store(b, b.xor(row, mask), shifted(b, dst, b.mul(row_stride, I64(c))))

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def _emit_transpose(b, arguments):
    """8 columns of 8 words, k contiguous, to 8 steps: dst, step stride, src, stride of c, widths."""
    dst, step_stride, src, stride, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)

    def one(source, target):
        count = 8 * 32 // target.width
        rows = []
        for c in range(8):
            row = load(b, shifted(b, src, b.mul(stride, I64(c))), vector(source, count))
            if source is not target:
                row = b.sext(row, vector(target, count))
            rows.append(b.bitcast(row, vector(I32, 8)))
        for k, words in enumerate(_transposed(b, rows)):
            store(b, words, shifted(b, dst, b.mul(step_stride, I64(k))))

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def _emit_offset_sums(b, arguments):
    """sums[c] -= 128 * the four bytes of word c, over the steps: sums, B, step stride, steps."""
    sums, src, stride, steps = arguments
    sums, src = pointer(b, sums), pointer(b, src)
    kind = vector(I32, 8)

    def over_steps(b, k, state):
        words = load(b, shifted(b, src, b.mul(stride, k)), kind)
        total = state[0]
        for byte in range(4):
            high = b.shl(words, splat(b, I32(24 - 8 * byte), kind))
            total = b.add(total, b.ashr(high, splat(b, I32(24), kind)))
        return [total]

    (total,) = loop(b, steps, [splat(b, I32(0), kind)], over_steps)
    store(b, b.mul(total, splat(b, I32(-128), kind)), sums)


_interleave = define(_emit_interleave)
_turn = define(_emit_turn)
_transpose = define(_emit_transpose)
_offset_sums = define(_emit_offset_sums)


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
def finish_panels(p, segment, group):
    """Sums of B for the kernels whose A is offset by 128."""
    row = 4 * p.columns
    for panel in range(p.panels):
        at = ((group * p.panels + panel) * p.segments * p.chunks + segment) * row
        for c in range(0, p.columns, 8):
            _offset_sums((p.offset_sums + at + 4 * c, p.dst + at * p.steps + 4 * c, row, p.steps))


@cfunc(WORKER, cache=True)
def interleave_worker(plan, task, tasks):
    """B from rows of k with contiguous columns."""
    p = carray(plan, 1)[0]
    tile = p.work + task * p.work_size
    per = 4 // p.dst_size
    widths = 10 * p.src_size + p.dst_size
    all_segments = p.segments * p.chunks
    row = 4 * p.columns
    panel_size = all_segments * p.steps * row
    units = p.groups * all_segments
    for unit in range(units * task // tasks, units * (task + 1) // tasks):
        group = unit // all_segments
        segment = unit - group * all_segments
        chunk = segment % p.chunks
        base = p.src + (segment // p.chunks) * p.src_segment + group * p.src_group
        for step in range(p.steps):
            k = (chunk * p.steps + step) * per
            rows = min(per, max(0, p.k - k))
            dst = (p.dst + group * p.panels * panel_size + (segment * p.steps + step) * row)
            for panel in range(p.panels):
                for c in range(panel * p.columns, (panel + 1) * p.columns, 8):
                    src = base + k * p.src_k + c * p.src_size
                    stride = p.src_k
                    columns = min(8, max(0, p.c - c))
                    if rows < per or columns < 8:
                        stride = edge(tile, src, rows, columns, stride, p.src_size, per, 8)
                        src = tile
                    _interleave((dst + 4 * (c - panel * p.columns), src, stride, widths))
                dst += panel_size
        if p.offset_sums:
            finish_panels(p, segment, group)


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
            at = unit * row
            for c in range(0, p.columns, 8):
                _offset_sums((p.offset_sums + at + 4 * c, dst + 4 * c, row, p.steps))


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
