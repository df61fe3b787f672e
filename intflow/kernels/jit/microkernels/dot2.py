"""s16 pairs with s32 accumulators, in generic IR that any processor compiles.

Per step: sign-extend, multiply, add the two halves of each pair; LLVM makes it one vpmaddwd on
x86. Exact: a pair is at most 2 * 32767**2 < 2**31, and sums wrap modulo 2**32, so a total that
fits s32 comes out right whatever the order.

Block 6 x 2 vectors: 12 accumulators, 2 of B and 1 or 2 of A fill the 16 registers of AVX2 (or
of SSE2, whose vectors are half as long).
"""

from llvmlite import ir
from llvmlite.binding import llvm_version_info

from .. import cpu
from ..ir import I16, I32, define, indices, vector
from .block import kernel
from .loops import emit_block

LANES = 4 if cpu.lacks("avx2") and cpu.is_x86() else 8
VECTORS = 2
ROWS = (6, 4, 2, 1)
COLUMNS = LANES * VECTORS
FUSING = "znver4" if llvm_version_info >= (16,) else "icelake-server"


def pair_dot(b, x, y):
    """<2n x i16> . <2n x i16> over neighbours -> <n x i32>."""
    lanes = x.type.count
    wide = vector(I32, lanes)
    product = b.mul(b.sext(x, wide), b.sext(y, wide))
    none = ir.Constant(wide, ir.Undefined)
    even = b.shuffle_vector(product, none, indices(range(0, lanes, 2)))
    odd = b.shuffle_vector(product, none, indices(range(1, lanes, 2)))
    return b.add(even, odd)


def multiply(b, sums, word, columns):
    """sums + the pairs of a word times those of the columns."""
    if not (cpu.lacks("avx512vnni") and cpu.lacks("avxvnni")):
        fuse(b)
    return add_pairs(b, sums, word, columns)


def fuse(b):
    """Have LLVM keep vpdpwssd whole in this function.

    For some processors that have it (those of Sapphire Rapids and after) LLVM makes vpmaddwd and
    vpaddd of it: sooner done for one sum, half as fast for the many of a block. The tuning for
    another processor decides about speed alone.
    """
    set.add(b.function.attributes, f'"tune-cpu"="{FUSING}"')  # llvmlite knows no such attribute
    b.function.attributes.add("noinline")  # or it would be tuned as its caller is


def add_pairs(b, sums, word, columns):
    """The same, spelled out."""
    kind = vector(I16, 2 * sums.type.count)
    return b.add(sums, pair_dot(b, b.bitcast(word, kind), b.bitcast(columns, kind)))


def emit(b, arguments):
    """The kernel for every row count."""
    emit_block(b, arguments, ROWS, LANES, VECTORS, multiply)


_block = define(emit)


@kernel
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
