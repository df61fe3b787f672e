"""The weight update: a gradient, stochastically rounded to steps of the weight."""

import numpy as np

from ...errors import RangeError, ShapeError
from .primitives import (
    check_between, check_clip, clip, exact, same_shape, shift_left, store,
)
from .random import random_u32


def stochastic_update(w, update, g, p, q, rshift, lo, hi, seed, step, tensor):
    """w = clip(w - d, lo, hi), d = g * p / D stochastically rounded.  [WAGE Q_G, update]

    With x = |g| * p and D = q * 2**rshift (rshift < 0: x = |g| * p * 2**-rshift, D = q),
    r the element of random_u32(seed, "update", step, tensor) and
    t = max(0, bit_length(D - 1) - 32):

        R = ((r * (D >> t)) >> 32) << t             uniform in [0, D), 32 random bits
        d = sign(g) * ((x + R) // D)

    Parameters
    ----------
    w : s8, s16 or s32, any shape. Updated in place.
    update : s32, the shape of w, receives d before clipping; or length 0: not recorded.
    g : s32 or s64, the shape of w.
    p, q : int >= 1; the rate's odd parts.
    rshift : int. x + D < 2**63.
    lo, hi : int, of w's width.
    seed, step, tensor : see random_streams. The element's index is its flat one in memory.

    Exactness
    ---------
    Where q = 1 and rshift <= 32, R = r >> (32 - rshift) is exactly uniform and so E[d] is
    exactly g * p / D. Otherwise R misses uniform by less than D * 2**-32.

    Raises
    ------
    RangeError : d does not fit the recorded s32, x + D >= 2**63, p or q < 1.

    Examples
    --------
    g = -5, p = q = 1, rshift = 2 (-1.25): d = -1 for r < 3 * 2**30, else -2.
    """
    name = "stochastic_update"
    same_shape(name, w, g)
    if update.size and update.shape != w.shape:
        raise ShapeError(f"{name}: update has shape {update.shape}, weights have {w.shape}")
    if p < 1 or q < 1:
        raise RangeError(f"{name} expects p, q >= 1, got {p}, {q}")
    check_clip(name, lo, hi, w.dtype)
    divisor = q << max(rshift, 0)
    x = shift_left(abs(exact(g, p.bit_length())) * p, max(-rshift, 0))
    largest = int(x.max()) if x.size else 0
    check_between(name, "|g| * p + D", largest + divisor, 0, (1 << 63) - 1)
    random = random_below(divisor, w.size, seed, step, tensor).reshape(x.shape)
    d = np.sign(g) * ((x.astype(np.int64) + random) // divisor)
    if update.size:
        store(name, update, d)
    store(name, w, clip(w - exact(d, 1), lo, hi))


def random_below(divisor, n, seed, step, tensor, purpose="update", first=0):
    """n random integers below the divisor, s64. r * (divisor >> drop) < 2**64."""
    r = np.empty(n, np.uint32)
    random_u32(r, seed, purpose, step, tensor, first)
    drop = max(0, (divisor - 1).bit_length() - 32)
    scaled = r.astype(np.uint64) * np.uint64(divisor >> drop)
    return (scaled >> np.uint64(32)).astype(np.int64) << drop
