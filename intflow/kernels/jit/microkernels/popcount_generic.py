"""The popcount kernels in generic IR: LLVM spells the popcount with what the processor has."""

from numba import cfunc

from ..ir import define
from .popcount import SIGNATURE, Logic, both, differ, emit

ROWS, LANES, VECTORS = 2, 4, 2
COLUMNS = LANES * VECTORS


def emitter(op):
    """emit(builder, arguments) for op."""
    return lambda b, arguments: emit(b, arguments, op, Logic, ROWS, LANES, VECTORS)


_differing, _common = define(emitter(differ)), define(emitter(both))


@cfunc(SIGNATURE, cache=True)
def differing(dst, ldd, base, column, scale, a, step, b, pairs, blocks):
    """xor; the arguments are those of popcount.py."""
    _differing((dst, ldd, base, column, scale, a, step, b, pairs, blocks))


@cfunc(SIGNATURE, cache=True)
def common(dst, ldd, base, column, scale, a, step, b, pairs, blocks):
    """and; the arguments are those of popcount.py."""
    _common((dst, ldd, base, column, scale, a, step, b, pairs, blocks))
