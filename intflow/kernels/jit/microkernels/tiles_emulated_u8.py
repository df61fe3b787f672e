"""The AMX kernel for u8 rows with tiles kept in memory, for tests on any machine."""

from numba import cfunc

from ..ir import define
from .block import SIGNATURE
from .tiles import EmulatedUnsigned, emit

_block = define(lambda b, arguments: emit(b, arguments, EmulatedUnsigned))


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
