"""s16 pairs with s64 accumulators: every pair is widened before it is added.

For operands so wide that s32 holds only a few products (s16 x s16 near full range). Slow and
simple. Exact: |sum| <= K * 2**30 < 2**63 for K < 2**33. `init` is ignored.
"""

from numba import cfunc

from ..ir import I16, I32, I64, case, define, load, loop, pointer, shifted, splat, vector
from .block import SIGNATURE, row_pointers, segment, store_rows
from .dot2 import pair_dot

ROWS = (4, 1)
COLUMNS = LANES = 8


def emit(b, arguments):
    """The kernel for every row count."""
    dst, ldd, _, base, ldb, _, table, segments, a, lda, bb, steps, _, rows = arguments
    dst, base, table, a, bb = (pointer(b, p) for p in (dst, base, table, a, bb))
    wide = vector(I64, LANES)

    def block(count):
        def over_segments(b, s, acc):
            a_offset, b_offset = segment(b, table, s)
            a_rows = row_pointers(b, shifted(b, a, a_offset), lda, count)
            panel = shifted(b, bb, b_offset)

            def over_steps(b, k, acc):
                columns = load(b, shifted(b, panel, b.shl(k, I64(5))), vector(I16, 2 * LANES))
                out = []
                for row, sums in zip(a_rows, acc):
                    word = load(b, shifted(b, row, b.shl(k, I64(2))), I32)
                    pairs = b.bitcast(splat(b, word, vector(I32, LANES)), columns.type)
                    out.append(b.add(sums, b.sext(pair_dot(b, pairs, columns), wide)))
                return out

            return loop(b, steps, acc, over_steps)

        start = [load(b, row, wide) for row in row_pointers(b, base, ldb, count)]
        acc = loop(b, segments, start, over_segments)
        store_rows(b, acc, dst, ldd, count)

    case(b, rows, {count: (lambda n=count: block(n)) for count in ROWS})


_block = define(emit)


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
