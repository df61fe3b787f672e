"""s16 pairs with AVX512-VNNI: vpdpwssd adds two products into each s32 lane.

Blocks as those of dot4.py. Exact modulo 2**32, as dot2.py is: the instruction does not saturate.
"""

from ..ir import declare
from .block import kernel
from .dot2 import add_pairs, fuse
from .dot4 import SUMS, intrinsics, outlined


def native(b, sums, a, pairs):
    """vpdpwssd. (Newer LLVM declares vectors of s16 and upgrades this older form silently.)"""
    fuse(b)
    instruction = declare(b, "llvm.x86.avx512.vpdpwssd.512", SUMS, [SUMS] * 3)
    return b.call(instruction, [sums, a, pairs])


def emulated(b, sums, a, pairs):
    """The same, spelled out."""
    return outlined(b, "intflow_dot2", add_pairs, sums, a, pairs)


_native, _native_16 = intrinsics(native)
_emulated, _emulated_16 = intrinsics(emulated)


@kernel
def native_32(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """32 columns; the arguments are those of block.py."""
    _native((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))


@kernel
def native_16(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """16 columns."""
    _native_16((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows))


@kernel
def emulated_32(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows):
    """32 columns, for tests."""
    _emulated((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
               rows))


@kernel
def emulated_16(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows):
    """16 columns, for tests."""
    _emulated_16((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows))
