"""The contract of every micro-kernel, and the loops they share.

    acc[r][c] = init[c] + sum over segments s, steps k, bytes of A[s][r][k] * B[s][k][c]

A *segment* is a run of the contraction that is contiguous in both operands: a filter tap, or a
pixel. Where it starts is read from a table, so nothing is ever unfolded. A *step* is four bytes
of a row of A (two s16 or four s8) and, in B, those four bytes for each of the NR columns.

Arguments of a block, all int64 (addresses and offsets in bytes)
    dst      result, [rows][NR] s32 (s64 for the wide kernel), overwritten
    ldd      from one row of dst to the next
    init     [NR] s32, the value every row starts from
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

from ..ir import I64, load, shifted, store

SCRATCH = 8192
ARGUMENTS = ("dst", "ldd", "init", "scratch", "table", "segments", "a", "lda", "b", "steps",
             "flush", "rows")
SIGNATURE = types.void(*[types.int64] * len(ARGUMENTS))


def segment(b, table, s):
    """The two offsets of segment s."""
    entry = shifted(b, table, b.shl(s, I64(4)))
    return load(b, entry, I64), load(b, entry, I64, 8)


def row_pointers(b, base, stride, rows):
    """base + r * stride for r in 0..rows."""
    return [shifted(b, base, b.mul(stride, I64(r))) for r in range(rows)]


def store_rows(b, vectors, dst, ldd, rows):
    """Write vectors[r * n .. r * n + n] one after the other into row r."""
    per_row = len(vectors) // rows
    size = vectors[0].type.count * vectors[0].type.element.width // 8
    for r, row in enumerate(row_pointers(b, dst, ldd, rows)):
        for j in range(per_row):
            store(b, vectors[r * per_row + j], row, j * size)
