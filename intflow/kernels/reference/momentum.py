"""The update with momentum: three roundings, each by random numbers of its own."""

import numpy as np

from ...errors import RangeError, ShapeError
from .primitives import check_between, check_clip, clip, exact, same_shape, shift_left, store
from .update import random_below

GROUP = 1024


def momentum_update(w, v, update, g, gain, loss, decay, finer, lo, hi, limit, seed, step, tensor):
    """v = clip(v - v * loss + g * gain + w * decay, -limit, limit), then w = clip(w - v / 2**finer).

    Every product is rounded stochastically for itself: for (p, q, rshift), x = |a| * p,
    D = q * 2**rshift (rshift < 0: x = |a| * p * 2**-rshift, D = q) and R uniform in [0, D), as in
    `stochastic_update`,

        sign(a) * ((x + R) // D)

    Parameters
    ----------
    w : s8, s16 or s32, any shape. Updated in place.
    v : s32, the shape of w; one unit of w is 2**finer units of v. Updated in place.
    update : s32, the shape of w, receives the rounded v / 2**finer; or length 0: not recorded.
    g : s32 or s64, the shape of w.
    gain, loss, decay : (p, q, rshift), p >= 0, q >= 1; |a| * p * 2**max(-rshift, 0) + D < 2**63.
        p = 0 leaves the product out.
    finer : int in 0..30.
    lo, hi : int, of w's width. limit : int below 2**31.
    seed, step, tensor : see random_streams. With n = the size of w rounded up to 1024, element i
        of w takes elements i, n + i and 2n + i of the purpose "momentum" for g, v and w, and
        element i of "update" for the last rounding.

    Exactness
    ---------
    As `stochastic_update`: the mean of a rounding is exact where D is a power of two to 2**32.

    Examples
    --------
    w = 10, v = 16, g = 8, gain = 1, loss = 1/8, decay = 0, finer = 2: v = 16 - 2 + 8 = 22, and
    w - 5.5 is 5 or 4, each half of the time.
    """
    name = "momentum_update"
    same_shape(name, w, v, g)
    if update.size and update.shape != w.shape:
        raise ShapeError(f"{name}: update has shape {update.shape}, weights have {w.shape}")
    check_clip(name, lo, hi, w.dtype)
    check_between(name, "finer", finer, 0, 30)
    check_between(name, "limit", limit, 0, (1 << 31) - 1)
    padded = -(-w.size // GROUP) * GROUP
    streams = [(seed, step, tensor, "momentum", i * padded) for i in range(3)]
    total = v.astype(object) + _drawn(g, *gain, streams[0]) - _drawn(v, *loss, streams[1])
    total = total + _drawn(w, *decay, streams[2])
    store(name, v, clip(total, -limit, limit))
    d = _drawn(v, 1, 1, finer, (seed, step, tensor, "update", 0))
    if update.size:
        store(name, update, d)
    store(name, w, clip(exact(w, 1) - d, lo, hi))


def _drawn(a, p, q, rshift, stream):
    """a * p / D, rounded by a stream."""
    if p < 0 or q < 1:
        raise RangeError(f"momentum_update expects p >= 0 and q >= 1, got {p}, {q}")
    divisor = q << max(rshift, 0)
    x = shift_left(abs(exact(a, p.bit_length())) * p, max(-rshift, 0))
    largest = int(x.max()) if x.size else 0
    check_between("momentum_update", "|a| * p + D", largest + divisor, 0, (1 << 63) - 1)
    random = random_below(divisor, a.size, *stream).reshape(a.shape)
    return np.sign(a).astype(object) * ((x.astype(np.int64) + random) // divisor)
