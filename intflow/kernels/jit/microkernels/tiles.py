"""s8 x s8 or u8 x s8 on AMX tiles: tdpbssd and tdpbusd multiply 16 rows x 64 bytes by 64 bytes x
16 columns.

Block 32 x 32: accumulators in tiles 0..3, A in 4 and 5, B in 6 and 7; a K step is 64 bytes, 16
of the driver's steps. `init` is not read: A has no offset.
Sums go to a contiguous scratch first, 16 rows at a power-of-two stride would share one L1 set.
A is read past L1 (tileloaddt1), so that it does not push the panel of B out.

Native is the instructions, Emulated the same on memory; LLVM never allocates tiles itself, so
their numbers are ours and they keep their contents between instructions.
"""

from importlib import import_module

from llvmlite import ir

from ..ir import (BYTES, I8, I16, I32, I64, VOID, case, declare, load, loop, pointer, shifted,
                  splat, store, vector)
from .block import SCRATCH, segment
from .dot4 import quad_dot

ROWS = (32, 16)
COLUMNS = 32
STEPS = 16  # of the driver in one tile
TILE = 1024
LINE = vector(I32, 16)


def kernel(emulated, unsigned=False):
    """The module that compiles the kernel for s8 (or u8) rows; importing it compiles it."""
    name = ("tiles_emulated" if emulated else "tiles_native") + ("_u8" if unsigned else "")
    return import_module(f".{name}", __package__)


class Native:
    """The instructions; each needs the tiles configured by `begin`."""

    multiply = "tdpbssd"

    def __init__(self, b, scratch):
        self.b = b

    def _call(self, name, kinds, values):
        self.b.call(declare(self.b, f"llvm.x86.{name}", VOID, kinds), values)

    def load(self, tile, base, stride, stream=False):
        """tile = 16 lines of 64 bytes, `stride` apart."""
        name = "tileloaddt164" if stream else "tileloadd64"
        self._call(name, [I8, BYTES, I64], [I8(tile), base, stride])

    def store(self, tile, base, stride):
        """The reverse of load."""
        self._call("tilestored64", [I8, BYTES, I64], [I8(tile), base, stride])

    def dot(self, sums, x, y):
        """sums[m][n] += sum over k of x[m][k] * y[k // 4][n][k % 4]."""
        self._call(self.multiply, [I8, I8, I8], [I8(sums), I8(x), I8(y)])

    def begin(self, work):
        """Palette 1, eight tiles of 16 rows x 64 bytes."""
        store(self.b, ir.Constant(vector(I8, 64), [1] + [0] * 63), work)
        store(self.b, ir.Constant(vector(I16, 8), [64] * 8), work, 16)
        store(self.b, ir.Constant(vector(I8, 8), [16] * 8), work, 48)
        self._call("ldtilecfg", [BYTES], [work])

    def end(self):
        """Release the tiles."""
        self._call("tilerelease", [], [])


class NativeUnsigned(Native):
    """The instructions with unsigned rows."""

    multiply = "tdpbusd"


class Emulated:
    """The same with the tiles in the upper half of the scratch memory."""

    signed = True

    def __init__(self, b, scratch):
        self.b = b
        self.tiles = shifted(b, scratch, SCRATCH // 2)

    def _at(self, tile):
        return shifted(self.b, self.tiles, tile * TILE)

    def load(self, tile, base, stride, stream=False):
        """tile = 16 lines of 64 bytes, `stride` apart."""
        self._lines(lambda b, k: store(
            b, load(b, shifted(b, base, b.mul(stride, k)), LINE), self._line(tile, k)))

    def store(self, tile, base, stride):
        """The reverse of load."""
        self._lines(lambda b, k: store(
            b, load(b, self._line(tile, k), LINE), shifted(b, base, b.mul(stride, k))))

    def dot(self, sums, x, y):
        """sums[m][n] += sum over k of x[m][k] * y[k // 4][n][k % 4]."""
        def row(b, m):
            def over_words(b, k, acc):
                word = load(b, shifted(b, self._line(x, m), b.shl(k, I64(2))), I32)
                line = load(b, self._line(y, k), LINE)
                return [quad_dot(b, acc[0], splat(b, word, LINE), line, signed=self.signed)]

            (total,) = loop(b, I64(16), [load(b, self._line(sums, m), LINE)], over_words)
            store(b, total, self._line(sums, m))

        self._lines(row)

    def begin(self, work):
        """Nothing to configure."""

    def end(self):
        """Nothing to release."""

    def _line(self, tile, k):
        return shifted(self.b, self._at(tile), self.b.shl(k, I64(6)))

    def _lines(self, body):
        def each(b, k, state):
            body(b, k)
            return state

        loop(self.b, I64(16), [], each)


class EmulatedUnsigned(Emulated):
    """The same with unsigned rows."""

    signed = False


def emit(b, arguments, instructions):
    """The kernel for 32 and 16 rows."""
    dst, ldd, _, base, ldb, scratch, table, segments, a, lda, bb, steps, _, rows = arguments
    dst, base, scratch, table, a, bb = (
        pointer(b, p) for p in (dst, base, scratch, table, a, bb))
    tiles = instructions(b, scratch)
    tile_steps = b.sdiv(steps, I64(STEPS))

    def block(count):
        halves = range(count // 16)
        for h in halves:
            top = shifted(b, base, b.mul(ldb, I64(16 * h)))
            for side in range(2):
                tiles.load(2 * h + side, shifted(b, top, 64 * side), ldb)

        def over_segments(b, s, state):
            a_offset, b_offset = segment(b, table, s)
            top = shifted(b, a, a_offset)
            a_rows = [shifted(b, top, b.mul(lda, I64(16 * h))) for h in halves]
            panel = shifted(b, bb, b_offset)

            def over_steps(b, k, state):
                at = shifted(b, panel, b.shl(k, I64(11)))
                k64 = b.shl(k, I64(6))
                tiles.load(6, at, I64(4 * COLUMNS))
                for h in halves:
                    tiles.load(4 + h, shifted(b, a_rows[h], k64), lda, stream=True)
                    tiles.dot(2 * h, 4 + h, 6)
                    if h == 0:
                        tiles.load(7, shifted(b, at, 64), I64(4 * COLUMNS))
                    tiles.dot(2 * h + 1, 4 + h, 7)
                return state

            return loop(b, tile_steps, state, over_steps)

        loop(b, segments, [], over_segments)
        for tile in range(2 * len(halves)):
            tiles.store(tile, shifted(b, scratch, tile * TILE), I64(64))
        _copy_out(b, dst, ldd, scratch, halves)

    case(b, rows, {count: (lambda n=count: block(n)) for count in ROWS})


def _copy_out(b, dst, ldd, scratch, halves):
    """Tiles [half][side] in scratch to rows of dst."""
    def row(b, r, state):
        at = shifted(b, scratch, b.shl(r, I64(6)))
        for h in halves:
            to = shifted(b, dst, b.mul(ldd, b.add(r, I64(16 * h))))
            for side in range(2):
                store(b, load(b, at, LINE, (2 * h + side) * TILE), to, 64 * side)
        return state

    loop(b, I64(16), [], row)


def emit_begin(b, arguments, instructions):
    """At the head of a task: its memory."""
    work = pointer(b, arguments[0])
    instructions(b, work).begin(work)


def emit_end(b, arguments, instructions):
    """At the end of a task."""
    instructions(b, pointer(b, arguments[0])).end()
