"""s16 pairs with AVX512-VNNI: vpdpwssd adds two products into each s32 lane.

Blocks as those of dot4.py; with AVX-VNNI dot2.py's take the instruction. Exact modulo 2**32, as dot2.py is: the instruction does not saturate.
"""

from .block import kernel
from .dot2 import add_pairs, fuse
from .dot4 import NARROW, WIDE, instruction, intrinsic, outlined


def native(b, sums, a, pairs):
    """vpdpwssd. (Newer LLVM declares vectors of s16 and upgrades this older form silently.)"""
    fuse(b)
    return instruction(b, "vpdpwssd", sums, a, pairs)


def emulated(b, sums, a, pairs):
    """The same, spelled out."""
    return outlined(b, "intflow_dot2", add_pairs, sums, a, pairs)


_native_wide, _native_narrow = (intrinsic(native, shape) for shape in (WIDE, NARROW))
_emulated_wide, _emulated_narrow = (intrinsic(emulated, shape) for shape in (WIDE, NARROW))


@kernel
def native_wide(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """32 columns; the arguments are those of block.py."""
    _native_wide((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                  flush, rows))


@kernel
def native_narrow(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows):
    """16 columns."""
    _native_narrow((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                    flush, rows))


@kernel
def emulated_wide(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows):
    """32 columns, for tests."""
    _emulated_wide((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                    flush, rows))


@kernel
def emulated_narrow(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                    rows):
    """16 columns, for tests."""
    _emulated_narrow((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                      flush, rows))
