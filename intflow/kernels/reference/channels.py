"""One number a channel."""

from ...errors import ShapeError
from .primitives import bits_of, check_between, check_clip, clip, exact, same_shape, store


def scale_channels(out, x, a, b):
    """out[..., c] = x[..., c] * a[c] + b[c].

    Parameters
    ----------
    out : (..., C) s32 or s64. Overwritten; may be x itself.
    x : the shape of out, any width up to out's.
    a, b : (C,), the width of out.

    Raises
    ------
    RangeError : a result does not fit out (the jit kernel trusts the caller's bound).

    Examples
    --------
    x = 100, 5, a = 3, -1, b = -20, 0: out = 280, -5.
    """
    same_shape("scale_channels", out, x)
    if a.shape != out.shape[-1:] or b.shape != out.shape[-1:]:
        raise ShapeError(
            f"scale_channels takes one a and one b for each of {out.shape[-1]} channels, got "
            f"{a.shape} and {b.shape}"
        )
    # One bit more than the product holds the sum where b is no wider than it; else Python's do.
    spare = max(bits_of(a), bits_of(b)) + 1
    x = exact(x, spare)
    store("scale_channels", out, x * a.astype(x.dtype) + b.astype(x.dtype))


def combine_channels(out, a, p, b, q, r, rshift, lo, hi):
    """out[..., c] = clip(floor((a[..., c] * p[c] + b[..., c] * q[c] + r[c]) / 2**rshift[c]), lo, hi).

    Rounding to the nearest is the caller's: half of 2**rshift belongs into r.

    Parameters
    ----------
    out : (..., C) s32 or s64. Overwritten.
    a, b : the shape of out, any widths; b of length 0 leaves its term out.
    p, q, r : (C,) s64; every sum of two terms, and of all, fits 64 bits.
    rshift : (C,) s64, each in 0..63.
    lo, hi : int, lo <= hi, of out's width.

    Raises
    ------
    RangeError : a term or a sum does not fit 64 bits (the jit kernel trusts the caller's bound).

    Examples
    --------
    a = 10, p = 3, r = 2, rshift = 2 and no b: floor(32 / 4) = 8.
    """
    name = "combine_channels"
    same_shape(name, out, a, *([b] if b.size else []))
    vectors = (p, q, r, rshift)
    if any(v.shape != out.shape[-1:] for v in vectors):
        raise ShapeError(
            f"{name} takes one p, q, r and rshift for each of {out.shape[-1]} channels, got "
            f"{', '.join(str(v.shape) for v in vectors)}"
        )
    check_clip(name, lo, hi, out.dtype)
    p, q, r, rshift = (v.astype(object) for v in vectors)
    total = a.astype(object) * p
    terms = [total, r + 0 * total]
    if b.size:
        terms.insert(1, b.astype(object) * q)
        total = total + terms[1]
        terms.append(total)
    total = total + r
    for values in (*terms, total):
        check_between(name, "bits of a term or sum", bits_of(values), 0, 63)
    store(name, out, clip(total >> rshift, lo, hi))
