"""u8 x small s8 with AVX2: vpmaddubsw adds two products into s16, 64 products a cycle.

A holds a + 128 (1..255); the driver starts the sums at -128 * sum of B, which undoes it.
No saturation: a step adds two products to each s16 lane, at most 2 * 255 * w_max in magnitude.
The driver lets at most F = 32767 // (2 * 255 * w_max) steps pass between two flushes
(steps * flush <= F), so neither one vpmaddubsw nor the s16 sum can leave +-32767
(w_max = 1: 64 steps, 2: 32, 7: 9). A flush adds lane pairs into s32 with vpmaddwd by ones.

The s32 sums wait in L1 between flushes, since 12 s16 accumulators already fill the registers.
"""

from llvmlite import ir
from numba import cfunc

from ..ir import (I8, I16, I32, I64, case, declare, define, larger, load, loop, pointer, shifted,
                  smaller, splat, store, vector, zeros)
from .block import SIGNATURE, announce_rows, row_pointers, segment

VECTORS = 2
ROWS = (6, 4, 2, 1)
COLUMNS = 8 * VECTORS
BYTES32, WORDS16, SUMS8 = vector(I8, 32), vector(I16, 16), vector(I32, 8)
ONES = ir.Constant(WORDS16, [1] * 16)


def longest_run(w_max):
    """Steps between two flushes that cannot saturate, 0 where one step could.

    Examples
    --------
    w_max = 1: 32767 // 510 = 64.
    """
    return 32767 // (2 * 255 * w_max)


def emit(b, arguments):
    """The kernel for every row count."""
    dst, ldd, init, base, ldb, scratch, table, segments, a, lda, bb, steps, flush, rows = arguments
    dst, init, base, scratch, table, a, bb = (
        pointer(b, p) for p in (dst, init, base, scratch, table, a, bb))
    multiply = declare(b, "llvm.x86.avx2.pmadd.ub.sw", WORDS16, [BYTES32, BYTES32])
    widen = declare(b, "llvm.x86.avx2.pmadd.wd", SUMS8, [WORDS16, WORDS16])
    runs = larger(b, I64(1), b.sdiv(b.add(segments, b.sub(flush, I64(1))), flush))

    def block(count):
        announce_rows(b, dst, ldd, count)
        offset = [load(b, init, SUMS8, 32 * j) for j in range(VECTORS)]
        for r, row in enumerate(row_pointers(b, base, ldb, count)):
            for j in range(VECTORS):
                start = b.add(load(b, row, SUMS8, 32 * j), offset[j])
                store(b, start, scratch, 4 * COLUMNS * r + 32 * j)

        def over_runs(b, run, _):
            first = b.mul(run, flush)
            length = smaller(b, flush, b.sub(segments, first))

            def over_segments(b, s, acc):
                a_offset, b_offset = segment(b, table, b.add(first, s))
                a_rows = row_pointers(b, shifted(b, a, a_offset), lda, count)
                panel = shifted(b, bb, b_offset)

                def over_steps(b, k, acc):
                    k4 = b.shl(k, I64(2))
                    at = shifted(b, panel, b.shl(k, I64(6)))
                    columns = [load(b, at, BYTES32, 32 * j) for j in range(VECTORS)]
                    out = []
                    for r in range(count):
                        word = load(b, shifted(b, a_rows[r], k4), I32)
                        row = b.bitcast(splat(b, word, SUMS8), BYTES32)
                        for j in range(VECTORS):
                            pairs = b.call(multiply, [row, columns[j]])
                            out.append(b.add(acc[VECTORS * r + j], pairs))
                    return out

                return loop(b, steps, acc, over_steps)

            acc = loop(b, length, [zeros(WORDS16)] * (count * VECTORS), over_segments)
            is_last = b.icmp_signed("==", run, b.sub(runs, I64(1)))
            target = b.select(is_last, dst, scratch)
            target_step = b.select(is_last, ldd, I64(4 * COLUMNS))
            for r in range(count):
                old = shifted(b, scratch, 4 * COLUMNS * r)
                new = shifted(b, target, b.mul(target_step, I64(r)))
                for j in range(VECTORS):
                    sums = b.call(widen, [acc[VECTORS * r + j], ONES])
                    store(b, b.add(load(b, old, SUMS8, 32 * j), sums), new, 32 * j)
            return []

        loop(b, runs, [], over_runs)

    case(b, rows, {count: (lambda n=count: block(n)) for count in ROWS})


_block = define(emit)


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
