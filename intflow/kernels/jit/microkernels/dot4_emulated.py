"""The VNNI kernel with vpdpbusd spelled out in generic IR, for tests on any machine."""

from numba import cfunc

from ..ir import define
from .block import SIGNATURE
from .dot4 import emit, emulated

_block = define(lambda b, arguments: emit(b, arguments, emulated))


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))
