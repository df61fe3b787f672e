"""u8 x s8 quads with AVX512-VNNI: vpdpbusd adds four products into each s32 lane.

A holds a + 128; the driver starts the sums at -128 * sum of B, exact modulo 2**32.
Block 14 x 2 vectors of 16: 28 accumulators, 2 of B and a broadcast of A fill the 32 registers.
Where there are at most 16 columns, 28 x 1 vector.

`native` is the instruction and `emulated` the same in generic IR, for tests on any machine.
"""

from llvmlite import ir

from ..ir import I32, declare, define, splat, vector
from .block import kernel
from .loops import emit_block

SUMS = vector(I32, 16)
ROWS = {32: (14, 8, 4, 2, 1), 16: (28, 16, 8, 4, 1)}  # by NR


def native(b, sums, a, bytes_):
    """vpdpbusd. (Newer LLVM declares byte vectors and upgrades this older form silently.)"""
    instruction = declare(b, "llvm.x86.avx512.vpdpbusd.512", SUMS, [SUMS] * 3)
    return b.call(instruction, [sums, a, bytes_])


def emulated(b, sums, a, bytes_):
    """The same, spelled out."""
    return outlined(b, "intflow_dot4", unsigned_quads, sums, a, bytes_)


def outlined(b, name, emit, *values):
    """emit(b, *values), all vectors of SUMS, as a function so that the kernel stays small."""
    if name not in b.module.globals:
        kind = ir.FunctionType(SUMS, [SUMS] * len(values))
        function = ir.Function(b.module, kind, name=name)
        function.linkage = "internal"
        inner = ir.IRBuilder(function.append_basic_block())
        inner.ret(emit(inner, *function.args))
    return b.call(b.module.globals[name], values)


def unsigned_quads(b, sums, x, y):
    """sums + four products per lane, the bytes of x unsigned."""
    return quad_dot(b, sums, x, y, signed=False)


def quad_dot(b, sums, x, y, signed):
    """sums + four products per lane; the bytes of x are unsigned, or signed like those of y."""
    kind = sums.type

    def byte(words, i, extend):
        high = b.shl(words, splat(b, I32(24 - 8 * i), kind))
        return extend(high, splat(b, I32(24), kind))

    for i in range(4):
        product = b.mul(byte(x, i, b.ashr if signed else b.lshr), byte(y, i, b.ashr))
        sums = b.add(sums, product)
    return sums


def emit(b, arguments, dot, columns=32):
    """The kernel for every row count, with `native` or `emulated`."""
    emit_block(b, arguments, ROWS[columns], 16, columns // 16, dot)


def intrinsics(dot):
    """The kernels of 32 and 16 columns."""
    return [define(lambda b, arguments, n=columns: emit(b, arguments, dot, n)) for columns in ROWS]


_native, _native_16 = intrinsics(native)
_emulated, _emulated_16 = intrinsics(emulated)


@kernel
def native_32(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """32 columns; the arguments are those of block.py."""
    _native((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows))


@kernel
def native_16(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """16 columns."""
    _native_16((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows))


@kernel
def emulated_32(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows):
    """32 columns, for tests."""
    _emulated((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
               rows))


@kernel
def emulated_16(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                rows):
    """16 columns, for tests."""
    _emulated_16((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows))
