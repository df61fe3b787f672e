"""Batch norm and sign as one comparison a channel.  [QNN threshold]"""

import numpy as np

from ..formats import Tensor


def thresholds(norm, channels, fmt, run):
    """Where the sign of a norm's output turns, found by bisection of the norm itself.

    Parameters
    ----------
    norm : layers.norms.Norm, monotone in x: rising or falling, channel by channel.
    channels : int.
    fmt : Fixed; of x.
    run : Run that keeps nothing: with running statistics.

    Returns
    -------
    (t s64 (C,), flips u8 (C,)); y >= 0 exactly where (x >= t) differs from flip.

    Examples
    --------
    y = x - 5: t = 5, flip 0. y = 5 - x: t = 6, flip 1. y = -1: t = minimum, flip 1.
    """
    low = np.full(channels, fmt.minimum, np.int64)
    high = np.full(channels, fmt.maximum, np.int64)
    first, last = (_sign(norm, codes, fmt, run) for codes in (low, high))
    turns = first != last
    while (low + 1 < high).any():
        middle = (low + high) >> 1
        below = _sign(norm, middle, fmt, run) == first
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (np.where(turns, high, fmt.minimum),
            np.where(turns, first, ~first).astype(np.uint8))


def _sign(norm, codes, fmt, run):
    """Whether y >= 0, of one x a channel."""
    row = Tensor(codes.astype(fmt.dtype)[None], fmt, "NC")
    return norm.forward(row, run)[0].codes[0] >= 0
