"""The contract of every micro-kernel, and the loops they share.

    dst[r][c] = base[r][c] + init[c] + sum over segments s, steps k, bytes of
                A[s][r][k] * B[s][k][c]

A *segment* is a run of the contraction that is contiguous in both operands: a filter tap, or a
pixel. Where it starts is read from a table, so nothing is ever unfolded. A *step* is four bytes
of a row of A (two s16 or four s8) and, in B, those four bytes for each of the NR columns.

Arguments of a block, all int64 (addresses and offsets in bytes)
    dst      result, [rows][NR] s32 (s64 for the wide kernel), overwritten
    ldd      from one row of dst to the next
    init     [NR] s32, what undoes the offset of A (kernels without one do not look)
    base     [rows][NR], in the width of dst, what every row starts from; may be dst
    ldb      from one row of base to the next; 0 = one row for all
    scratch  private memory, SCRATCH bytes, 64-byte aligned
    table    [segments][2] s64: offsets into A and B
    segments number of them, may be 0
    a, lda   A and the distance of its rows
    b        B, each segment [steps][NR][4 bytes]
    steps    of every segment
    flush    segments between two widenings (byte_pairs only)
    rows     one of the kernel's row counts
"""

from numba import types

from ..ir import (I32, I64, case, load, loop, pointer, prefetch_write, shifted, splat, store,
                  vector)

SCRATCH = 16384
ARGUMENTS = ("dst", "ldd", "init", "base", "ldb", "scratch", "table", "segments", "a", "lda",
             "b", "steps", "flush", "rows")
SIGNATURE = types.void(*[types.int64] * len(ARGUMENTS))


def segment(b, table, s):
    """The two offsets of segment s."""
    entry = shifted(b, table, b.shl(s, I64(4)))
    return load(b, entry, I64), load(b, entry, I64, 8)


def row_pointers(b, base, stride, rows):
    """base + r * stride for r in 0..rows."""
    return [shifted(b, base, b.mul(stride, I64(r))) for r in range(rows)]


def announce_rows(b, dst, ldd, rows):
    """Ask for the first cache line of every row of dst, long before it is written."""
    for row in row_pointers(b, dst, ldd, rows):
        prefetch_write(b, row)


def store_rows(b, vectors, dst, ldd, rows):
    """Write vectors[r * n .. r * n + n] one after the other into row r."""
    per_row = len(vectors) // rows
    size = vectors[0].type.count * vectors[0].type.element.width // 8
    for r, row in enumerate(row_pointers(b, dst, ldd, rows)):
        for j in range(per_row):
            store(b, vectors[r * per_row + j], row, j * size)


def emit_block(b, arguments, heights, lanes, vectors, multiply):
    """A kernel whose s32 sums stay in registers from the first step to the last.

    heights : its row counts. lanes, vectors : NR = lanes * vectors.
    multiply(b, sums, word, columns) : sums + products of one step, all <lanes x i32>; `word` is
        four bytes of a row of A in every lane, `columns` the words of B.
    """
    dst, ldd, init, base, ldb, _, table, segments, a, lda, panels, steps, _, rows = arguments
    dst, init, base, table, a, panels = (
        pointer(b, p) for p in (dst, init, base, table, a, panels))
    kind, size = vector(I32, lanes), 4 * lanes

    def block(count):
        announce_rows(b, dst, ldd, count)
        offset = [load(b, init, kind, size * j) for j in range(vectors)]
        start = [b.add(load(b, row, kind, size * j), offset[j])
                 for row in row_pointers(b, base, ldb, count) for j in range(vectors)]

        def over_segments(b, s, sums):
            a_offset, b_offset = segment(b, table, s)
            a_rows = row_pointers(b, shifted(b, a, a_offset), lda, count)
            panel = shifted(b, panels, b_offset)

            def over_steps(b, k, sums):
                at = shifted(b, panel, b.mul(k, I64(size * vectors)))
                columns = [load(b, at, kind, size * j) for j in range(vectors)]
                out = []
                for r, row in enumerate(a_rows):
                    word = splat(b, load(b, shifted(b, row, b.shl(k, I64(2))), I32), kind)
                    for j, column in enumerate(columns):
                        out.append(multiply(b, sums[vectors * r + j], word, column))
                return out

            return loop(b, steps, sums, over_steps)

        store_rows(b, loop(b, segments, start, over_segments), dst, ldd, count)

    case(b, rows, {count: (lambda n=count: block(n)) for count in heights})
