"""Whole tensors to one Python integer."""

import numpy as np


def max_abs(x):
    """Largest |x| as a Python integer; 0 for an empty array.

    Examples
    --------
    s32 with a -2**31: 2**31, which s32 does not hold.
    """
    return max(int(x.max()), -int(x.min()), 0) if x.size else 0


def sum_squares(x):
    """Sum of x * x as an exact Python integer, whatever the width.

    Examples
    --------
    -3, 4: 25.
    """
    return sum(v * v for v in map(int, np.ravel(x)))


def count_outside(x, lo, hi):
    """How many elements are below lo or above hi (any Python integers).

    Examples
    --------
    x = -128, -127, 0, 127: 1 outside -127..127.
    """
    return int(np.count_nonzero((x < lo) | (x > hi)))
