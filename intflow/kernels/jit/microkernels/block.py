"""The contract of every micro-kernel; the loops they share are in loops.py.

    dst[r][c] = base[r][c] + init[c] + sum over segments s, steps k, bytes of
                A[s][r][k] * B[s][k][c]

A *segment* is a run of the contraction that is contiguous in both operands: a filter tap, or a
pixel. Where it starts is read from a table, so nothing is ever unfolded. A *step* is four bytes
of a row of A (two s16 or four s8) and, in B, those four bytes for each of the NR columns.

Arguments of a block, all int64 (addresses and offsets in bytes)
    dst      result, [rows][NR] s32 (s64 for the wide kernel), overwritten
    ldd      from one row of dst to the next
    init     [NR] s32, what undoes the offset of A (tiles, which have none, do not look)
    base     [rows][NR], in the width of dst, what every row starts from; may be dst
    ldb      from one row of base to the next; 0 = one row for all
    scratch  private memory, SCRATCH bytes, 64-byte aligned
    table    [segments][2] s64: offsets into A and B
    segments number of them, may be 0
    a, lda   A and the distance of its rows
    b        B, each segment [steps][NR][4 bytes]
    steps    of every segment
    flush    segments between two widenings (kernels of emit_runs only)
    rows     one of the kernel's row counts
"""

from threading import Lock

from numba import cfunc, types

from ..ir import I64, load, prefetch_write, shifted, store

SCRATCH = 16384
ARGUMENTS = ("dst", "ldd", "init", "base", "ldb", "scratch", "table", "segments", "a", "lda",
             "b", "steps", "flush", "rows")
SIGNATURE = types.void(*[types.int64] * len(ARGUMENTS))


class kernel:
    """A block as a C function, compiled when its address is first asked for.

    So a file may hold kernels of instructions that this processor lacks.
    """

    _lock = Lock()  # two threads would free what the other one calls

    def __init__(self, function):
        self._function, self._compiled = function, None

    @property
    def address(self):
        """Of the C function."""
        with self._lock:
            self._compiled = self._compiled or cfunc(SIGNATURE, cache=True)(self._function)
        return self._compiled.address


def named(arguments, names):
    """Those of a block's arguments whose names this string holds."""
    return [arguments[ARGUMENTS.index(name)] for name in names.split()]


def segment(b, table, s):
    """The two offsets of segment s."""
    entry = shifted(b, table, b.shl(s, I64(4)))
    return load(b, entry, I64), load(b, entry, I64, 8)


def row_pointers(b, base, stride, rows):
    """base + r * stride for r in 0..rows."""
    return [shifted(b, base, b.mul(stride, I64(r))) for r in range(rows)]


def announce_rows(b, dst, ldd, rows, size):
    """Ask for the cache lines of every row of dst, `size` bytes, long before it is written."""
    for row in row_pointers(b, dst, ldd, rows):
        for line in range(0, size, 64):
            prefetch_write(b, shifted(b, row, line))


def store_rows(b, vectors, dst, ldd, rows):
    """Write vectors[r * n .. r * n + n] one after the other into row r."""
    per_row = len(vectors) // rows
    size = vectors[0].type.count * vectors[0].type.element.width // 8
    for r, row in enumerate(row_pointers(b, dst, ldd, rows)):
        for j in range(per_row):
            store(b, vectors[r * per_row + j], row, j * size)
