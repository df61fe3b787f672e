"""Products whose sums are finished, block by block, while they are in L1 (epilogue.py).

Lingo as in product.py. A unit computes its block for every tap of a pool (one without) and hands
them on together. The sums are s32 and never leave the task's memory, but where they are the
result.
"""

from numba import carray, cfunc, njit

from .epilogue import EXTREMES, announce, mask_max, narrow
from .ir import call, pointer_s32, pointer_s64
from .microkernels.block import SCRATCH
from .product import BLOCK, SUMS, WORKER, blocks_of_run, first_sums, segments_of_pixel, unit_at


@njit(cache=True)
def pooled_pixel(p, pixel, tap):
    """The pixel of the product that a tap of a pooled pixel reads; without a pool itself."""
    h = pixel // p.pool_columns
    w = pixel - h * p.pool_columns
    kh = tap // p.pool_wide
    kw = tap - kh * p.pool_wide
    return (h * p.pool_stride_h + kh) * p.pixel_columns + w * p.pool_stride_w + kw


@njit(cache=True)
def prepare(p, tables, counts, pixel, taps, whole_panel):
    """First sums and segment table of every tap."""
    for tap in range(taps):
        at = tables + tap * p.table_size
        table = carray(pointer_s64(at + SUMS), 2 * p.taps_high * p.taps_wide * p.chunks)
        counts[tap] = segments_of_pixel(p, pooled_pixel(p, pixel, tap), table)
        first_sums(p, carray(pointer_s32(at), p.columns), whole_panel, table, counts[tap])


@njit(cache=True)
def products(p, work, tables, counts, taps, start, a, b, rows):
    """The block of every tap, one behind the other."""
    for tap in range(taps):
        at = tables + tap * p.table_size
        call(p.block, (work + SCRATCH + tap * BLOCK, 4 * p.columns, at, start, 0, work, at + SUMS,
                       counts[tap], a, p.lda, b, p.steps, p.flush, rows))


@cfunc(WORKER, cache=True)
def narrowed_worker(plan, task, tasks):
    """Forward to narrow codes: units are panels of a pixel of out."""
    p = carray(plan, 1)[0]
    work = p.work + task * p.work_size
    taps = p.pool_high * p.pool_wide
    counts = carray(pointer_s64(work + SCRATCH + taps * BLOCK), taps)
    tables = work + SCRATCH + taps * BLOCK + SUMS
    blocks = carray(pointer_s64(p.row_blocks), 3 * p.row_block_count)
    if p.begin:
        call(p.begin, (work,))
    for unit in range(p.units * task // tasks, p.units * (task + 1) // tasks):
        panel, pixel, group, run = unit_at(p, unit)
        columns = min(p.columns, p.width - panel * p.columns)
        whole_panel = group * p.panels + panel
        prepare(p, tables, counts, pixel, taps, whole_panel)
        at = pixel * p.out_pixel + group * p.out_group + panel * p.columns * p.size
        mask = pixel * p.passed_pixel + group * p.passed_group + panel * p.columns // 8
        first, last = blocks_of_run(p, run)
        for i in range(first, last):
            row = blocks[3 * i]
            products(p, work, tables, counts, taps, p.start + whole_panel * p.start_panel,
                     p.a + group * p.a_group + row * p.lda, p.b + whole_panel * p.b_panel,
                     blocks[3 * i + 1])
            out = at + row * p.out_row
            passed = p.passed + mask + row * p.passed_row if p.passed else 0
            winner = p.winner + out // p.size * p.winner_size if p.winner else 0
            narrow((work + SCRATCH, BLOCK, taps, p.columns, blocks[3 * i + 2], columns,
                    p.out + out, p.out_row, p.size, passed, p.passed_row, p.passed_relu,
                    winner, p.out_row // p.size * p.winner_size, p.winner_size, p.relu,
                    p.rshift, p.add, p.odd, p.flip, p.sign, p.first_sum, p.last_sum, work))
    if p.end:
        call(p.end, (work,))


@cfunc(WORKER, cache=True)
def masked_worker(plan, task, tasks):
    """Error to masked s32 sums and their extremes: units are panels of a pixel of out."""
    p = carray(plan, 1)[0]
    work = p.work + task * p.work_size
    counts = carray(pointer_s64(work + SCRATCH + BLOCK), 1)
    tables = work + SCRATCH + BLOCK + SUMS
    blocks = carray(pointer_s64(p.row_blocks), 3 * p.row_block_count)
    if p.begin:
        call(p.begin, (work,))
    for unit in range(p.units * task // tasks, p.units * (task + 1) // tasks):
        panel, pixel, group, run = unit_at(p, unit)
        columns = min(p.columns, p.width - panel * p.columns)
        whole_panel = group * p.panels + panel
        prepare(p, tables, counts, pixel, 1, whole_panel)
        out = p.out + pixel * p.out_pixel + group * p.out_group + panel * p.columns * 4
        mask = pixel * p.passed_pixel + group * p.passed_group + panel * p.columns // 8
        first, last = blocks_of_run(p, run)
        for i in range(first, last):
            row = blocks[3 * i]
            announce((out + row * p.out_row, p.out_row, blocks[3 * i + 2], 4 * columns))
            products(p, work, tables, counts, 1, p.start + whole_panel * p.start_panel,
                     p.a + group * p.a_group + row * p.lda, p.b + whole_panel * p.b_panel,
                     blocks[3 * i + 1])
            passed = p.passed + mask + row * p.passed_row if p.passed else 0
            mask_max((work + SCRATCH, p.columns, blocks[3 * i + 2], columns,
                      out + row * p.out_row, p.out_row, passed, p.passed_row,
                      p.extremes + task * EXTREMES, work))
    if p.end:
        call(p.end, (work,))
