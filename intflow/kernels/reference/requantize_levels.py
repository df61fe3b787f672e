"""Wide integers to the codes of a grid whose step is no power of two."""

from .primitives import check_between, check_clip, clip, exact, round_divide, same_shape, store


def requantize_levels(out, mask, x, lo, hi, p, rshift, rounding, least, most):
    """out = clip(round(c * p * 2**-rshift)), c = x cut to [lo - 1, hi + 1].  [WRPN quantiser]

    Parameters
    ----------
    out : any width, any shape. Overwritten.
    mask : u8, the shape of out, 1 where lo <= x <= hi, else 0; or length 0: not wanted.
    x : any width, the shape of out.
    lo, hi : int, lo <= hi, in codes of x.
    p : int >= 1. rshift : int in 0..62. max(|lo|, |hi|) + 1 times p is below 2**62.
    rounding : Rounding, not STOCHASTIC.
    least, most : int, least <= most, of out's width.

    Examples
    --------
    4 bits from 12 fraction bits: lo, hi, p, rshift = 0, 4096, 15, 12. x = 2048 (1/2, the tie 7.5):
    8 by half_even; x = 5000: 15, mask 0.
    """
    name = "requantize_levels"
    same_shape(name, out, x, *([mask] if mask.size else []))
    check_clip(name, least, most, out.dtype)
    check_between(name, "p", p, 1, 1 << 31)
    check_between(name, "rshift", rshift, 0, 62)
    check_between(name, "bits of a product",
                  ((max(abs(lo), abs(hi)) + 1) * p).bit_length(), 0, 62)
    x = exact(x)
    if mask.size:
        mask[...] = (x >= lo) & (x <= hi)
    product = exact(clip(x, lo - 1, hi + 1), p.bit_length()) * p
    store(name, out, clip(round_divide(product, 1 << rshift, rounding), least, most))
