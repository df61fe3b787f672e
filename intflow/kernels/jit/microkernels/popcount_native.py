"""The popcount kernels with AVX512: vpternlogq and vpopcntq. Import it only where they exist.

Block 5 x 2 vectors: 10 counts, 10 words left over, 4 of B and temporaries fill the 32 registers.
"""

from numba import cfunc

from ..ir import I32, declare, define
from .popcount import SIGNATURE, both, differ, emit

ROWS, LANES, VECTORS = 5, 8, 2
COLUMNS = LANES * VECTORS
XOR3, CARRY = 0x96, 0xB2            # truth tables of vpternlogq


class Ternary:
    """Any logic of three operands in one instruction."""

    @staticmethod
    def xor3(b, x, y, z):
        """x ^ y ^ z."""
        return _ternary(b, x, y, z, XOR3)

    @staticmethod
    def carry(b, before, after, x):
        """`before` where it differs from `after`, else x."""
        return _ternary(b, before, after, x, CARRY)


def _ternary(b, x, y, z, table):
    kinds = [x.type] * 3
    function = declare(b, "llvm.x86.avx512.pternlog.q.512", x.type, [*kinds, I32])
    return b.call(function, [x, y, z, I32(table)])


def emitter(op):
    """emit(builder, arguments) for op."""
    return lambda b, arguments: emit(b, arguments, op, Ternary, ROWS, LANES, VECTORS)


_differing, _common = define(emitter(differ)), define(emitter(both))


@cfunc(SIGNATURE, cache=True)
def differing(dst, ldd, base, column, scale, a, step, b, pairs, blocks):
    """xor; the arguments are those of popcount.py."""
    _differing((dst, ldd, base, column, scale, a, step, b, pairs, blocks))


@cfunc(SIGNATURE, cache=True)
def common(dst, ldd, base, column, scale, a, step, b, pairs, blocks):
    """and; the arguments are those of popcount.py."""
    _common((dst, ldd, base, column, scale, a, step, b, pairs, blocks))
