"""u8 x small s8 with AVX2: vpmaddubsw adds two products into s16, 64 products a cycle.

A holds a + 128 (1..255); the driver starts the sums at -128 * sum of B, which undoes it.
No saturation: a step adds two products to each s16 lane, at most 2 * 255 * w_max in magnitude.
The driver lets at most F = 32767 // (2 * 255 * w_max) steps pass between two flushes
(steps * flush <= F), so neither one vpmaddubsw nor the s16 sum can leave +-32767
(w_max = 1: 64 steps, 2: 32, 7: 9). A flush adds lane pairs into s32 with vpmaddwd by ones.

The s32 sums wait in L1 between flushes, since 12 s16 accumulators already fill the registers.
"""

from llvmlite import ir

from ..ir import I8, I16, I32, declare, define, vector
from .block import kernel
from .loops import emit_runs

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


def add(b, sums, words, columns):
    """s16 sums + two products per lane, for every row and vector."""
    multiply = declare(b, "llvm.x86.avx2.pmadd.ub.sw", WORDS16, [BYTES32, BYTES32])
    columns = [b.bitcast(column, BYTES32) for column in columns]
    out = []
    for r, word in enumerate(words):
        row = b.bitcast(word, BYTES32)
        for j, column in enumerate(columns):
            out.append(b.add(sums[VECTORS * r + j], b.call(multiply, [row, column])))
    return out


def widen(b, sums):
    """Neighbouring s16 sums added in s32."""
    function = declare(b, "llvm.x86.avx2.pmadd.wd", SUMS8, [WORDS16, WORDS16])
    return b.call(function, [sums, ONES])


def emit(b, arguments):
    """The kernel for every row count."""
    emit_runs(b, arguments, ROWS, SUMS8, VECTORS, [WORDS16], add, widen)


_block = define(emit)


@kernel
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
