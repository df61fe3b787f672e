"""u8 x s8 quads with AVX512-VNNI: vpdpbusd adds four products into each s32 lane.

A holds a + 128; the driver starts the sums at -128 * sum of B, exact modulo 2**32.
Block 14 x 2 vectors of 16: 28 accumulators, 2 of B and a broadcast of A fill the 32 registers.
Where there are at most 16 columns, 28 x 1 vector.

`dot4(b, sums, a, bytes)` is the instruction or its emulation; dot4_native*.py and
dot4_emulated*.py compile a kernel with one of them.
"""

from llvmlite import ir

from ..ir import I32, declare, splat, vector
from .block import emit_block

SUMS = vector(I32, 16)
ROWS = {32: (14, 8, 4, 2, 1), 16: (28, 16, 8, 4, 1)}  # by NR


def native(b, sums, a, bytes_):
    """vpdpbusd. (Newer LLVM declares byte vectors and upgrades this older form silently.)"""
    instruction = declare(b, "llvm.x86.avx512.vpdpbusd.512", SUMS, [SUMS] * 3)
    return b.call(instruction, [sums, a, bytes_])


def emulated(b, sums, a, bytes_):
    """The same in generic IR, as a function of its own so that the kernel stays small."""
    name = "intflow_dot4_unsigned"
    if name not in b.module.globals:
        function = ir.Function(b.module, ir.FunctionType(SUMS, [SUMS] * 3), name=name)
        function.linkage = "internal"
        inner = ir.IRBuilder(function.append_basic_block())
        inner.ret(quad_dot(inner, *function.args, signed=False))
    return b.call(b.module.globals[name], [sums, a, bytes_])


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


def emit(b, arguments, dot4, columns=32):
    """The kernel for every row count."""
    emit_block(b, arguments, ROWS[columns], 16, columns // 16, dot4)
