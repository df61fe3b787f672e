"""The AMX kernel for u8 rows. Import it only where the processor has tiles."""

from numba import cfunc

from ..ir import define
from .block import SIGNATURE
from .tiles import NativeUnsigned, emit

_block = define(lambda b, arguments: emit(b, arguments, NativeUnsigned))


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
