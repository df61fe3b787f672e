"""The VNNI kernel of 16 columns. Import it only where the processor has vpdpbusd."""

from numba import cfunc

from ..ir import define
from .block import SIGNATURE
from .dot4 import emit, native

_block = define(lambda b, arguments: emit(b, arguments, native, 16))


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
