"""u8 x s8 quads with AVX512-VNNI or AVX-VNNI: vpdpbusd adds four products into each s32 lane.

A holds a + 128; the driver starts the sums at -128 * sum of B, exact modulo 2**32.
Block 14 x 2 vectors of 16: 28 accumulators, 2 of B and a broadcast of A fill the 32 registers.
Where there are at most 16 columns, 28 x 1 vector. AVX-VNNI, with 16 registers of 8: 6 x 2 vectors.

`native` is the instruction and `emulated` the same in generic IR, for tests on any machine.
"""

from typing import NamedTuple

from llvmlite import ir

from ..ir import I32, declare, define, splat
from .block import kernel
from .loops import emit_block


class Shape(NamedTuple):
    """Of a block: row counts, falling, and its columns as vectors of so many lanes."""

    rows: tuple
    lanes: int
    vectors: int

    @property
    def columns(self):
        """NR."""
        return self.lanes * self.vectors


WIDE, NARROW = Shape((14, 8, 4, 2, 1), 16, 2), Shape((28, 16, 8, 4, 1), 16, 1)
SHORT = Shape((6, 4, 2, 1), 8, 2)


def native(b, sums, a, bytes_):
    """vpdpbusd. (Newer LLVM declares byte vectors and upgrades this older form silently.)"""
    return instruction(b, "vpdpbusd", sums, a, bytes_)


def instruction(b, name, sums, x, y):
    """One of VNNI, for vectors of 16 or 8; LLVM has one name for both of its encodings."""
    name = f"llvm.x86.avx512.{name}.{32 * sums.type.count}"
    return b.call(declare(b, name, sums.type, [sums.type] * 3), [sums, x, y])


def emulated(b, sums, a, bytes_):
    """The same, spelled out."""
    return outlined(b, "intflow_dot4", unsigned_quads, sums, a, bytes_)


def outlined(b, name, emit, *values):
    """emit(b, *values), all of one type, as a function so that the kernel stays small."""
    if name not in b.module.globals:
        kind = ir.FunctionType(values[0].type, [value.type for value in values])
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


def emit(b, arguments, dot, shape=WIDE):
    """The kernel for every row count, with `native` or `emulated`."""
    emit_block(b, arguments, shape.rows, shape.lanes, shape.vectors, dot)


def intrinsic(dot, shape):
    """The same as a function for those below."""
    return define(lambda b, arguments: emit(b, arguments, dot, shape))


_native_wide, _native_narrow, _native_short = (
    intrinsic(native, shape) for shape in (WIDE, NARROW, SHORT))
_emulated_wide, _emulated_narrow, _emulated_short = (
    intrinsic(emulated, shape) for shape in (WIDE, NARROW, SHORT))


@kernel
def native_wide(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush, rows):
    """32 columns; the arguments are those of block.py."""
    _native_wide((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                  flush, rows))


@kernel
def native_narrow(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows):
    """16 columns."""
    _native_narrow((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                    flush, rows))


@kernel
def native_short(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                 rows):
    """16 columns with AVX-VNNI."""
    _native_short((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                   flush, rows))


@kernel
def emulated_wide(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                  rows):
    """32 columns, for tests."""
    _emulated_wide((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                    flush, rows))


@kernel
def emulated_narrow(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                    rows):
    """16 columns, for tests."""
    _emulated_narrow((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                      flush, rows))


@kernel
def emulated_short(dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps, flush,
                   rows):
    """16 columns as with AVX-VNNI, for tests."""
    _emulated_short((dst, ldd, init, base, ldb, scratch, table, segments, a, lda, b, steps,
                     flush, rows))
