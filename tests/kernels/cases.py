"""One table: kernel -> cases. The conformance test and the benchmarks walk it.

A case makes fresh arguments, outputs first, from a generator of its own: sizes that leave vector
tails, ends of every width, ties, nothing at all, and one size large enough for several threads.
"""

from typing import Callable, NamedTuple

import numpy as np

from intflow.formats.rounding import Overflow, Rounding, code_range
from intflow.kernels import available, load

HALF_EVEN = Rounding.HALF_EVEN
LARGE = 40_001              # elements; several tasks and a vector tail
NOT_THE_RESULT = 85         # what outputs hold before


def backends(*thread_counts):
    """Kernels of this machine's backends, as pytest parameters with names.

    Backends that share the functions of this table (all but the reference do: they differ in
    their products, test_conv.py) appear once, by the name of the first.
    """
    runs, seen = {}, set()
    for name in (name for name, (runs_here, _) in available().items() if runs_here):
        function = load(name, 1).relu
        if getattr(function, "func", function) in seen:
            continue
        seen.add(getattr(function, "func", function))
        for threads in thread_counts if name != "reference" else (1,):
            runs[f"{name}-{threads}"] = load(name, threads)
    return dict(argvalues=list(runs.values()), ids=list(runs))


class Case(NamedTuple):
    """A name, and make(rng) -> list of arguments."""

    name: str
    make: Callable

    def arguments(self):
        """Fresh ones, the same every time."""
        return self.make(np.random.default_rng(len(self.name)))


def codes(rng, dtype, shape):
    """Whole range of a width, with its ends, zeros and small values among them."""
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    x >>= rng.integers(0, info.bits, shape).astype(dtype)
    ends = np.array([info.min, info.max, 0, 1, info.max - 1, info.min + 1], dtype)
    x.reshape(-1)[: len(ends)] = ends[: x.size]
    return x


def empty(shape, dtype):
    """An output that holds something else before."""
    return np.full(shape, NOT_THE_RESULT, dtype)


def _ordered_sums(out, left, right, sizes, tile, bits, product_bits=0, wraps=False):
    """sizes : rows, terms, lanes. A third of the taps meet padding, a third of the codes are 0."""
    rows, terms, lanes = sizes

    def make(rng):
        limits = (code_range(n) if n else (0, 0) for n in (bits, product_bits))
        a, b = codes(rng, left, 900), codes(rng, right, 900 + lanes)
        a[rng.integers(0, 3, 900) == 0] = 0
        a[a == np.iinfo(left).min] = 1
        b[b == np.iinfo(right).min] = 1
        table = np.maximum(rng.integers(-150, 300, (5, 7)), -1)
        at = np.arange(rows) * lanes
        places = [rng.integers(0, 5, rows), *rng.integers(0, 300, (2, rows)), at]
        walk = [rng.integers(0, 7, terms), *rng.integers(0, 300, (2, terms))]
        (lo, hi), product = limits
        return [empty(rows * lanes, out), empty((rows, 2), "i8"), a, b, table,
                np.stack(places, 1), np.stack(walk, 1), lanes, tile, lo, hi, *product, wraps]

    return Case(f"{left}*{right} {out} {sizes} tile {tile} s{bits} {product_bits} {wraps}", make)


def _fit_sums(dtype, size, bits, mode):
    return Case(f"{dtype} {size} s{bits} {mode}", lambda rng: [
        codes(rng, dtype, size), bits, mode])


def _requantize(out, acc, size, rshift, rounding, lo=-127, hi=127):
    def make(rng):
        return [empty(size, out), codes(rng, acc, size), rshift, rounding, lo, hi]

    return Case(f"{acc}-{out} >>{rshift} {rounding!s} {size} {lo}..{hi}", make)


def _requantize_masked(out, acc, size, rshift, lo=-127, hi=127):
    def make(rng):
        return [empty(size, out), empty(size, "u1"), codes(rng, acc, size),
                rshift, HALF_EVEN, lo, hi]

    return Case(f"{acc}-{out} >>{rshift} {size} {lo}..{hi}", make)


def _requantize_drawn(out, acc, size, rshift, bits, lo=-127, hi=127, masked=True):
    def make(rng):
        draws = rng.integers(0, 2**bits, size, np.uint32)
        draws.reshape(-1)[:2] = [0, 2**bits - 1][:draws.size]
        return [empty(size, out), empty(size if masked else 0, "u1"), codes(rng, acc, size),
                rshift, lo, hi, draws, bits]

    return Case(f"{acc}-{out} >>{rshift} {bits} {size} {lo}..{hi} {masked}", make)


def _requantize_packed(out, acc, shape, rshift, relu=True, rounding=HALF_EVEN, lo=-127, hi=127):
    def make(rng):
        passed = empty((1 + relu, *shape[:-1], -(-shape[-1] // 8)), "u1")
        return [empty(shape, out), passed, codes(rng, acc, shape), relu, rshift, rounding, lo, hi]

    return Case(f"{acc}-{out} >>{rshift} {rounding!s} {shape} {relu} {lo}..{hi}", make)


def _requantize_where(out, acc, shape, rshift, masks=2, rounding=HALF_EVEN):
    def make(rng):
        return [empty(shape, out), codes(rng, acc, shape), _bits(rng, (masks, *shape)), rshift,
                rounding, -127, 127]

    return Case(f"{acc}-{out} >>{rshift} {rounding!s} {shape} {masks}", make)


def _max_abs_packed(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [codes(rng, dtype, shape), _bits(rng, shape)])


def _bits(rng, shape):
    """A packed mask of elements of this shape."""
    return np.packbits(rng.integers(0, 2, shape, np.uint8), axis=-1, bitorder="little")


def _relu(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [
        empty(shape, dtype), empty(shape, "u1"), codes(rng, dtype, shape)])


def _apply_mask(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [
        empty(shape, dtype), codes(rng, dtype, shape), rng.integers(0, 2, shape, np.uint8)])


def _add_aligned(out, a, a_lshift, b, b_lshift, size):
    """Half the range of each operand, so that the sum fits where the shifts allow it."""
    def make(rng):
        return [empty(size, out), codes(rng, a, size) >> 1, a_lshift,
                codes(rng, b, size) >> 1, b_lshift]

    return Case(f"{a}<<{a_lshift} {b}<<{b_lshift} {out} {size}", make)


def _output(size, kernel_size, stride, padding):
    h, w, *rest = size
    top, bottom, left, right = padding
    return ((h + top + bottom - kernel_size[0]) // stride[0] + 1,
            (w + left + right - kernel_size[1]) // stride[1] + 1, *rest)


def _max_pool2d(dtype, size, kernel_size, stride, padding=(0, 0, 0, 0), winner="u1"):
    def make(rng):
        shape = _output(size, kernel_size, stride, padding)
        x = rng.integers(-3, 4, size).astype(dtype)              # many equal maxima; u1: 253..3
        x[0, 0] = codes(rng, dtype, size[2:])
        return [empty(shape, dtype), empty(shape, winner), x, kernel_size, stride, padding]

    return Case(f"{dtype} {size} {kernel_size} {stride} {padding} {winner}", make)


def _max_pool2d_backward(dtype, out, size, kernel_size, stride, padding=(0, 0, 0, 0)):
    def make(rng):
        shape = _output(size, kernel_size, stride, padding)
        winner = rng.integers(0, kernel_size[0] * kernel_size[1], shape, np.uint8)
        e = rng.integers(-30, 31, shape).astype(dtype)
        return [empty(size, out), e, winner, kernel_size, stride, padding]

    return Case(f"{dtype}-{out} {size} {kernel_size} {stride} {padding}", make)


def _avg_pool2d(dtype, size, kernel_size, stride, padding=(0, 0, 0, 0), lshift=0, out=None):
    def make(rng):
        shape = _output(size, kernel_size, stride, padding)
        return [empty(shape, out or dtype), codes(rng, dtype, size), kernel_size, stride, padding,
                lshift]

    return Case(f"{dtype}-{out} {size} {kernel_size} {stride} {padding} <<{lshift}", make)


def _avg_pool2d_backward(dtype, out, size, kernel_size, stride, lshift, padding=(0, 0, 0, 0)):
    def make(rng):
        shape = _output(size, kernel_size, stride, padding)
        return [empty(size, out), codes(rng, dtype, shape), kernel_size, stride, padding, lshift]

    return Case(f"{dtype}-{out} {size} {kernel_size} {stride} {padding} <<{lshift}", make)


def _local_response_norm(out, x, shape, size, rshift):
    """A table that falls along its rows, for every leading bit from 20."""
    def make(rng):
        table = np.sort(rng.integers(0, 1 << 20, (43, 257)))[:, ::-1].astype(np.int32)
        return [empty(shape, out), codes(rng, x, shape), table, size, 52429, rshift,
                (1 << 20) + 12345, 20]

    return Case(f"{x}-{out} {shape} {size} >>{rshift}", make)


def _scale_channels(out, x, shape, bits):
    """Factors of `bits` bits and offsets such that the results fit out, and just so."""
    def make(rng):
        largest = int(np.iinfo(x).max) + 1
        room = np.iinfo(out).max - (largest << bits)
        a, b = (rng.integers(-top, top + 1, shape[-1]).astype(out) for top in (1 << bits, room))
        return [empty(shape, out), codes(rng, x, shape), a, b]

    return Case(f"{x}-{out} {shape} {bits}", make)


def _of_one(dtype, size, *others):
    return Case(f"{dtype} {size} {others}", lambda rng: [codes(rng, dtype, size), *others])


def _random_u32(n, seed, purpose, step, tensor, first):
    return Case(f"{n} {seed} {purpose} {step} {tensor} {first}", lambda rng: [
        empty(n, "u4"), seed, purpose, step, tensor, first])


def _update(w, g, size, p, q, rshift, limit, recorded=True):
    def make(rng):
        master = rng.integers(-limit, limit + 1, size).astype(w)
        gradient = codes(rng, g, size)
        if g == "i8":
            gradient >>= 22
        return [master, np.zeros(size if recorded else 0, np.int32), gradient, p, q, rshift,
                -limit, limit, 2**64 - 3, 17, 5]

    return Case(f"{w} {g} {size} {p}/{q} >>{rshift} {'with' if recorded else 'no'} record", make)


def _rounded_update(w, g, size, p, q, rshift, rounding, limit, recorded=True):
    """The arguments of the stochastic update, a rounding in place of the stream."""
    def make(rng):
        arguments = _update(w, g, size, p, q, rshift, limit, recorded).make(rng)
        return [*arguments[:6], rounding, -limit, limit]

    return Case(f"{w} {g} {size} {p}/{q} >>{rshift} {rounding!s} {recorded}", make)


def _drawn_update(w, g, size, p, q, rshift, bits, limit, recorded=True):
    def make(rng):
        arguments = _update(w, g, size, p, q, rshift, limit, recorded).make(rng)
        draws = rng.integers(0, 2**bits, size, np.uint32)
        draws.reshape(-1)[:2] = [0, 2**bits - 1][:draws.size]
        return [*arguments[:8], draws, bits]

    return Case(f"{w} {g} {size} {p}/{q} >>{rshift} {bits} {recorded}", make)


def _shift_register(n, width, lanes, bits):
    """Any linear map at all: a register is one of them."""
    def make(rng):
        states, tick = (rng.integers(0, 2**64 - 1, size, np.uint64, endpoint=True) >>
                        np.uint64(64 - width) for size in (lanes, width))
        return [empty(n, "u4"), states, tick, bits]

    return Case(f"{n} {width} {lanes} {bits}", make)


def _encode(dtype, shape, largest):
    def make(rng):
        n, c, h, w = shape
        table = rng.integers(-largest, largest + 1, 256).astype(np.int16)
        return [empty((h, w, n, c), dtype), rng.integers(0, 256, shape, np.uint8), table]

    return Case(f"{dtype} {shape}", make)


def _centre(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [
        empty((*shape[2:], *shape[:2]), dtype), rng.integers(0, 256, shape, np.uint8),
        rng.integers(0, 256, shape[1], np.int16)])


def _resize(shape, size):
    return Case(f"{shape} to {size}", lambda rng: [
        empty((*shape[:2], *size), "u1"), rng.integers(0, 256, shape, np.uint8)])


def _minifloat_forward(x, size, kernel, stride, padding, dilation, groups, rshift):
    def make(rng):
        height, width, images, inputs, outputs = size
        shape = (*kernel, inputs // groups, outputs)
        reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
        oh, ow, *_ = _output((height, width), reach, stride, padding)
        return [empty((oh, ow, images, outputs), "i8"),
                rng.integers(-100, 101, (height, width, images, inputs)).astype(x),
                rng.integers(-15, 16, shape).astype(np.int16),
                rng.integers(0, 15, shape).astype(np.uint8), rshift,
                stride, padding, dilation, groups]

    return Case(f"{x} {size} {kernel} {stride} {padding} {dilation} {groups} >>{rshift}", make)


def _combine_planes(out, planes, rows, outputs, count, groups, rshift=7):
    def make(rng):
        shape = rows, count * outputs
        return [empty((rows, outputs), out), rng.integers(-9999, 9999, shape).astype(planes),
                groups, rshift]

    return Case(f"{planes}-{out} {rows} {outputs} x{count} /{groups} <<{rshift}", make)


S32 = -2**31, 2**31 - 1
DETERMINISTIC = [r for r in Rounding if r != Rounding.STOCHASTIC]
RIM = 1, 1, 1, 1                        # padding
CASES = {
    "requantize": [
        *(_requantize("i1", "i4", 1001, n, HALF_EVEN)
          for n in (-40, -31, -3, 0, 1, 8, 24, 25, 30, 31, 32, 33, 34, 60)),
        *(_requantize("i1", "i4", 333, n, r) for r in DETERMINISTIC for n in (7, 31, 32, 40)),
        *(_requantize("i4", "i4", 333, n, r, *S32) for r in DETERMINISTIC for n in (-31, -1, 1)),
        *(_requantize("i1", "i8", 333, n, r) for r in DETERMINISTIC
          for n in (1, 40, 62, 63, 64, 65, 66, 99)),
        _requantize("i1", "i8", 333, -70, HALF_EVEN),
        _requantize("i4", "i8", 333, -31, HALF_EVEN, *S32),
        *(_requantize("i1", "i4", 100, n, HALF_EVEN, lo, hi) for n in (-40, 5, 40)
          for lo, hi in ((3, 9), (-9, -3), (0, 0))),
        _requantize("i1", "i1", 100, 6, HALF_EVEN, -1, 1),
        _requantize("i2", "i4", (3, 5, 2, 7), 9, HALF_EVEN, -32767, 32767),
        *(_requantize("i1", "i4", size, 9, HALF_EVEN) for size in (0, 1, LARGE)),
        _requantize("i1", "i4", LARGE, -2, HALF_EVEN),
        _requantize("i1", "i4", LARGE, 9, Rounding.JAM),
        *(_requantize("u1", "i4", 333, n, HALF_EVEN, 0, 255) for n in (-20, 0, 24, 31, 40)),
        _requantize("u1", "i8", 333, 40, HALF_EVEN, 0, 255),
        _requantize("i4", "u1", 333, -9, HALF_EVEN, *S32),
    ],
    "requantize_masked": [
        *(_requantize_masked("i1", "i4", 1001, n)
          for n in (-70, -33, -31, -2, 0, 1, 9, 24, 25, 31, 32, 50)),
        *(_requantize_masked("i1", "i4", 101, n, lo, hi) for n in (-40, -2, 3, 31, 33)
          for lo, hi in ((0, 127), (3, 5), (-9, -2), (0, 0))),
        *(_requantize_masked("i4", "i4", 101, n, *S32) for n in (-40, 2)),
        _requantize_masked("i1", "i8", 101, 40),
        _requantize_masked("i1", "i4", (2, 3, 4, 5), 7),
        _requantize_masked("i1", "i4", LARGE, 9),
        *(_requantize_masked("u1", acc, 333, n, 0, 255) for acc, n in (("i4", 22), ("i8", 54))),
    ],
    "requantize_drawn": [
        *(_requantize_drawn("i1", "i4", 1001, n, bits) for n in (1, 9, 31, 34) for bits in (1, 8, 32)),
        *(_requantize_drawn("i1", "i8", 333, n, 32) for n in (1, 40, 62, 63, 64, 95, 99, 200)),
        *(_requantize_drawn("i1", "i4", 101, n, 8, lo, hi) for n in (3, 33)
          for lo, hi in ((0, 127), (3, 5), (-9, -2), (0, 0))),
        _requantize_drawn("i4", "i8", 333, 1, 3, *S32),
        _requantize_drawn("i1", "i1", (3, 4, 5), 6, 32, -1, 1, masked=False),
        *(_requantize_drawn("i1", "i4", size, 9, 8) for size in (0, LARGE)),
    ],
    "requantize_packed": [
        *(_requantize_packed("i1", "i4", (3, 5, c), n, relu)
          for c, n, relu in ((8, 3, True), (13, 9, False), (5, 0, True), (16, -2, True), (9, 31, True))),
        *(_requantize_packed("i1", "i4", (70, 16), 7, True, how)
          for how in (Rounding.HALF_UP, Rounding.HALF_AWAY, Rounding.JAM, Rounding.FLOOR)),
        _requantize_packed("i1", "i4", (7, 8), 3, False, HALF_EVEN, 3, 5),
        _requantize_packed("i1", "i8", (3, 4, 2, 24), 40),
        *(_requantize_packed("i1", "i4", shape, 9) for shape in ((0, 8), (400, 104), (400, 101))),
    ],
    "requantize_where": [
        *(_requantize_where("i1", "i4", (3, 5, c), n, masks)
          for c, n, masks in ((8, 3, 1), (13, 9, 2), (16, -2, 2), (9, 40, 1))),
        _requantize_where("i1", "i4", (70, 16), 7, 2, Rounding.JAM),
        _requantize_where("i1", "i8", (3, 4, 2, 24), 40),
        *(_requantize_where("i1", "i4", shape, 9) for shape in ((0, 8), (400, 104), (400, 101))),
    ],
    "max_abs_packed": [
        *(_max_abs_packed("i4", shape) for shape in ((0, 8), (3, 5, 13), (400, 104), (400, 101))),
        _max_abs_packed("i8", (9, 16)),
    ],
    "relu": [
        _relu("i1", 70), _relu("u1", 70), *(_relu("i4", shape) for shape in (0, 1001, (3, 2, 5, 7), LARGE)),
    ],
    "apply_mask": [
        _apply_mask("i4", (3, 2, 5, 7)), *(_apply_mask("i1", size) for size in (0, 1001, LARGE)),
    ],
    "add_aligned": [
        _add_aligned("i4", "i4", 0, "i4", 0, 1001),
        _add_aligned("i4", "i1", 20, "i4", 0, 333),
        _add_aligned("i4", "u1", 20, "i4", 0, 333),
        _add_aligned("i8", "i4", 27, "i4", 3, 333),
        _add_aligned("i8", "i4", 0, "i1", 54, 333),
        _add_aligned("i4", "i4", 0, "i4", 0, LARGE),
    ],
    "ordered_sums": [
        *(_ordered_sums("i4", "i1", "i1", (5, 1100, 13), tile, 12) for tile in (1, 3, 8, 1030, 9999)),
        *(_ordered_sums("i4", "i1", "i2", (3, 60, 33), tile, 16, 11, wraps)
          for tile in (1, 7) for wraps in (False, True)),
        *(_ordered_sums("i8", "i2", "i2", (4, 90, 10), tile, 33) for tile in (1, 16, 99)),
        _ordered_sums("i4", "i1", "i1", (1, 1, 1), 1, 8),
        _ordered_sums("i4", "i1", "i1", (40, 100, 32), 1, 14),          # several tasks
        _ordered_sums("i8", "i1", "i1", (40, 100, 32), 5, 14, 10),
    ],
    "fit_sums": [
        *(_fit_sums(dtype, 1001, bits, mode) for mode in Overflow
          for dtype, bits in (("i4", 8), ("i4", 31), ("i4", 32), ("i8", 20), ("i8", 64))),
        *(_fit_sums("i4", size, 16, Overflow.SATURATE) for size in (0, 1, (3, 2, 5, 7), LARGE)),
        _fit_sums("i8", LARGE, 33, Overflow.WRAP),
    ],
    "scale_channels": [
        _scale_channels("i4", "i2", (3, 2, 5, 7), 3), _scale_channels("i4", "i1", (333, 5), 20),
        _scale_channels("i4", "u1", (333, 5), 20), _scale_channels("i8", "i4", (37, 40), 28),
        _scale_channels("i8", "i4", (2, 3, 40, 171), 15), _scale_channels("i4", "i2", (0, 3), 9),
    ],
    "local_response_norm": [
        _local_response_norm("i4", "u1", (3, 2, 5, 7), 5, 26), _local_response_norm("i8", "i2", (333, 13), 5, 30),
        _local_response_norm("i8", "i2", (4, 5, 7, 150), 4, 0), _local_response_norm("i4", "i1", (9, 2), 7, 62),
        _local_response_norm("i4", "i1", (0, 3), 1, 5),
    ],
    "max_pool2d": [
        _max_pool2d("i4", (6, 8, 3, 7), (2, 2), (2, 2)),
        _max_pool2d("i4", (7, 9, 2, 5), (3, 3), (2, 2)),
        _max_pool2d("i4", (5, 5, 2, 3), (3, 3), (1, 1), RIM),
        _max_pool2d("i4", (5, 6, 2, 3), (3, 2), (1, 3), (2, 0, 1, 1)),
        _max_pool2d("i4", (5, 6, 1, 2), (5, 6), (1, 1)),
        _max_pool2d("i4", (4, 5, 1, 1), (1, 1), (2, 3)),
        _max_pool2d("i4", (18, 17, 1, 2), (18, 17), (1, 1), winner="u2"),
        _max_pool2d("i1", (6, 6, 3, 40), (2, 2), (2, 2)),
        _max_pool2d("u1", (6, 6, 3, 40), (3, 3), (2, 2), RIM),
        _max_pool2d("i4", (5, 3, 50, 90), (3, 3), (2, 2)),
    ],
    "max_pool2d_backward": [
        _max_pool2d_backward("i1", "i1", (6, 8, 3, 7), (2, 2), (2, 2)),
        _max_pool2d_backward("i1", "i2", (7, 9, 2, 5), (3, 3), (2, 2)),
        _max_pool2d_backward("i1", "i2", (5, 6, 2, 3), (3, 2), (1, 3), (2, 0, 1, 1)),
        _max_pool2d_backward("i1", "i1", (7, 8, 2, 3), (2, 2), (3, 3)),
        _max_pool2d_backward("i1", "i1", (4, 4, 50, 90), (2, 2), (2, 2)),
    ],
    "avg_pool2d": [
        _avg_pool2d("i1", (6, 8, 3, 7), (2, 2), (2, 2)),
        _avg_pool2d("u1", (6, 8, 3, 7), (3, 2), (2, 2)),
        _avg_pool2d("i4", (7, 7, 2, 5), (7, 7), (1, 1)),
        _avg_pool2d("i4", (7, 9, 2, 5), (3, 3), (2, 2)),
        _avg_pool2d("i4", (4, 3, 50, 90), (3, 2), (1, 1)),
        _avg_pool2d("u1", (7, 7, 2, 5), (7, 7), (1, 1), lshift=6, out="u2"),
        _avg_pool2d("i4", (5, 6, 2, 3), (3, 3), (2, 1), (1, 1, 1, 2)),
    ],
    "avg_pool2d_backward": [
        _avg_pool2d_backward("i1", "i4", (6, 8, 3, 7), (2, 2), (2, 2), 10),
        _avg_pool2d_backward("i1", "i4", (7, 7, 2, 5), (7, 7), (1, 1), 14),
        _avg_pool2d_backward("i1", "i4", (7, 9, 2, 5), (3, 3), (2, 2), 12),
        _avg_pool2d_backward("i1", "i4", (7, 8, 2, 3), (2, 2), (3, 3), 0),
        _avg_pool2d_backward("i1", "i4", (5, 5, 50, 90), (3, 2), (1, 1), 11),
        _avg_pool2d_backward("i1", "i4", (5, 6, 2, 3), (3, 3), (2, 1), 9, (1, 1, 1, 2)),
    ],
    "max_abs": [
        _of_one("i1", 300), _of_one("u1", 300), _of_one("i2", 77), _of_one("i8", 333),
        *(_of_one("i4", size) for size in (0, 1, 1001, LARGE)),
    ],
    "sum_squares": [
        _of_one("i1", 300), _of_one("i4", 1001), _of_one("i8", 333), _of_one("i8", 0),
    ],
    "count_outside": [
        *(_of_one("i1", 1001, lo, hi) for lo, hi in
          ((-126, 126), (-128, 127), (-999, 5), (6, 2**70), (200, 300), (5, 3))),
        _of_one("i4", LARGE, -2**30, 100),
    ],
    "minifloat_forward": [
        _minifloat_forward("i1", (5, 4, 3, 6, 4), (3, 2), (1, 1), RIM, (1, 1), 2, 0),
        _minifloat_forward("u1", (6, 5, 2, 3, 7), (2, 2), (2, 1), (0, 1, 1, 0), (2, 1), 1, 9),
        _minifloat_forward("i2", (1, 1, 9, 20, 33), (1, 1), (1, 1), (0,) * 4, (1, 1), 1, 3),
        _minifloat_forward("i1", (6, 6, 5, 16, 24), (3, 3), (1, 1), RIM, (1, 1), 1, 0),
    ],
    "combine_planes": [
        _combine_planes("i8", "i4", 37, 12, 3, 2), _combine_planes("i4", "i4", 5, 3, 1, 1),
        _combine_planes("i4", "i4", 9, 10, 2, 5, 3), _combine_planes("i8", "i8", 7, 6, 4, 1, 11),
        _combine_planes("i8", "i4", 900, 24, 3, 1),
    ],
    "random_u32": [
        _random_u32(1, 0, 0, 0, 0, 0),
        _random_u32(5000, 2**64 - 1, "update", 2**32 - 1, 2**32 - 1, 0),
        _random_u32(700, 1, 3, 4, 5, 900),
        _random_u32(0, 1, "init", 2, 3, 4),
        _random_u32(3000, 7, 6, 5, 4, 2**34 - 3000),
    ],
    "stochastic_update": [
        *(_update("i1", "i4", 3001, 1, 1, n, 64) for n in (0, 1, 17, 31)),
        *(_update("i1", "i4", 700, p, q, n, 64) for p, q, n in
          ((1, 1, 32), (1, 1, 33), (1, 1, 50), (3, 1, 20), (1, 3, 20), (5, 7, 31), (3, 5, 45))),
        *(_update("i1", "i8", 700, p, q, n, 64)
          for p, q, n in ((1, 1, 12), (1, 1, 40), (3, 7, 25))),
        _update("i1", "i4", 1024, 1, 1, 9, 127, recorded=False),
        _update("i2", "i4", 1025, 1, 1, 12, 32767),
        _update("i4", "i4", 700, 1, 1, 1, 2**31 - 1),
        _update("i1", "i4", 0, 1, 1, 9, 64),
        _update("i1", "i4", LARGE, 1, 1, 19, 64),
    ],
    "rounded_update": [
        *(_rounded_update("i1", "i4", 333, 1, 1, n, r, 64) for r in DETERMINISTIC
          for n in (0, 1, 17, 40)),
        *(_rounded_update("i1", "i4", 333, p, q, n, r, 64) for r in DETERMINISTIC
          if r != Rounding.GEMMLOWP for p, q, n in ((3, 1, 20), (1, 3, 0), (5, 7, 18), (3, 5, 45))),
        *(_rounded_update("i1", "i8", 333, 3, q, 25, HALF_EVEN, 64) for q in (1, 7)),
        _rounded_update("i2", "i4", (2, 3, 5, 7), 1, 1, 12, HALF_EVEN, 32767),
        _rounded_update("i1", "i4", 1024, 1, 1, 9, Rounding.JAM, 127, recorded=False),
        *(_rounded_update("i1", "i4", size, 1, 1, 19, HALF_EVEN, 64) for size in (0, LARGE)),
    ],
    "drawn_update": [
        *(_drawn_update("i1", "i4", 700, p, q, n, bits, 64) for bits in (1, 8, 32)
          for p, q, n in ((1, 1, 0), (1, 1, 5), (1, 1, 31), (3, 1, 50), (5, 7, 18))),
        *(_drawn_update("i1", "i8", 333, 3, q, 25, 16, 64) for q in (1, 7)),
        _drawn_update("i2", "i4", (2, 3, 5, 7), 1, 1, 12, 8, 32767),
        _drawn_update("i1", "i4", 1024, 1, 1, 9, 16, 127, recorded=False),
        *(_drawn_update("i1", "i4", size, 1, 1, 19, 12, 64) for size in (0, LARGE)),
    ],
    "shift_register": [
        *(_shift_register(n, width, lanes, bits) for n, width, lanes, bits in (
            (300, 16, 1, 8), (301, 64, 3, 32), (100, 2, 7, 1), (257, 33, 1, 32), (5, 9, 8, 9),
            (0, 24, 1, 8))),
    ],
    "encode_images": [
        _encode("i1", (3, 2, 5, 40), 127), _encode("i2", (2, 3, 7, 70), 32767),
        _encode("i1", (1, 1, 1, 1), 127),
    ],
    "centre_images": [
        _centre("i2", (3, 3, 5, 40)), _centre("i4", (2, 2, 7, 70)), _centre("i2", (1, 1, 1, 1)),
    ],
    "resize_bilinear": [
        _resize((2, 3, 9, 13), size) for size in ((9, 13), (1, 1), (20, 7), (5, 31), (40, 40))
    ],
}
