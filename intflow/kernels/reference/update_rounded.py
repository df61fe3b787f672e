"""The weight update without a random number, and with random numbers that came from elsewhere."""

import numpy as np

from ...errors import RangeError, ShapeError
from .primitives import (
    check_between, check_clip, clip, exact, round_divide, same_shape, shift_left, store,
)

WIDEST_DRAW = 32


def rounded_update(w, update, g, p, q, rshift, rounding, lo, hi):
    """w = clip(w - d, lo, hi), d = g * p / D by a deterministic rounding, D = q * 2**rshift.

    Parameters
    ----------
    w : s8, s16 or s32, any shape. Updated in place.
    update : s32, the shape of w, receives d before clipping; or length 0: not recorded.
    g : s32 or s64, the shape of w.
    p, q : int >= 1; the rate's odd parts.
    rshift : int; where negative, g * p is shifted left and D = q. |g * p| + D < 2**63.
    rounding : Rounding, not STOCHASTIC; GEMMLOWP where q = 1.
    lo, hi : int, of w's width.

    Raises
    ------
    RangeError : d does not fit the recorded s32, |g * p| + D >= 2**63, p or q < 1.

    Examples
    --------
    g = -5, p = q = 1, rshift = 2 (-1.25): floor -2, half_even -1, jam -1.
    """
    x, divisor = _scaled("rounded_update", w, update, g, p, q, rshift, lo, hi)
    _take("rounded_update", w, update, round_divide(x, divisor, rounding), lo, hi)


def drawn_update(w, update, g, p, q, rshift, lo, hi, draws, bits):
    """w = clip(w - d, lo, hi), d = g * p / D rounded up where its draw is below its fraction.

    With x = |g| * p and D as in `rounded_update`:

        d = sign(g) * (x // D + [draw < ((x mod D) << bits) // D])

    Parameters
    ----------
    draws : u32, the shape of w; each below 2**bits.
    bits : int in 1..32; random bits of a draw.
    others : see `rounded_update`.

    Exactness
    ---------
    The fraction is cut to `bits` bits: with uniform draws the mean of d misses g * p / D by less
    than 2**-bits, towards zero, and not at all where D is a power of two up to 2**bits.

    Examples
    --------
    g = -5, rshift = 2 (-1.25), bits = 8: the fraction is 64, so d = -2 for draws 0..63, else -1.
    """
    name = "drawn_update"
    x, divisor = _scaled(name, w, update, g, p, q, rshift, lo, hi)
    same_shape(name, w, draws)
    check_between(name, "bits", bits, 1, WIDEST_DRAW)
    check_between(name, "draws", int(draws.max()) if draws.size else 0, 0, (1 << bits) - 1)
    whole, rest = abs(x) // divisor, abs(x) % divisor
    fraction = shift_left(rest, bits) // divisor
    d = np.sign(g) * (whole + (draws.astype(np.int64) < fraction))
    _take(name, w, update, d, lo, hi)


def _scaled(name, w, update, g, p, q, rshift, lo, hi):
    """(g * p * 2**max(-rshift, 0), D), checked."""
    same_shape(name, w, g)
    if update.size and update.shape != w.shape:
        raise ShapeError(f"{name}: update has shape {update.shape}, weights have {w.shape}")
    if p < 1 or q < 1:
        raise RangeError(f"{name} expects p, q >= 1, got {p}, {q}")
    check_clip(name, lo, hi, w.dtype)
    divisor = q << max(rshift, 0)
    x = shift_left(exact(g, p.bit_length()) * p, max(-rshift, 0))
    largest = int(abs(x).max()) if x.size else 0
    check_between(name, "|g| * p + D", largest + divisor, 0, (1 << 63) - 1)
    return x, divisor


def _take(name, w, update, d, lo, hi):
    if update.size:
        store(name, update, d)
    store(name, w, clip(w - exact(d, 1), lo, hi))
