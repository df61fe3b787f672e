"""Sums over everything but the channels."""

import numpy as np

from ...errors import ShapeError
from .primitives import bits_of, check_between, same_shape, store


def channel_sums(out, a, b, block):
    """out[0] = sum of a, out[1] + 2**32 * out[2] = sum of a * b, over all but the last axis.

    Parameters
    ----------
    out : (3, C) s64. Overwritten; 0 <= out[1] < 2**32.
    a, b : (..., C), one shape, any widths; b may be a.
    block : int >= 1; rows whose products any 64 bits hold the sum of: block * max|a * b| < 2**63.

    Exactness
    ---------
    Exact below 2**31 rows of at most 32 bits.

    Raises
    ------
    RangeError : the sum of a block may not fit (the jit kernel trusts the caller's bound).

    Examples
    --------
    a = b = 3, -4 in one channel, block = 1: sum -1, products 9 and 16: out = -1, 25, 0.
    """
    same_shape("channel_sums", a, b)
    channels = a.shape[-1]
    if out.shape != (3, channels):
        raise ShapeError(f"channel_sums fills (3, {channels}), got {out.shape}")
    check_between("channel_sums", "bits of a block's sum",
                  bits_of(a) + bits_of(b) + (block - 1).bit_length(), 0, 63)
    a, b = (x.reshape(-1, channels).astype(object) for x in (a, b))
    zero = np.zeros(channels, object)
    products = sum(a * b, zero)
    store("channel_sums", out[0], sum(a, zero))
    store("channel_sums", out[1], products % (1 << 32))
    store("channel_sums", out[2], products >> 32)
