"""One output for one input: ReLU, masks, aligned sums."""

import numpy as np

from .primitives import same_shape, shift_left, store


def relu(out, mask, x):
    """out = max(x, 0), mask = x > 0.

    Parameters
    ----------
    out : the width and shape of x. Overwritten; may be x itself.
    mask : u8, the shape of x: 1 where x > 0, else 0. Overwritten.
    x : any signed width.

    Examples
    --------
    x = -3, 0, 5: out = 0, 0, 5; mask = 0, 0, 1.
    """
    same_shape("relu", out, mask, x)
    mask[...] = x > 0
    store("relu", out, np.maximum(x, 0))


def apply_mask(out, e, mask):
    """out = e where mask is not 0, else 0.

    Parameters
    ----------
    out : the width and shape of e. Overwritten; may be e itself.
    e : any signed width.
    mask : u8, the shape of e.

    Examples
    --------
    e = -3, 4, mask = 1, 0: out = -3, 0.
    """
    same_shape("apply_mask", out, e, mask)
    store("apply_mask", out, np.where(mask != 0, e, 0))


def add_aligned(out, a, a_lshift, b, b_lshift):
    """out = a * 2**a_lshift + b * 2**b_lshift, exact.

    Parameters
    ----------
    out, a, b : any signed widths, one shape. out is overwritten.
    a_lshift, b_lshift : int >= 0; bring both operands to the finer step.

    Raises
    ------
    RangeError : a sum does not fit out (the jit kernel trusts the caller's bound).

    Examples
    --------
    a = 3, a_lshift = 2, b = -5, b_lshift = 0: 7.
    """
    same_shape("add_aligned", out, a, b)
    left, right = shift_left(a, a_lshift), shift_left(b, b_lshift)
    store("add_aligned", out, left + right)
