"""Wide integers to narrow ones: shift, round, clip."""

from .primitives import check_clip, clip, exact, round_shift, same_shape, shift_left, store


def requantize(out, acc, rshift, rounding, lo, hi):
    """out = clip(round(acc * 2**-rshift), lo, hi).  [WAGE Q]

    Parameters
    ----------
    out : any signed width, any shape. Overwritten.
    acc : any signed width, the shape of out; one unit of out is 2**rshift units of acc.
    rshift : int, any; <= 0 is an exact left shift.
    rounding : Rounding, not STOCHASTIC. No default.
    lo, hi : int, lo <= hi, both of out's width.

    Exactness
    ---------
    The rounding is the only loss inside [lo, hi]; outside the result is lo or hi. Nothing
    overflows: acc = 2**31 - 1, rshift = 1, half_even gives 2**30.

    Examples
    --------
    acc = 192, rshift = 7 (1.5): half_even 2, floor 1. acc = 20000, rshift = 7, hi = 127: 127.
    """
    same_shape("requantize", out, acc)
    check_clip("requantize", lo, hi, out.dtype)
    store("requantize", out, clip(round_shift(acc, rshift, rounding), lo, hi))


def requantize_masked(out, mask, acc, rshift, rounding, lo, hi):
    """`requantize`, and mask = 1 where lo <= acc * 2**-rshift <= hi, else 0.  [WAGE Q_A]

    Parameters
    ----------
    mask : u8, the shape of out. Overwritten. The straight-through mask: both ends inclusive,
        compared before rounding, so it is not a function of out.
    others : see `requantize`.

    Examples
    --------
    rshift = 1, lo, hi = -127, 127: acc = 254 -> 127, mask 1; acc = 255 -> 127, mask 0.
    """
    requantize(out, acc, rshift, rounding, lo, hi)
    same_shape("requantize_masked", out, mask)
    left, right = max(-rshift, 0), max(rshift, 0)
    value = exact(shift_left(acc, left), (max(abs(lo), abs(hi)) << right).bit_length())
    mask[...] = (value >= lo << right) & (value <= hi << right)
