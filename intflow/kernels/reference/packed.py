"""Narrowing with masks of one bit an element, in both directions.

A *packed mask* of (..., C) elements takes (..., ceil(C / 8)) u8: bit c % 8 of byte c // 8 belongs
to channel c, bits past C are 0. `passed` holds one or more of them on its first axis, all of which
an error has to pass: passed[0] where the unrounded value lay within the range, and behind a ReLU
passed[1] where it was above 0.
"""

import numpy as np

from ...errors import ShapeError
from .elementwise import relu as relu_of
from .primitives import same_shape, store
from .reduce import max_abs
from .requantize import requantize, requantize_masked


def requantize_packed(out, passed, acc, relu, rshift, rounding, lo, hi):
    """`relu` where asked for, and `requantize_masked`.  [WAGE Q_A]

    Parameters
    ----------
    out : (..., C), any width. Overwritten.
    passed : (1 + relu, ..., ceil(C / 8)) u8, overwritten; or None: nobody goes backward.
    acc : the shape of out, any signed width.
    relu : whether negative numbers become 0 first.
    others : see `requantize`.

    Examples
    --------
    acc = -3, 0, 1, 9, relu, rshift = 1, hi = 3: out = 0, 0, 0, 3 (half even); passed = 7, 12.
    """
    same_shape("requantize_packed", out, acc)
    masks = np.ones((1 + bool(relu), *out.shape), np.uint8)
    if relu:
        positive = np.zeros(acc.shape, acc.dtype)
        relu_of(positive, masks[1], acc)
        acc = positive
    requantize_masked(out, masks[0], acc, rshift, rounding, lo, hi)
    if passed is not None:
        pack(passed, masks)


def requantize_where(out, acc, passed, rshift, rounding, lo, hi):
    """`requantize` where every bit of `passed` is set, 0 elsewhere.  [WAGE Q_E]

    Parameters
    ----------
    out, acc : (..., C); see `requantize`.
    passed : (masks, ..., ceil(C / 8)) u8.

    Examples
    --------
    acc = 6, 6, 6, passed = [3], [6], rshift = 1: out = 0, 3, 0.
    """
    same_shape("requantize_where", out, acc)
    requantize(out, acc, rshift, rounding, lo, hi)
    store("requantize_where", out, np.where(unpack(passed, out.shape).all(axis=0), out, 0))


def max_abs_packed(x, passed):
    """Largest |x| where the bit of `passed` (..., ceil(C / 8)) is set, as a Python integer.

    Examples
    --------
    x = -9, 4, passed = [2]: 4.
    """
    return max_abs(np.where(unpack(passed, x.shape), x, 0))


def pack(packed, mask):
    """Elements 0 and 1 of any shape (..., C) as packed bits (..., ceil(C / 8)).

    Examples
    --------
    [1, 0, 0, 0, 0, 0, 0, 1, 1]: [129, 1].
    """
    bits = np.packbits(mask, axis=-1, bitorder="little")
    if packed.shape != bits.shape:
        raise ShapeError(f"a packed mask of {mask.shape} is {bits.shape}, got {packed.shape}")
    packed[...] = bits


def unpack(packed, shape):
    """Packed masks of elements of this shape as booleans, whatever axes stand before."""
    size = *shape[:-1], -(-shape[-1] // 8)
    if packed.shape[-len(size):] != size:
        raise ShapeError(f"a packed mask of {shape} is {size}, got {packed.shape}")
    return np.unpackbits(packed, axis=-1, count=shape[-1], bitorder="little").astype(bool)
