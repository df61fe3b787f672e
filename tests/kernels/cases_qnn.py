"""Cases of the kernels of QNN: shift batch norm, shift AdaMax, powers of two; see cases.py."""

import numpy as np

from kernels.cases import LARGE, Case, codes, empty

SHAPES = (1, 1), (3, 70), (4, 3, 2, 33), (700, 33)


def _input(rng, dtype, shape, bits):
    """(x of so many bits, its mean about, both as a layer would have them)."""
    x = codes(rng, dtype, shape) >> (8 * np.dtype(dtype).itemsize - bits)
    return x, rng.integers(-2**bits, 2**bits, shape[-1])


def _sums(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [codes(rng, dtype, shape), shape[-1]])


def _moments(dtype, shape, lshift, bits=20):
    return Case(f"{dtype} {shape} {lshift} {bits}", lambda rng: [
        *_input(rng, dtype, shape, bits), lshift])


def _norm(dtype, shape, lshift, limit, bits=20):
    def make(rng):
        x, mean = _input(rng, dtype, shape, bits)
        bias, rshift = rng.integers(-999, 999, shape[-1]), rng.integers(-8, 20, shape[-1])
        return [empty(shape, "i4"), x, mean, bias, rshift, lshift, limit]

    return Case(f"{dtype} {shape} {lshift} {limit} {bits}", make)


def _error_sums(e, x, shape, lshift, bits=18):
    return Case(f"{e} {x} {shape} {lshift} {bits}", lambda rng: [
        codes(rng, e, shape) >> max(0, 8 * np.dtype(e).itemsize - 20), *_input(rng, x, shape, bits),
        lshift])


def _error(e, x, shape, lshift, bits=18):
    """Shifts such that the projection has about the size of the error."""
    def make(rng):
        error = codes(rng, e, shape) >> max(0, 8 * np.dtype(e).itemsize - 20)
        x_, mean = _input(rng, x, shape, bits)
        channels = shape[-1]
        mean_e, factor = rng.integers(-2**20, 2**20, channels), rng.integers(-2**36, 2**36, channels)
        rshift, raised = rng.integers(36, 60, channels), rng.integers(-24, 2, channels)
        return [empty(shape, "i4"), error, x_, mean, mean_e, factor, rshift, raised, lshift, 4]

    return Case(f"{e} {x} {shape} {lshift} {bits}", make)


def _adamax(w, g, size, align, rshift, overwrites=False, limit=4096):
    def make(rng):
        master = rng.integers(-limit, limit + 1, size).astype(w)
        v = rng.integers(0, 2**30, size).astype(np.int32)
        v[: size // 3] = 0
        m = rng.integers(-v, v, endpoint=True).astype(np.int32)
        gradient = codes(rng, g, size)
        gradient[: size // 5] = 0
        if align < 0:
            gradient >>= 8 * gradient.itemsize - 30 if g == "i8" else 0
        return [master, np.zeros(size, np.int32), m, v, gradient, align, rshift, overwrites, -limit,
                limit]

    return Case(f"{w} {g} {size} {align} {rshift} {overwrites}", make)


def _power(out, x, size, rshift, largest):
    return Case(f"{x}-{out} {size} {rshift} {largest}", lambda rng: [
        empty(size, out), codes(rng, x, size), rshift, largest])


CASES = {
    "shift_norm_sums": [_sums(dtype, shape) for dtype, shape in zip(("i4", "i4", "i1", "i4"), SHAPES)],
    "shift_norm_moments": [
        *(_moments("i4", shape, 4) for shape in SHAPES), _moments("i4", (9, 70), -3, 24),
    ],
    "shift_norm": [
        *(_norm("i4", shape, 4, 2**23 - 1) for shape in SHAPES), _norm("i4", (9, 70), -3, 1000, 30),
    ],
    "shift_norm_error_sums": [
        *(_error_sums("i4", "i4", shape, 4) for shape in SHAPES),
        _error_sums("i2", "i4", (9, 70), -3, 24),
    ],
    "shift_norm_error": [
        *(_error("i4", "i4", shape, 4) for shape in SHAPES), _error("i2", "i4", (9, 70), -3, 24),
    ],
    "adamax_update": [
        *(_adamax("i2", "i4", size, 3, -11) for size in (1, 333, LARGE)),
        _adamax("i2", "i4", 333, -7, -8, True), _adamax("i4", "i8", 333, 30, 4, True, 2**23 - 1),
        _adamax("i4", "i8", 333, -20, -10), _adamax("i2", "i4", 0, 3, -11),
    ],
    "requantize_to_power": [
        _power("i1", "i4", 1001, 5, 6), _power("i2", "i2", 333, -2, 14), _power("i1", "i4", LARGE, 20, 0),
        _power("i1", "i4", 0, 1, 2),
    ],
}
