"""s16 pairs with s64 sums, for operands so wide that s32 holds only a few products.

B is cut into bytes, b = 256 * high + low with low in 0..255 and high in -128..127, once a step
for all rows; each of a * low and a * high adds to s32 sums of its own. A flush adds
low + 256 * high to the s64 sums, which wait in L1.

Exact for any s16: |a| <= 2**15, so a step adds at most 2 * 2**15 * 255 to a sum of low and
2 * 2**15 * 128 to one of high, and LONGEST_RUN steps stay below 2**31 - 1. The pair (-32768,
-32768) . (-32768, -32768), which no s32 holds, cannot occur: high is never below -128.
|s64 sum| <= K * 2**30 < 2**63 for K < 2**33.

Block 12 x 1 vector of 16 with AVX512-VNNI: 24 accumulators, 2 of B, a mask and a broadcast of A;
one vector wide, since the cut costs as much as a product. 6 x 1 vector of 8 elsewhere.
"""

from llvmlite import ir

from ..ir import I16, I32, I64, define, splat, vector
from . import dot2, dot2_vnni
from .block import kernel
from .loops import emit_runs

LONGEST_RUN = (2**31 - 1) // (2 * 2**15 * 255)  # steps: 128
ROWS = {16: (12, 8, 4, 2, 1), 8: (6, 4, 2, 1)}  # by NR


def cut(b, words):
    """(low, high): the bytes of every s16 of <n x i32>, as s16."""
    pairs = b.bitcast(words, vector(I16, 2 * words.type.count))
    low = b.and_(pairs, ir.Constant(pairs.type, [255] * pairs.type.count))
    high = b.ashr(pairs, ir.Constant(pairs.type, [8] * pairs.type.count))
    return [b.bitcast(part, words.type) for part in (low, high)]


def widen(b, low, high):
    """low + 256 * high in s64."""
    kind = vector(I64, low.type.count)
    low, high = b.sext(low, kind), b.sext(high, kind)
    return b.add(low, b.shl(high, splat(b, I64(8), kind)))


def emit(b, arguments, multiply, columns):
    """The kernel for every row count, with a multiply of dot2.py or dot2_vnni.py."""
    def add(b, state, words, panel):
        parts = cut(b, panel[0])
        return [multiply(b, state[2 * r + i], word, part)
                for r, word in enumerate(words) for i, part in enumerate(parts)]

    emit_runs(b, arguments, ROWS[columns], vector(I64, columns), 1,
              [vector(I32, columns)] * 2, add, widen)


_generic = define(lambda b, arguments: emit(b, arguments, dot2.multiply, 8))
_native = define(lambda b, arguments: emit(b, arguments, dot2_vnni.native, 16))
_emulated = define(lambda b, arguments: emit(b, arguments, dot2_vnni.emulated, 16))


@kernel
def generic(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """8 columns, any processor; the arguments are those of block.py."""
    _generic((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))


@kernel
def native(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """16 columns with AVX512-VNNI."""
    _native((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))


@kernel
def emulated(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """The same for tests."""
    _emulated((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
               rows))
