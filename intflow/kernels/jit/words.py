"""A word from 64 neighbours at once: a vector comparison whose 64 truth values are the bits.

LLVM turns <64 x i1> into the mask registers of AVX512, into movmsk on AVX2, and into shifts where
there is neither. Arrays are C-contiguous with at least 64 elements.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .ir import I64, splat, vector

WORD = 64


def _neighbours(context, b, kind, array):
    """The first 64 elements of an array, as a vector."""
    data = context.make_array(kind)(context, b, array).data
    element = data.type.pointee
    return b.load(b.bitcast(data, vector(element, WORD).as_pointer()), align=1)


def _compare(emit):
    """An intrinsic (array, s64) -> u64 whose bits are emit(b, vector, the number in its lanes)."""

    @intrinsic
    def word(typingctx, x, value):
        def codegen(context, b, signature, args):
            codes = _neighbours(context, b, x, args[0])
            number = context.cast(b, args[1], signature.args[1], x.dtype)
            return b.bitcast(emit(b, codes, splat(b, number, codes.type)), I64)

        return types.uint64(x, value), codegen

    return word


# Bits: x >= value; x <= value; x & value is not 0. The value fits the width of x, which is signed
# for the first two.
word_at_least = _compare(lambda b, x, value: b.icmp_signed(">=", x, value))
word_at_most = _compare(lambda b, x, value: b.icmp_signed("<=", x, value))
word_of_bit = _compare(lambda b, x, value: b.icmp_unsigned(
    "!=", b.and_(x, value), ir.Constant(x.type, [0] * WORD)))


@intrinsic
def word_at_least_each(typingctx, x, y):
    """Bits x >= y of a signed array and one of s64."""

    def codegen(context, b, signature, args):
        codes, bounds = (_neighbours(context, b, kind, value)
                         for kind, value in zip(signature.args, args))
        if codes.type != bounds.type:
            codes = b.sext(codes, bounds.type)
        return b.bitcast(b.icmp_signed(">=", codes, bounds), I64)

    return types.uint64(x, y), codegen
