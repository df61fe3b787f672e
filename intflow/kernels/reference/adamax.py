"""A step of shift-based AdaMax on one weight tensor."""

import numpy as np

from ...formats.rounding import shiftexp
from .primitives import check_clip, same_shape, store

LARGEST = (1 << 30) - 1     # of an aligned gradient: m and v stay in s32


def adamax_update(w, update, m, v, g, align, rshift, overwrites, lo, hi):
    """m, v and w after one gradient, in shifts alone.  [QNN shift AdaMax]

        g' = clip(round(g * 2**-align), -(2**30 - 1), 2**30 - 1)
        m  = m + round((g' - m) / 8)
        v  = max(v - (v >> 10), |g'|)                   where it overwrites: v = AP2(that)
        d  = round(m * 2**-(k(v) + rshift)),  k(v) = round(log2 v);  0 where v = 0
        w  = clip(w - d, lo, hi)

    All roundings are half up.

    Parameters
    ----------
    w : s16 or s32, any shape. Updated in place.
    update : s32, the shape of w, receives d; or length 0: not recorded.
    m, v : s32, the shape of w; the averages, in one unit. Updated in place.
    g : s32 or s64, the shape of w.
    align : int in [-29, 62]; brings g to the unit of m.
    rshift : int in [-16, 62].
    overwrites : bool; v keeps its power of two alone, as the published code does.
    lo, hi : int, of w's width.

    Examples
    --------
    g' = 80, m = 0, v = 0, rshift = -4: m = 10, v = 80, k = 6, d = round(10 / 4) = 3.
    """
    name = "adamax_update"
    same_shape(name, w, m, v, g, *([update] if update.size else []))
    check_clip(name, lo, hi, w.dtype)
    rows = [row.ravel().tolist() for row in (w, m, v, g)]
    steps = [_step(*values, align, rshift, overwrites, lo, hi) for values in zip(*rows)]
    columns = zip(*steps) if steps else ((),) * 4
    for out, values in zip((w, m, v, update) if update.size else (w, m, v), columns):
        store(name, out, np.array(values, object).reshape(w.shape))


def _step(w, m, v, g, align, rshift, overwrites, lo, hi):
    """The new w, m, v, and d."""
    g = min(max(_half_up(g, align), -LARGEST), LARGEST)
    m += _half_up(g - m, 3)
    v = max(v - (v >> 10), abs(g))
    if v == 0:
        return min(max(w, lo), hi), m, v, 0
    k = shiftexp(v)
    d = _half_up(m, k + rshift)
    return min(max(w - d, lo), hi), m, 1 << k if overwrites else v, d


def _half_up(value, rshift):
    return (value + (1 << rshift >> 1)) >> rshift if rshift > 0 else value << -rshift
