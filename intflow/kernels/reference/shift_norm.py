"""Batch normalisation by shifts: sums over rows, and what is made of every element.

Lingo: x, e (rows, C) in memory order; c = x * 2**lshift - mean[channel], the centred input;
k(c) = round(log2 |c|), so that AP2(c) = sign(c) * 2**k(c) and AP2(0) = 0; lshift < 0 floors.
"""

import numpy as np

from ...formats.rounding import shiftexp
from .primitives import check_fits, clip, exact, same_shape, shift_left, store


def shift_norm_sums(x, channels):
    """Sum of every channel.

    Parameters
    ----------
    x : (..., C), any width; the last axis has `channels` elements.

    Returns
    -------
    s64 (C,)

    Examples
    --------
    Rows 3, -1 and 4, 5: 7, 4.
    """
    return _summed("shift_norm_sums", exact(_rows(x, channels), len(x).bit_length()))


def shift_norm_moments(x, mean, lshift):
    """Sum of c * AP2(c) = |c| * 2**k(c) of every channel.  [QNN shift variance]

    Parameters
    ----------
    x : (..., C), any width. mean : s64 (C,). lshift : int.

    Returns
    -------
    s64 (C,)

    Raises
    ------
    RangeError : a sum does not fit (the jit kernel trusts the caller's bound).

    Examples
    --------
    c = 3, -5: 3 * 4 + 5 * 4 = 32.
    """
    c = _centred(x, mean, lshift)
    return _summed("shift_norm_moments", abs(c).astype(object) * _powers(c))


def shift_norm(out, x, mean, bias, rshift, lshift, limit):
    """out = clip(round(c * 2**-rshift) + bias, -limit, limit), half up.  [QNN shift norm]

    Parameters
    ----------
    out : the shape of x, s32. Overwritten.
    x : (..., C), any width.
    mean, bias, rshift : s64 (C,); rshift < 0 shifts left.
    lshift, limit : int.

    Examples
    --------
    c = 23, rshift = 3, bias = -1: 3 - 1 = 2.
    """
    same_shape("shift_norm", out, x)
    c = _centred(x, mean, lshift)
    store("shift_norm", _rows(out, len(mean)), clip(_shifted(c, rshift) + bias, -limit, limit))


def shift_norm_error_sums(e, x, mean, lshift):
    """Sums of e, of e * AP2(c) and of AP2(c)**2, of every channel.

    Parameters
    ----------
    e, x : (..., C), any widths, of one shape. mean : s64 (C,). lshift : int.

    Returns
    -------
    s64 (3, C)

    Raises
    ------
    RangeError : a sum does not fit (the jit kernel trusts the caller's bound).

    Examples
    --------
    c = 3, -5 and e = 1, 2: sums 3, 1 * 4 - 2 * 4 = -4, 16 + 16 = 32.
    """
    same_shape("shift_norm_error_sums", e, x)
    c, e = _centred(x, mean, lshift), _rows(e, len(mean)).astype(object)
    ap2 = _powers(c) * np.sign(c)
    name = "shift_norm_error_sums"
    return np.stack([_summed(name, term) for term in (e, e * ap2, ap2 * ap2)])


def shift_norm_error(out, e, x, mean, mean_e, factor, rshift, raised, lshift, guard):
    """The error before the norm, at `guard` bits below the step of e.  [QNN shift norm error]

        d   = e * 2**guard - mean_e - sign(c) * round(factor * 2**(k(c) - rshift))    0 for c = 0
        out = round(d * 2**raised)

    Parameters
    ----------
    out : s32, the shape of x. Overwritten.
    e, x : (..., C), any widths.
    mean, mean_e, factor, rshift, raised : s64 (C,); raised < 0 shifts right, half up.
    lshift, guard : int.

    Raises
    ------
    RangeError : an error does not fit (the jit kernel trusts the caller's bound).

    Examples
    --------
    c = -5, e = 2, guard = 4, mean_e = 3, factor = 10, rshift = 3, raised = 0: 32 - 3 + 5 = 34.
    """
    same_shape("shift_norm_error", out, e, x)
    c, e = _centred(x, mean, lshift), exact(_rows(e, len(mean)), guard + 2)
    term = _shifted(np.broadcast_to(factor, c.shape), rshift - _exponents(c))
    d = shift_left(e, guard) - mean_e - np.sign(c) * term
    store("shift_norm_error", _rows(out, len(mean)), _shifted(d, -np.asarray(raised)))


def _rows(x, channels):
    return x.reshape(-1, channels)


def _centred(x, mean, lshift):
    x = _rows(x, len(mean))
    x = shift_left(x, lshift) if lshift >= 0 else x.astype(np.int64) >> -lshift
    return exact(x, 1) - mean


def _exponents(c):
    """k(c), 0 where c = 0."""
    flat = [shiftexp(abs(int(v))) if v else 0 for v in c.ravel()]
    return np.array(flat, np.int64).reshape(c.shape)


def _powers(c):
    """2**k(c) as Python integers."""
    return np.array([1 << int(k) for k in _exponents(c).ravel()], object).reshape(c.shape)


def _shifted(x, rshift):
    """x * 2**-rshift, half up, one shift an element or a channel."""
    rshift = np.broadcast_to(rshift, x.shape)
    flat = [_half_up(int(v), int(n)) for v, n in zip(x.ravel(), rshift.ravel())]
    return np.array(flat, object).reshape(x.shape)


def _half_up(value, rshift):
    return (2 * value + (1 << rshift)) >> (rshift + 1) if rshift > 0 else value << -rshift


def _summed(kernel, terms):
    total = terms.astype(object).sum(axis=0) if len(terms) else np.zeros(terms.shape[1], object)
    for value in total:
        check_fits(kernel, int(value), np.int64)
    return total.astype(np.int64)
