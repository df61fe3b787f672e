"""One number a channel."""

from ...errors import ShapeError
from .primitives import bits_of, exact, same_shape, store


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
