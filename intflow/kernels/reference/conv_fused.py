"""Products with what follows them: the chains of kernels that the fused ones equal bit for bit.

Packed masks, one bit an element, are those of packed.py.
"""

import numpy as np

from ...errors import ShapeError
from ..geometry import output_size
from .conv import conv2d_error, conv2d_forward
from .packed import requantize_packed, unpack
from .pool import max_pool2d
from .primitives import store
from .reduce import max_abs


def conv2d_requantized(out, passed, winner, x, w, stride, padding, dilation, groups, pool, relu,
                       bias, rshift, rounding, minimum, maximum, w_max=None, wide=False):
    """`conv2d_forward`, + bias, `max_pool2d` and `requantize_packed` in one.

    Parameters
    ----------
    out : (OH, OW, N, O) s8 or s16. Overwritten; OH, OW those of the pool where there is one.
    passed : (1 + relu, OH, OW, N, ceil(O / 8)) u8, or None where nobody goes backward.
        Overwritten: passed[0] where the unrounded value lies within minimum..maximum (it masks
        the error before its maximum is taken), with relu passed[1] where the sum was > 0 (it
        masks the narrowed error).
    winner : (OH, OW, N, O) u8 or u16, as of `max_pool2d`; None without pool, and where nobody
        goes backward. Overwritten.
    x, w, stride, padding, dilation, groups, w_max : as in `conv2d_forward`.
    pool : None, or (kernel_size, stride, padding) of `max_pool2d`, padding on four sides.
    relu : whether negative sums become 0.
    bias : None, or (O,) integers in units of the products, added to every sum.
    rshift, rounding, minimum, maximum : as in `requantize`; lo and hi there.
    wide : whether the sums, bias included, need s64.

    Raises
    ------
    As the kernels of the chain; ShapeError : a mask or bias that does not fit.

    Exactness
    ---------
    That of the chain: exact up to the one rounding.

    Examples
    --------
    One pixel, x = [1, 2], w = [[300], [-4]], bias [9], rshift = 3: (292 + 9) / 8 = 37.6 -> 38
    half even; passed[0] = [1]; with relu passed[1] = [1].
    """
    shape = *output_size(x.shape, w.shape, stride, padding, dilation), x.shape[2], w.shape[3]
    sums = np.zeros(shape, np.int64 if wide else np.int32)
    conv2d_forward(sums, x, w, stride, padding, dilation, groups, w_max)
    if bias is not None:
        if bias.shape != out.shape[-1:]:
            raise ShapeError(f"a bias takes one integer a channel {out.shape[-1:]}, "
                             f"got {bias.shape}")
        store("conv2d_requantized", sums, sums.astype(np.int64) + bias.astype(np.int64))
    if pool is not None:
        best = np.zeros(out.shape, sums.dtype)
        where = np.zeros(out.shape, np.uint16) if winner is None else winner
        max_pool2d(best, where, sums, *pool)
        sums = best
    requantize_packed(out, passed, sums, relu, rshift, rounding, minimum, maximum)


def conv2d_error_masked(out, e, w, stride, padding, dilation, groups, passed, w_max=None):
    """`conv2d_error`, zeroed where a bit of `passed` is 0; returns the largest |out|.

    Parameters
    ----------
    out : (H, W, N, I) s32 or s64. Overwritten.
    passed : (H, W, N, ceil(I / 8)) u8, a packed mask; None lets everything pass.
    others : as in `conv2d_error`.

    Returns
    -------
    int

    Examples
    --------
    One pixel, e = [5], w = [[3], [-4]], passed = [2]: out = [0, -20], returns 20.
    """
    conv2d_error(out, e, w, stride, padding, dilation, groups, w_max)
    if passed is not None:
        out[~unpack(passed, out.shape)] = 0
    return max_abs(out)
