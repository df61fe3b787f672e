"""Wide integers to narrow ones, rounded by random numbers that came from elsewhere."""

import numpy as np

from .primitives import check_between, check_clip, clip, exact, same_shape, shift_left, store

WIDEST_DRAW = 32


def requantize_drawn(out, mask, acc, rshift, lo, hi, draws, bits):
    """out = clip(d, lo, hi), d = acc * 2**-rshift rounded away from zero where its draw says so.

    With x = |acc|, whole and rest of x divided by 2**rshift:

        d = sign(acc) * (whole + [draw < floor(rest * 2**(bits - rshift))])

    Parameters
    ----------
    out : any signed width, any shape. Overwritten.
    mask : u8, the shape of out, 1 where lo <= acc * 2**-rshift <= hi, compared before rounding, else
        0; or length 0: not wanted.
    acc : s8, s16, s32 or s64, the shape of out.
    rshift : int >= 1.
    lo, hi : int, lo <= hi, both of out's width.
    draws : u32, the shape of out; each below 2**bits.
    bits : int in 1..32; random bits of a draw.

    Exactness
    ---------
    The fraction is cut to `bits` bits: with uniform draws the mean of d misses acc * 2**-rshift by
    less than 2**-bits, towards zero, and not at all where rshift <= bits.

    Raises
    ------
    RangeError : rshift or bits outside, a draw of more bits, limits of another width.

    Examples
    --------
    acc = -5, rshift = 2 (-1.25), bits = 8: the fraction is 64, so d = -2 for draws 0..63, else -1.
    """
    name = "requantize_drawn"
    same_shape(name, out, acc, draws, *([mask] if mask.size else []))
    check_clip(name, lo, hi, out.dtype)
    check_between(name, "rshift", rshift, 1, 1 << 20)
    check_between(name, "bits", bits, 1, WIDEST_DRAW)
    check_between(name, "draws", int(draws.max()) if draws.size else 0, 0, (1 << bits) - 1)
    value = exact(acc, bits)
    whole = abs(value) >> rshift
    fraction = shift_left(abs(value) - (whole << rshift), bits) >> rshift
    rounded = np.where(value < 0, -1, 1) * (whole + (draws < fraction))
    store(name, out, clip(rounded, lo, hi))
    if mask.size:
        # At the ends: value >= lo * 2**rshift is floor(value / 2**rshift) >= lo, <= its ceiling.
        mask[...] = (value >> rshift >= lo) & (-(-value >> rshift) <= hi)
