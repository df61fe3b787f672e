"""Building blocks of hand-written LLVM IR inside Numba functions.

Numba's JIT compiles what llvmlite builds here; there is no C. Addresses travel as int64 and
become pointers inside the intrinsic. A micro-kernel is one intrinsic with its loops: the
accumulators are phi nodes, so they live in registers whatever the vectoriser thinks.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
BYTES = I8.as_pointer()
VOID = ir.VoidType()


# ---------------------------------------------------------------- from Python to IR
def define(emit):
    """An intrinsic f((a, b, ...)) of int64 whose body is emit(builder, [a, b, ...])."""

    @intrinsic
    def function(context, arguments):
        def lower(context, b, signature, values):
            emit(b, cgutils.unpack_tuple(b, values[0]))
            return context.get_dummy_value()

        return types.void(arguments), lower

    return function


@intrinsic
def call(context, address, arguments):
    """Call the C function void f(int64, ...) at `address` with a tuple of int64."""

    def lower(context, b, signature, values):
        words = cgutils.unpack_tuple(b, values[1])
        function = ir.FunctionType(VOID, [I64] * len(words))
        b.call(b.inttoptr(values[0], function.as_pointer()), words)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), lower


def _pointer(element):
    @intrinsic
    def pointer(context, address):
        def lower(context, b, signature, values):
            return b.inttoptr(values[0], context.get_value_type(signature.return_type))

        return types.CPointer(element)(types.int64), lower

    return pointer


pointer_s8, pointer_s16, pointer_s32, pointer_s64 = (
    _pointer(t) for t in (types.int8, types.int16, types.int32, types.int64)
)


# ---------------------------------------------------------------- values
def vector(element, count):
    """The type <count x element>."""
    return ir.VectorType(element, count)


def zeros(kind):
    """The constant 0 of a vector type."""
    return ir.Constant(kind, [0] * kind.count)


def indices(numbers):
    """A shuffle mask."""
    numbers = list(numbers)
    return ir.Constant(vector(I32, len(numbers)), numbers)


def splat(b, value, kind):
    """A scalar in every lane of the vector type."""
    one = b.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
    return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), indices([0] * kind.count))


def declare(b, name, result, arguments):
    """The module's function `name`, declared on first use (an LLVM intrinsic)."""
    if name in b.module.globals:
        return b.module.globals[name]
    return ir.Function(b.module, ir.FunctionType(result, arguments), name=name)


# ---------------------------------------------------------------- memory
def pointer(b, address):
    """An int64 as a byte pointer."""
    return b.inttoptr(address, BYTES)


def shifted(b, base, offset):
    """base + offset bytes; the offset is an IR value or a Python int."""
    return b.gep(base, [I64(offset) if isinstance(offset, int) else offset])


def load(b, base, kind, offset=0):
    """A value of any type at base + offset, of any alignment."""
    return b.load(b.bitcast(shifted(b, base, offset), kind.as_pointer()), align=1)


def store(b, value, base, offset=0):
    """Write a value of any type at base + offset, of any alignment."""
    b.store(value, b.bitcast(shifted(b, base, offset), value.type.as_pointer()), align=1)


def prefetch_write(b, base):
    """Have the cache line at `base` ready for writing soon."""
    function = declare(b, "llvm.prefetch.p0", VOID, [BYTES, I32, I32, I32])
    b.call(function, [base, I32(1), I32(3), I32(1)])


# ---------------------------------------------------------------- control
def loop(b, count, state, body):
    """for k in range(count): state = body(b, k, state). The state is a list of phi nodes."""
    function, before = b.function, b.block
    head, inside, after = (function.append_basic_block(f"loop.{s}") for s in ("head", "in", "out"))
    b.branch(head)
    b.position_at_end(head)
    k = b.phi(I64)
    k.add_incoming(I64(0), before)
    phis = [b.phi(value.type) for value in state]
    for phi, value in zip(phis, state):
        phi.add_incoming(value, before)
    b.cbranch(b.icmp_signed("<", k, count), inside, after)
    b.position_at_end(inside)
    values = body(b, k, phis)
    k.add_incoming(b.add(k, I64(1)), b.block)
    for phi, value in zip(phis, values):
        phi.add_incoming(value, b.block)
    b.branch(head)
    b.position_at_end(after)
    return phis


def case(b, value, emitters):
    """Run emitters[constant]() for the constant that equals the int64 `value`; else nothing."""
    for constant, emit in emitters.items():
        with b.if_then(b.icmp_signed("==", value, I64(constant))):
            emit()


def smaller(b, x, y):
    """min of two int64."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b, x, y):
    """max of two int64."""
    return b.select(b.icmp_signed(">", x, y), x, y)
