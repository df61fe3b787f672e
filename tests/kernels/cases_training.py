"""Cases of the kernels that training with batch norms and momentum takes; see cases.py."""

import numpy as np

from kernels.cases import DETERMINISTIC, HALF_EVEN, LARGE, Case, codes, empty


def _channel_sums(a, b, shape, block, bits=31):
    """bits : most of a code, sign included; b None for a's squares."""
    def make(rng):
        x, y = (codes(rng, dtype, shape) for dtype in (a, b or a))
        x, y = (v >> max(0, 8 * v.itemsize - bits) for v in (x, y))
        return [empty((3, shape[-1]), "i8"), x, y if b else x, block]

    return Case(f"{a}*{b} {shape} {block} {bits}", make)


def _combine_channels(out, a, b, shape, bits, limit):
    """bits : of the multipliers; b None for one term."""
    def make(rng):
        channels = shape[-1]
        p, q = (rng.integers(-2**bits, 2**bits, channels, endpoint=True) for _ in range(2))
        r = rng.integers(-2**61, 2**61, channels)
        x = codes(rng, a, shape)
        y = codes(rng, b, shape) if b else np.empty(0, np.int64)
        return [empty(shape, out), x, p, y, q, r, rng.integers(0, 64, channels), -limit, limit]

    return Case(f"{out} {a}*{b} {shape} {bits} {limit}", make)


def _momentum(w, g, size, gain, loss, decay, finer=8, limit=16384, recorded=True, seed=2**64 - 3):
    def make(rng):
        master = rng.integers(-limit, limit + 1, size).astype(w)
        velocity = rng.integers(-2**22, 2**22, size).astype(np.int32)
        velocity.reshape(-1)[:2] = [2**30, -2**30][:velocity.size]
        gradient = codes(rng, g, size)
        if g == "i8":
            gradient >>= 22
        return [master, velocity, np.zeros(size if recorded else 0, np.int32), gradient, gain, loss,
                decay, finer, -limit, limit, 2**30, seed, 17, 5]

    return Case(f"{w} {g} {size} {gain} {loss} {decay} {finer} {recorded}", make)


def _levels(out, x, size, lo, hi, p, rshift, rounding, least, most, masked=True):
    def make(rng):
        acc = codes(rng, x, size)
        near = rng.integers(lo - 2, hi + 3, size).astype(acc.dtype)
        acc = np.where(rng.integers(0, 3, size) > 0, near, acc)
        return [empty(size, out), empty(size if masked else 0, "u1"), acc, lo, hi, p, rshift,
                rounding, least, most]

    return Case(f"{x}-{out} {size} {lo}..{hi} *{p}>>{rshift} {rounding!s} {masked}", make)


EIGHTH, NONE = (1, 1, 3), (0, 1, 0)

CASES = {
    "channel_sums": [
        *(_channel_sums("i4", None, shape, 2) for shape in ((3, 5, 7, 9), (1, 1), (700, 33))),
        _channel_sums("i4", None, (50, 40, 20, 3), 64, 20), _channel_sums("u1", None, (9, 70), 1 << 20),
        _channel_sums("i2", "i4", (11, 2, 3, 16), 1 << 14), _channel_sums("i4", "i1", (40, 1), 7),
    ],
    "combine_channels": [
        *(_combine_channels("i4", a, b, (5, 7, 3, 9), 28, 2**31 - 1)
          for a, b in (("i4", None), ("i2", "i4"), ("i4", "i4"))),
        _combine_channels("i4", "i4", "i4", (70, 25, 24), 28, 2**27 - 1),
        _combine_channels("i4", "u1", None, (1, 1), 40, 100),
    ],
    "momentum_update": [
        *(_momentum("i2", "i4", 3001, (p, q, n), EIGHTH, NONE)
          for p, q, n in ((1, 1, 12), (1, 1, -5), (7, 3, 20), (1, 1, 50), (0, 1, 0))),
        _momentum("i2", "i8", (3, 3, 50, 7), (15, 1, 23), (1, 5, 1), (1, 625, 2)),
        _momentum("i2", "i2", 1024, (1, 1, 3), EIGHTH, (1, 1, 13), recorded=False),
        _momentum("i4", "i8", 40, (1, 1, 30), EIGHTH, NONE, limit=2**30 - 1, seed=0),
        _momentum("i1", "i4", 700, (1, 1, 12), NONE, NONE, finer=0, limit=127),
        *(_momentum("i2", "i4", n, (1, 1, 20), EIGHTH, (1, 1, 13)) for n in (0, LARGE)),
    ],
    "requantize_levels": [
        *(_levels("u1", "i4", 333, 0, 4096, 15, 12, r, 0, 15)
          for r in DETERMINISTIC),
        _levels("i1", "i2", (3, 5, 7), -16384, 16384, 7, 14, HALF_EVEN, -7, 7),
        _levels("i1", "i2", 1000, -16384, 16384, 1, 14, HALF_EVEN, -1, 1, masked=False),
        _levels("u1", "i8", 1000, 0, 2**40, 255, 40, HALF_EVEN, 0, 255),
        _levels("u1", "u1", 1000, 0, 32, 255, 5, HALF_EVEN, 0, 255),
        _levels("u1", "u1", 300, 0, 15, 1, 0, HALF_EVEN, 0, 15),
        *(_levels("u1", "i4", n, 0, 2**27, 3, 27, HALF_EVEN, 0, 3) for n in (0, LARGE)),
    ],
}
