"""s16 pairs with s32 accumulators, in generic IR that any processor compiles.

Per step: sign-extend, multiply, add the two halves of each pair; LLVM makes it one vpmaddwd on
x86. Exact: a pair is at most 2 * 32767**2 < 2**31, and sums wrap modulo 2**32, so a total that
fits s32 comes out right whatever the order.

Block 6 x 2 vectors: 12 accumulators, 2 of B and 1 or 2 of A fill the 16 registers of AVX2 (or
of SSE2, whose vectors are half as long).
"""

from numba import cfunc
from llvmlite import ir

from .. import cpu
from ..ir import (I16, I32, I64, case, define, indices, load, loop, pointer, shifted, splat,
                  vector)
from .block import SIGNATURE, row_pointers, segment, store_rows

LANES = 4 if cpu.lacks("avx2") and cpu.is_x86() else 8
VECTORS = 2
ROWS = (6, 4, 2, 1)
COLUMNS = LANES * VECTORS


def pair_dot(b, x, y):
    """<2n x i16> . <2n x i16> over neighbours -> <n x i32>."""
    lanes = x.type.count
    wide = vector(I32, lanes)
    product = b.mul(b.sext(x, wide), b.sext(y, wide))
    none = ir.Constant(wide, ir.Undefined)
    even = b.shuffle_vector(product, none, indices(range(0, lanes, 2)))
    odd = b.shuffle_vector(product, none, indices(range(1, lanes, 2)))
    return b.add(even, odd)


def broadcast_pair(b, row, k4, lanes):
    """The four bytes at row + k4 in every lane, as s16 pairs."""
    word = load(b, shifted(b, row, k4), I32)
    return b.bitcast(splat(b, word, vector(I32, lanes)), vector(I16, 2 * lanes))


def emit(b, arguments):
    dst, ldd, init, _, table, segments, a, lda, bb, steps, _, rows = arguments
    dst, init, table, a, bb = (pointer(b, p) for p in (dst, init, table, a, bb))

    def block(count):
        start = [load(b, init, vector(I32, LANES), 4 * LANES * j) for j in range(VECTORS)]

        def over_segments(b, s, acc):
            a_offset, b_offset = segment(b, table, s)
            a_rows = row_pointers(b, shifted(b, a, a_offset), lda, count)
            panel = shifted(b, bb, b_offset)

            def over_steps(b, k, acc):
                k4 = b.shl(k, I64(2))
                at = shifted(b, panel, b.mul(k, I64(4 * COLUMNS)))
                columns = [load(b, at, vector(I16, 2 * LANES), 4 * LANES * j)
                           for j in range(VECTORS)]
                out = []
                for r in range(count):
                    row = broadcast_pair(b, a_rows[r], k4, LANES)
                    for j in range(VECTORS):
                        old = acc[VECTORS * r + j]
                        out.append(b.add(old, pair_dot(b, row, columns[j])))
                return out

            return loop(b, steps, acc, over_steps)

        acc = loop(b, segments, start * count, over_segments)
        store_rows(b, acc, dst, ldd, count)

    case(b, rows, {count: (lambda n=count: block(n)) for count in ROWS})


_block = define(emit)


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, scratch, table, segments, a, lda, b, steps, flush, rows))
