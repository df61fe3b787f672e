"""The AMX kernel with tile instructions. Import it only where the processor has them."""

from numba import cfunc, types

from ..ir import define
from .block import SIGNATURE
from .tiles import Native, emit, emit_begin, emit_end

TASK = types.void(types.int64)
_block = define(lambda b, arguments: emit(b, arguments, Native))
_begin = define(lambda b, arguments: emit_begin(b, arguments, Native))
_end = define(lambda b, arguments: emit_end(b, arguments, Native))


@cfunc(SIGNATURE, cache=True)
def block(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """One block of the product; the arguments are those of block.py."""
    _block((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))


@cfunc(TASK, cache=True)
def begin(work):
    """Configure the tiles of this thread; `work` is memory of the task."""
    _begin((work,))


@cfunc(TASK, cache=True)
def end(work):
    """Give the tiles of this thread back."""
    _end((work,))
