"""The three products of a layer, tap by tap: the definition the fast ones are held against.

Lingo: x activations [H][W][N][I], w weights [KH][KW][I/groups][O], e errors [OH][OW][N][O];
y[oh,ow,n,o] = sum over kh, kw, i of x[ih,iw,n,i] * w[kh,kw,i,o] with
ih = oh * stride - top + kh * dilation, likewise iw; outside the image x is 0. A Linear layer is
the case of one pixel and one tap.
"""

import numpy as np

from ...errors import RangeError
from ..geometry import geometry
from .primitives import store
from .reduce import max_abs


def conv2d_forward(out, x, w, stride, padding, dilation, groups, w_max=None):
    """Correlate x with w.

    Parameters
    ----------
    out : (OH, OW, N, O) s32 or s64. Overwritten.
    x : (H, W, N, I) s8 or s16, symmetric (no -128, no -32768), or u8.
    w : (KH, KW, I/groups, O) s8 or s16, symmetric.
    stride, dilation : (h, w).
    padding : (top, bottom, left, right) zeros.
    groups : int; output run g reads input run g.
    w_max : int, largest |code| of w's format; only a hint to faster backends, checked here.

    Raises
    ------
    RangeError : an operand at its asymmetric minimum or beyond w_max, or a sum that out cannot
        hold. ShapeError : shapes that do not fit.

    Exactness
    ---------
    Exact. |sum| <= KH * KW * I/groups * max|x| * max|w|; the caller takes s64 where that
    reaches 2**31.

    Examples
    --------
    One pixel, x = [1, 2], w = [[3], [-4]]: out = 1*3 + 2*-4 = -5.
    """
    sizes = _check("conv2d_forward", x.shape, w.shape, out.shape, stride, padding, dilation,
                   groups, operands=(x, w), w=w, w_max=w_max)
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            sums[pixels_out][..., o] += _wide(x[pixels_in][..., i]) @ _wide(w[tap][:, o])
    store("conv2d_forward", out, sums)


def conv2d_error(out, e, w, stride, padding, dilation, groups, w_max=None):
    """Send e back along the taps it came by: the transpose of `conv2d_forward` in x.

    Parameters
    ----------
    out : (H, W, N, I) s32 or s64. Overwritten.
    e : (OH, OW, N, O) s8 or s16, symmetric.
    w, stride, padding, dilation, groups, w_max : as in `conv2d_forward`.

    Exactness
    ---------
    Exact. |sum| <= KH * KW * O/groups * max|e| * max|w|.

    Examples
    --------
    One pixel, e = [5], w = [[3], [-4]]: out = [15, -20].
    """
    sizes = _check("conv2d_error", out.shape, w.shape, e.shape, stride, padding, dilation,
                   groups, operands=(e, w), w=w, w_max=w_max)
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            sums[pixels_in][..., i] += _wide(e[pixels_out][..., o]) @ _wide(w[tap][:, o]).T
    store("conv2d_error", out, sums)


def conv2d_gradient(out, x, e, stride, padding, dilation, groups, largest=False):
    """Multiply x by e over pixels and images: the transpose of `conv2d_forward` in w.

    Parameters
    ----------
    out : (KH, KW, I/groups, O) s32 or s64. Overwritten.
    x : (H, W, N, I) s8 or s16, symmetric, or u8.
    e : (OH, OW, N, O) s8 or s16, symmetric.
    stride, padding, dilation, groups : as in `conv2d_forward`.
    largest : whether to return max|out|.

    Exactness
    ---------
    Exact. |sum| <= OH * OW * N * max|x| * max|e|.

    Examples
    --------
    One pixel, one image, x = [1, 2], e = [5]: out = [[5], [10]].
    """
    sizes = _check("conv2d_gradient", x.shape, out.shape, e.shape, stride, padding, dilation,
                   groups, operands=(x, e))
    sums = np.zeros(out.shape, np.int64)
    for tap, pixels_out, pixels_in in _taps(sizes):
        for i, o in _groups(sizes):
            rows = _wide(x[pixels_in][..., i]).reshape(-1, sizes.group_inputs)
            columns = _wide(e[pixels_out][..., o]).reshape(-1, sizes.group_outputs)
            sums[tap][:, o] = rows.T @ columns
    store("conv2d_gradient", out, sums)
    return max_abs(out) if largest else None


def _taps(sizes):
    """Every tap as (tap, output pixels, input pixels), ready to index [h][w] arrays."""
    for kh in range(sizes.rows.taps):
        for kw in range(sizes.columns.taps):
            oh, ih = sizes.rows.reach(kh)
            ow, iw = sizes.columns.reach(kw)
            yield (kh, kw), (oh, ow), (ih, iw)


def _groups(sizes):
    """Every group as (input channels, output channels)."""
    i, o = sizes.group_inputs, sizes.group_outputs
    return [(slice(g * i, (g + 1) * i), slice(g * o, (g + 1) * o)) for g in range(sizes.groups)]


def _wide(codes):
    return codes.astype(np.int64)


def _check(kernel, *shapes_and_window, operands, w=None, w_max=None):
    """Geometry of the call; RangeError for an operand outside its declared range."""
    for codes in operands:
        lowest = np.iinfo(codes.dtype).min
        if lowest and codes.size and int(codes.min()) == lowest:
            raise RangeError(f"{kernel} takes symmetric operands, got {lowest} in {codes.dtype}")
    if w_max is not None and w.size and int(np.abs(_wide(w)).max()) > w_max:
        raise RangeError(f"{kernel}: a weight lies beyond w_max={w_max}")
    return geometry(*shapes_and_window)
