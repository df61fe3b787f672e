"""Products of activations and minifloat weights: shift each product, add exactly.

Lingo: a weight is significand * 2**(exponent - lowest) in units of the smallest exponent present.
"""

import numpy as np

from ...errors import RangeError, ShapeError
from .conv import _check, _groups, _taps, _wide
from .primitives import store


def minifloat_forward(out, x, significand, lshift, rshift, stride, padding, dilation, groups):
    """y = sum of floor(((x * significand) << lshift) * 2**-rshift), term by term.  [FLOAT product]

    Parameters
    ----------
    out : (OH, OW, N, O) s64. Overwritten.
    x : (H, W, N, I) s8, s16 or u8.
    significand : (KH, KW, I/groups, O) s16; signed, hidden one included.
    lshift : u8, the shape of significand; exponent of the weight above the lowest.
    rshift : int >= 0; low bits that the accumulator does not have, cut off every term. 0: exact.
    stride, padding, dilation, groups : as in `conv2d_forward`.

    Exactness
    ---------
    Exact but for what rshift cuts off, where |sum| < 2**63; RangeError beyond.

    Examples
    --------
    One pixel, x = [3], significand = [[12]], lshift = [[2]]: (3 * 12) << 2 = 144; with
    rshift = 5: 4.
    """
    if significand.shape != lshift.shape:
        raise ShapeError(
            f"minifloat_forward: lshift has shape {lshift.shape}, weights have {significand.shape}"
        )
    sizes = _check("minifloat_forward", x.shape, significand.shape, out.shape, stride, padding,
                   dilation, groups, operands=(x, significand))
    if lshift.size and int(lshift.max()) > 62:
        raise RangeError(f"minifloat_forward shifts by at most 62, got {lshift.max()}")
    sums = np.zeros(out.shape, object)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            for channel in range(sizes.group_inputs):
                a = _wide(x[pixels_in][..., i])[..., channel, None].astype(object)
                terms = a * significand[tap][channel, o].astype(object)
                terms = terms * (1 << lshift[tap][channel, o].astype(object))
                sums[pixels_out][..., o] += terms >> rshift
    store("minifloat_forward", out, sums)


def combine_planes(out, planes, groups, rshift):
    """out = sum over k of plane k * 2**(rshift * k): digit products back into one number.

    Parameters
    ----------
    out : (rows, O) s32 or s64. Overwritten.
    planes : (rows, P * O) s32 or s64; columns are [group][plane][output of the group].
    groups : int; divides O.
    rshift : int >= 0; bits of a digit.

    Exactness
    ---------
    Exact where the sum fits out; RangeError beyond. Sums may leave out's range on the way.

    Examples
    --------
    planes [[5, -2]], O = 1, rshift = 7: 5 - 2 * 128 = -251.
    """
    rows, outputs = out.shape
    if planes.shape[0] != rows or planes.shape[1] % outputs or outputs % groups:
        raise ShapeError(
            f"combine_planes expects planes ({rows}, P * {outputs}) and groups that divide "
            f"{outputs}, got {planes.shape} and {groups}"
        )
    digits = planes.reshape(rows, groups, -1, outputs // groups).astype(object)
    weights = [1 << rshift * k for k in range(digits.shape[2])]
    total = sum(digits[:, :, k] * weight for k, weight in enumerate(weights))
    store("combine_planes", out, np.asarray(total).reshape(rows, outputs))
