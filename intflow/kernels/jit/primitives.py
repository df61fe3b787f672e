"""Typed integer arithmetic under Numba, and how kernels are compiled and split.

Numba widens every s32 operation to s64, which halves the lanes of a vector and hides wrapping.
The primitives below compute in the type of their first operand, wrapping as the machine does;
the second is converted to it. A loop then means one width, and vectorises at that width.

    add sub mul band bor bxor minimum maximum    as named
    sra(x, n) srl(x, n) shl(x, n)                right shift with and without sign, left shift;
                                                 0 <= n < bits of x
    above(x, y) below(x, y) same(x, y)           1 where x > y, x < y, x == y, else 0
    sign_bits(x)                                 -1 where x < 0, else 0
    picked(test, x, y)                           x where test is not 0, else y, in the type of y
    widened(x, like)                             x as s64 where x or array like has 64 bits,
                                                 otherwise as s32
    narrowed(v, out)                             the low bits of v, of the width of array out
    index_like(x, a, b)                          x in the wider element type of arrays a, b
    as_unsigned(x)                               the same bits, unsigned

NOTE: slice first, then loop over range(a.size). An index that might be negative costs the vector.
NOTE: a change here does not invalidate compiled callers cached on disk: remove __pycache__.
"""

from math import prod

from numba import njit, types
from numba.extending import intrinsic

from ..buffers import is_planning
from .parts import run_parts

SERIAL = dict(nogil=True, cache=True, error_model="numpy")

JOINED = 256            # elements of a row above which its loop is long enough
SMALL = 1 << 14         # elements below which starting a second thread costs more than it saves


def flat(x, size):
    """x as one row of `size` elements, never a copy; ValueError where that cannot be."""
    return shaped(x, (size,))


def shaped(x, shape):
    """x in another shape, never a copy: an output must stay the caller's memory."""
    if not x.flags.c_contiguous:
        raise ValueError("kernels take C-contiguous arrays; use numpy.ascontiguousarray")
    return x.reshape(shape)


def joined(shape):
    """(rows, k): an array (..., C) as `rows` rows of k * C elements, where C alone makes short loops.

    What belongs to the channels is then repeated k times.

    Examples
    --------
    (6, 10, 16): 60 rows of 16 become 15 of 4 * 16, (15, 4); (3, 300): (3, 1).
    """
    channels, rows, k = shape[-1], prod(shape[:-1]), 1
    while rows % 2 == 0 and 0 < 2 * k * channels <= JOINED:
        rows, k = rows // 2, 2 * k
    return rows, k


def launch(part, size, ntask, *arguments):
    """Run a kernel on `size` elements: part(*arguments, task, ntask) does one of ntask shares.

    Small work needs no threads. While a step is planned nothing runs.
    """
    if not is_planning():
        run_parts(part, ntask if size >= SMALL else 1, *arguments)


@njit(**SERIAL)
def share(n, task, ntask):
    """[start, stop) of one of ntask nearly equal parts of range(n)."""
    return n * task // ntask, n * (task + 1) // ntask


def _binary(emit):
    """An intrinsic of two operands in the type of the first."""

    @intrinsic
    def operation(typingctx, x, y):
        kind = types.unliteral(x)

        def codegen(context, builder, signature, args):
            second = context.cast(builder, args[1], signature.args[1], kind)
            return emit(builder, args[0], second, kind.signed)

        return kind(kind, types.unliteral(y)), codegen

    return operation


def _compare(builder, operator, x, y, signed):
    compare = builder.icmp_signed if signed else builder.icmp_unsigned
    return compare(operator, x, y)


def _picked(operator):
    return lambda b, x, y, signed: b.select(_compare(b, operator, x, y, signed), x, y)


add = _binary(lambda b, x, y, signed: b.add(x, y))
sub = _binary(lambda b, x, y, signed: b.sub(x, y))
mul = _binary(lambda b, x, y, signed: b.mul(x, y))
band = _binary(lambda b, x, y, signed: b.and_(x, y))
bor = _binary(lambda b, x, y, signed: b.or_(x, y))
bxor = _binary(lambda b, x, y, signed: b.xor(x, y))
sra = _binary(lambda b, x, y, signed: b.ashr(x, y))
srl = _binary(lambda b, x, y, signed: b.lshr(x, y))
shl = _binary(lambda b, x, y, signed: b.shl(x, y))
minimum = _binary(_picked("<"))
maximum = _binary(_picked(">"))
above = _binary(lambda b, x, y, signed: b.zext(_compare(b, ">", x, y, signed), x.type))
below = _binary(lambda b, x, y, signed: b.zext(_compare(b, "<", x, y, signed), x.type))
same = _binary(lambda b, x, y, signed: b.zext(_compare(b, "==", x, y, signed), x.type))


def _unary(kind, arguments, emit):
    """What an intrinsic returns: its signature and its code, from the first operand alone."""

    def codegen(context, builder, signature, args):
        return emit(context, builder, args[0], signature.args[0])

    return kind(*map(types.unliteral, arguments)), codegen


def _convert(kind, *arguments):
    return _unary(kind, arguments, lambda c, b, x, source: c.cast(b, x, source, kind))


@intrinsic
def sign_bits(typingctx, x):
    """-1 where x < 0, else 0."""
    kind = types.unliteral(x)
    return _unary(kind, (x,), lambda c, b, x, source: b.ashr(x, x.type(kind.bitwidth - 1)))


@intrinsic
def picked(typingctx, test, x, y):
    """x where test is not 0, else y, in the type of y."""
    kind = types.unliteral(y)

    def codegen(context, builder, signature, args):
        first = context.cast(builder, args[1], signature.args[1], kind)
        chosen = builder.icmp_unsigned("!=", args[0], args[0].type(0))
        return builder.select(chosen, first, args[2])

    return kind(types.unliteral(test), types.unliteral(x), kind), codegen


@intrinsic
def widened(typingctx, x, like):
    """x as s64 where x or an element of the array `like` has 64 bits, otherwise as s32."""
    wide = max(x.bitwidth, like.dtype.bitwidth) == 64
    return _convert(types.int64 if wide else types.int32, x, like)


@intrinsic
def narrowed(typingctx, value, out):
    """The low bits of value, of the width of the array out."""
    return _convert(out.dtype, value, out)


@intrinsic
def index_like(typingctx, x, a, b):
    """x in the wider of the element types of the arrays a and b; of a where they are equal."""
    return _convert(b.dtype if b.dtype.bitwidth > a.dtype.bitwidth else a.dtype, x, a, b)


@intrinsic
def as_unsigned(typingctx, x):
    """The same bits without sign."""
    return _convert(types.Integer.from_bitwidth(x.bitwidth, signed=False), x)
