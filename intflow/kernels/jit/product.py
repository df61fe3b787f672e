"""One blocked product over segment tables, the core of all three convolution products.

Lingo: a *unit* is what a task does at a time; a *panel* is NR columns; a *row block* is the MR
rows of one micro-kernel call; a *segment* is a run of the contraction (microkernels/block.py).

    face      pixel of out    rows      columns           segments            contraction
    forward   output pixel    images    output channels   taps                input channels
    error     input pixel     images    input channels    taps                output channels
    gradient  tap             input     output channels   output pixels       images

Forward and error differ only in which pixel a tap leads to. Every task writes its own part of
out, and integer sums are exact in any order, so the number of tasks cannot change a bit.

A PLAN is the call: addresses, byte strides and sizes, one int64 record. Workers are C functions
(plan, task, tasks) called by the one parallel function; micro-kernels are C functions too, so
that neither is compiled again for another backend.
"""

import numpy as np
from numba import carray, cfunc, from_dtype, njit, prange, types

from ..buffers import is_planning
from .ir import call, pointer_s32, pointer_s64
from .microkernels.block import SCRATCH

FIELDS = (
    # the micro-kernel: addresses of its functions (begin, end: 0 or once a task), its shape
    "block begin end columns flush",
    # A: address, strides of rows, pixels, groups, chunks
    "a lda a_pixel a_group a_chunk",
    # B: address, strides of panels and segments; steps of a segment; -128 * sum of B or 0
    "b b_panel b_segment steps offset_sums",
    # row blocks: address of [blocks][3] s64 (first row, rows computed, rows valid), how many,
    # how many stay together in cache
    "row_blocks row_block_count row_block_run",
    # out: address, strides, wide = s64 sums (and wide_block: the kernel makes them s64 itself)
    "out out_pixel out_row out_group wide wide_block first",
    # sizes: panels cover `width` columns of each group; chunks cut the contraction of a tap;
    # piece = segments that one s32 sum or one cache may hold
    "groups panels width chunks piece",
    # pixels of this call, and the windows (`backward`: from inputs to outputs)
    "pixel_first pixel_last pixel_columns backward units",
    "in_height in_width taps_high taps_wide",
    "stride_h stride_w padding_h padding_w dilation_h dilation_w",
    # every sum of a panel starts from a row of [group, panel][NR]: a bias, or one row of zeros
    "start start_panel",
    # what follows the product (product_fused.py): the pool, a tap of which is a pixel here
    "pool_high pool_wide pool_stride_h pool_stride_w pool_columns",
    # narrowing: bytes of an element of out, arguments of epilogue.py
    "size relu rshift add odd flip sign first_sum last_sum",
    # packed masks: address, strides of pixels, rows, groups and from the first mask to the second
    "passed passed_pixel passed_row passed_group passed_relu",
    # winners: address and bytes of an element; their strides are those of out in elements
    "winner winner_size",
    # smallest and largest sums of each task, EXTREMES bytes
    "extremes",
    # memory of a task: address and bytes; the segment tables stand behind the blocks
    "work work_size table_size",
)
PLAN = np.dtype([(name, np.int64) for line in FIELDS for name in line.split()])
WORKER = types.void(types.CPointer(from_dtype(PLAN)), types.int64, types.int64)

# Layout of a task's memory: the micro-kernel's scratch, the blocks, and for each block its first
# sums and its table. Pooling has a block for every tap of its window.
BLOCK, SUMS = 4096 + 64, 256


def run_tasks(worker, plan, ntask):
    """Call worker(plan, task, ntask) for every task; both are addresses."""
    if is_planning():
        return
    if ntask == 1:
        _run_one(worker, plan)
    else:
        _run_all(worker, plan, ntask)


@njit(nogil=True, cache=True)
def _run_one(worker, plan):
    call(worker, (plan, 0, 1))


@njit(parallel=True, nogil=True, cache=True)
def _run_all(worker, plan, ntask):
    for task in prange(ntask):
        call(worker, (plan, np.int64(task), np.int64(ntask)))


# ---------------------------------------------------------------- windows
@njit(cache=True)
def partner(pixel, tap, count, stride, padding, dilation, backward):
    """The pixel that a tap leads to, or -1. Forward: output to input; backward: the reverse."""
    if not backward:
        found = pixel * stride - padding + tap * dilation
        return found if 0 <= found < count else -1
    distance = pixel + padding - tap * dilation
    if distance < 0 or distance % stride != 0:
        return -1
    found = distance // stride
    return found if found < count else -1


@njit(cache=True)
def tap_partner(p, pixel, kh, kw):
    """Index of the pixel that tap (kh, kw) of `pixel` leads to, or -1."""
    h = pixel // p.pixel_columns
    w = pixel - h * p.pixel_columns
    i = partner(h, kh, p.in_height, p.stride_h, p.padding_h, p.dilation_h, p.backward)
    j = partner(w, kw, p.in_width, p.stride_w, p.padding_w, p.dilation_w, p.backward)
    return i * p.in_width + j if i >= 0 and j >= 0 else -1


@njit(cache=True)
def segments_of_pixel(p, pixel, table):
    """Fill the table with the taps of one pixel; returns the number of segments."""
    n = 0
    for kh in range(p.taps_high):
        for kw in range(p.taps_wide):
            other = tap_partner(p, pixel, kh, kw)
            if other < 0:
                continue
            tap = kh * p.taps_wide + kw
            for chunk in range(p.chunks):
                table[2 * n] = other * p.a_pixel + chunk * p.a_chunk
                table[2 * n + 1] = (tap * p.chunks + chunk) * p.b_segment
                n += 1
    return n


@njit(cache=True)
def segments_of_tap(p, tap, first, last, table):
    """Fill the table with the output pixels first..last that a tap serves; returns how many."""
    kh = tap // p.taps_wide
    kw = tap - kh * p.taps_wide
    n = 0
    for pixel in range(first, last):
        other = tap_partner(p, pixel, kh, kw)
        if other >= 0:
            table[2 * n] = other * p.a_pixel
            table[2 * n + 1] = pixel * p.b_segment
            n += 1
    return n


# ---------------------------------------------------------------- one block
@njit(cache=True)
def first_sums(p, sums, panel, table, n):
    """sums[c] = what the rows of these segments start from: 0, or the undoing of A's offset."""
    for c in range(p.columns):
        sums[c] = 0
    if p.offset_sums == 0:
        return
    for s in range(n):
        # a segment of B has `steps` rows of NR words, a segment of offset_sums one
        at = (panel * p.b_panel + table[2 * s + 1]) // p.steps
        row = carray(pointer_s32(p.offset_sums + at), p.columns)
        for c in range(p.columns):
            sums[c] += row[c]


@njit(cache=True)
def keep(p, block, out, rows, columns, first):
    """Copy (first) or add the valid part of a finished block to out."""
    n = p.columns
    for r in range(rows):
        if p.wide:
            wide_row = carray(pointer_s64(out + r * p.out_row), columns)
            if p.wide_block:
                source = carray(pointer_s64(block + 8 * r * n), columns)
                for c in range(columns):
                    wide_row[c] = source[c] if first else wide_row[c] + source[c]
            else:
                narrow = carray(pointer_s32(block + 4 * r * n), columns)
                for c in range(columns):
                    wide_row[c] = narrow[c] if first else wide_row[c] + narrow[c]
        else:
            row = carray(pointer_s32(out + r * p.out_row), columns)
            source32 = carray(pointer_s32(block + 4 * r * n), columns)
            if first:
                for c in range(columns):
                    row[c] = source32[c]
            else:
                for c in range(columns):
                    row[c] += source32[c]


@njit(cache=True)
def multiply(p, work, out, rows, valid, columns, first, sums, table, n, a, b):
    """out (+)= one block: `rows` rows of which `valid` exist, `columns` of NR columns."""
    direct = p.wide == p.wide_block and rows == valid and columns == p.columns
    block = work + SCRATCH
    dst = out if direct else block
    ldd = p.out_row if direct else p.columns * (8 if p.wide_block else 4)
    base, ldb = (out, p.out_row) if direct and not first else (p.start, 0)
    call(p.block, (dst, ldd, sums, base, ldb, work, table, n, a, p.lda, b, p.steps,
                   p.flush, rows))
    if not direct:
        keep(p, block, out, valid, columns, first)


# ---------------------------------------------------------------- workers
@njit(cache=True)
def unit_at(p, unit):
    """(panel, pixel, group, run of row blocks) of a unit: panels follow each other."""
    pixels = p.pixel_last - p.pixel_first
    panel, rest = unit % p.panels, unit // p.panels
    pixel, rest = p.pixel_first + rest % pixels, rest // pixels
    return panel, pixel, rest % p.groups, rest // p.groups


@njit(cache=True)
def blocks_of_run(p, run):
    """First and last + 1 of the row blocks of a run."""
    return run * p.row_block_run, min((run + 1) * p.row_block_run, p.row_block_count)


@cfunc(WORKER, cache=True)
def pixels_worker(plan, task, tasks):
    """Forward and error: units are panels of a pixel of out, in a run of images and a group."""
    p = carray(plan, 1)[0]
    work = p.work + task * p.work_size
    sums_at = work + SCRATCH + BLOCK
    table_at = sums_at + SUMS
    table = carray(pointer_s64(table_at), 2 * p.taps_high * p.taps_wide * p.chunks)
    sums = carray(pointer_s32(sums_at), p.columns)
    blocks = carray(pointer_s64(p.row_blocks), 3 * p.row_block_count)
    if p.begin:
        call(p.begin, (work,))
    for unit in range(p.units * task // tasks, p.units * (task + 1) // tasks):
        panel, pixel, group, run = unit_at(p, unit)
        columns = min(p.columns, p.width - panel * p.columns)
        whole_panel = group * p.panels + panel
        first_block, last_block = blocks_of_run(p, run)
        n = segments_of_pixel(p, pixel, table)
        size = 8 if p.wide else 4
        out = (p.out + pixel * p.out_pixel + group * p.out_group
               + panel * p.columns * size)
        a = p.a + group * p.a_group
        b = p.b + whole_panel * p.b_panel
        for s in range(0, max(n, 1), p.piece):
            length = min(p.piece, n - s)
            first_sums(p, sums, whole_panel, table[2 * s:], length)
            for i in range(first_block, last_block):
                row = blocks[3 * i]
                multiply(p, work, out + row * p.out_row, blocks[3 * i + 1], blocks[3 * i + 2],
                         columns, s == 0, sums_at, table_at + 16 * s, length,
                         a + row * p.lda, b)
    if p.end:
        call(p.end, (work,))


@cfunc(WORKER, cache=True)
def taps_worker(plan, task, tasks):
    """Gradient: units are row blocks of a tap and panel, for one short run of pixels at a time.

    `piece` pixels of E stay in L1 while the input channels go by; sums wait in out.
    """
    p = carray(plan, 1)[0]
    work = p.work + task * p.work_size
    sums_at = work + SCRATCH + BLOCK
    table_at = sums_at + SUMS
    table = carray(pointer_s64(table_at), 2 * p.piece)
    sums = carray(pointer_s32(sums_at), p.columns)
    blocks = carray(pointer_s64(p.row_blocks), 3 * p.row_block_count)
    units_of_tap = p.panels * p.row_block_count
    units = p.groups * p.taps_high * p.taps_wide * units_of_tap
    first_unit, last_unit = units * task // tasks, units * (task + 1) // tasks
    size = 8 if p.wide else 4
    n = 0
    if p.begin:
        call(p.begin, (work,))
    for pixel in range(p.pixel_first, p.pixel_last, p.piece):
        first = p.first != 0 and pixel == p.pixel_first
        for unit in range(first_unit, last_unit):
            rest, unit_of_tap = unit // units_of_tap, unit % units_of_tap
            tap = rest % (p.taps_high * p.taps_wide)
            group = rest // (p.taps_high * p.taps_wide)
            run = unit_of_tap // (p.panels * p.row_block_run)
            at = unit_of_tap - run * p.panels * p.row_block_run
            size_of_run = min(p.row_block_run, p.row_block_count - run * p.row_block_run)
            panel = at // size_of_run
            i = run * p.row_block_run + at % size_of_run
            whole_panel = group * p.panels + panel
            if unit == first_unit or i == run * p.row_block_run:
                n = segments_of_tap(p, tap, pixel, min(pixel + p.piece, p.pixel_last), table)
                first_sums(p, sums, whole_panel, table, n)
            if n == 0 and not first:
                continue
            row = blocks[3 * i]
            out = (p.out + tap * p.out_pixel + row * p.out_row + group * p.out_group
                   + panel * p.columns * size)
            multiply(p, work, out, blocks[3 * i + 1], blocks[3 * i + 2],
                     min(p.columns, p.width - panel * p.columns), first, sums_at, table_at, n,
                     p.a + group * p.a_group + row * p.lda, p.b + whole_panel * p.b_panel)
    if p.end:
        call(p.end, (work,))
