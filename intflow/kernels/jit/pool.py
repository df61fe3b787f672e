"""Pooling on rows of N * C neighbours: a window is a few rows of memory, a tap is one of them.

Forward gathers the taps of an output pixel, backward the windows of an input pixel, so no two
tasks write to one place. Rows are worked in pieces, so that what is folded stays in cache.
"""

import numpy as np
from numba import njit

from ..buffers import empty
from .primitives import (
    SERIAL, above, add, as_unsigned, band, bxor, flat, index_like, launch, maximum, mul,
    narrowed, picked, same, shaped, share, shl, sign_bits, sub,
)

PIECE = 4096            # elements of a row worked at a time: the result stays in L1


def max_pool2d(out, winner, x, kernel_size, stride, padding, ntask):
    """Three taps of a window row at a time, folded into the best so far."""
    small, large = _rows(out), _rows(x)
    launch(_max_pool2d_part, x.size, ntask,
           small, shaped(winner, small.shape), large, *kernel_size, *stride,
           padding[0], padding[2])


def max_pool2d_backward(out, e, winner, kernel_size, stride, padding, ntask):
    """Each input pixel looks at the windows it lies in, and takes where it won."""
    small, large = _rows(e), _rows(out)
    launch(_max_pool2d_backward_part, out.size, ntask,
           large, small, shaped(winner, small.shape), *kernel_size, *stride,
           padding[0], padding[2])


def avg_pool2d(out, x, kernel_size, stride, padding, lshift, ntask):
    """Sums in s64, then one division."""
    launch(_avg_pool2d_part, x.size, ntask,
           _rows(out), _rows(x), *kernel_size, *stride, padding[0], padding[2], lshift)


def avg_pool2d_backward(out, e, kernel_size, stride, padding, lshift, ntask):
    """The quotients first, once per window; then each input pixel sums those of its windows."""
    quotients, count = empty(e.shape, out.dtype), kernel_size[0] * kernel_size[1]
    launch(_divide_part, e.size, ntask,
           flat(quotients, e.size), flat(e, e.size), lshift, count)
    launch(_avg_pool2d_backward_part, out.size, ntask,
           _rows(out), _rows(quotients), *kernel_size, *stride, padding[0], padding[2])


def _rows(x):
    """(H, W, N, C) as (H, W, N * C), never a copy."""
    return shaped(x, (*x.shape[:2], x.shape[2] * x.shape[3]))


@njit(**SERIAL)
def _inside(first, size, kernel):
    """[start, stop) of the taps that lie inside, for a window starting at `first`."""
    return max(0, -first), min(kernel, size - first)


@njit(**SERIAL)
def _windows(place, before, size, kernel, stride):
    """[start, stop) of the windows that hold input `place` behind `before` zeros."""
    place += before
    return max(0, (place - kernel + stride) // stride), min(size, place // stride + 1)


@njit(**SERIAL)
def _first_taps(best, where, x0, x1, x2, number):
    first = index_like(number, best, where)
    second, third = add(first, 1), add(first, 2)
    for i in range(best.size):
        a, b, c = x0[i], x1[i], x2[i]
        k = picked(above(b, a), second, first)
        a = maximum(a, b)
        where[i] = narrowed(picked(above(c, a), third, k), where)
        best[i] = maximum(a, c)


@njit(**SERIAL)
def _more_taps(best, where, x0, x1, x2, number):
    first = index_like(number, best, where)
    second, third = add(first, 1), add(first, 2)
    for i in range(best.size):
        v, a, b, c = best[i], x0[i], x1[i], x2[i]
        k = picked(above(a, v), first, index_like(where[i], best, where))
        v = maximum(v, a)
        k = picked(above(b, v), second, k)
        v = maximum(v, b)
        where[i] = narrowed(picked(above(c, v), third, k), where)
        best[i] = maximum(v, c)


@njit(**SERIAL)
def _max_of_window(best, where, x, h, w, kh, kw, start, stop):
    """Columns start .. stop of one window at (h, w). A tap given twice never beats itself."""
    h_start, h_stop = _inside(h, x.shape[0], kh)
    w_start, w_stop = _inside(w, x.shape[1], kw)
    fresh = True
    for i in range(h_start, h_stop):
        for j in range(w_start, w_stop, 3):
            x0 = x[h + i, w + j, start:stop]
            x1 = x[h + i, w + min(j + 1, w_stop - 1), start:stop]
            x2 = x[h + i, w + min(j + 2, w_stop - 1), start:stop]
            if fresh:
                _first_taps(best, where, x0, x1, x2, i * kw + j)
                fresh = False
            else:
                _more_taps(best, where, x0, x1, x2, i * kw + j)


@njit(**SERIAL)
def _max_pool2d_part(out, winner, x, kh, kw, sh, sw, top, left, task, ntask):
    """A run of output pixels."""
    first, last = share(out.shape[0] * out.shape[1], task, ntask)
    for pixel in range(first, last):
        h, w = pixel // out.shape[1], pixel % out.shape[1]
        for start in range(0, out.shape[2], PIECE):
            stop = min(start + PIECE, out.shape[2])
            _max_of_window(out[h, w, start:stop], winner[h, w, start:stop], x,
                           h * sh - top, w * sw - left, kh, kw, start, stop)


@njit(**SERIAL)
def _take_won(out, e, where, number):
    number = narrowed(number, where)
    for i in range(out.size):
        out[i] = picked(same(where[i], number), e[i], narrowed(0, out))


@njit(**SERIAL)
def _add_won(out, e, where, number):
    number = narrowed(number, where)
    for i in range(out.size):
        out[i] = add(out[i], picked(same(where[i], number), e[i], narrowed(0, out)))


@njit(**SERIAL)
def _won_by_pixel(out, e, winner, h, w, kh, kw, sh, sw, top, left, start, stop):
    """Columns start .. stop of input pixel (h, w)."""
    h_start, h_stop = _windows(h, top, e.shape[0], kh, sh)
    w_start, w_stop = _windows(w, left, e.shape[1], kw, sw)
    fresh = True
    for i in range(h_start, h_stop):
        for j in range(w_start, w_stop):
            number = (h + top - i * sh) * kw + w + left - j * sw
            if fresh:
                _take_won(out, e[i, j, start:stop], winner[i, j, start:stop], number)
                fresh = False
            else:
                _add_won(out, e[i, j, start:stop], winner[i, j, start:stop], number)
    if fresh:
        out[:] = 0


@njit(**SERIAL)
def _max_pool2d_backward_part(out, e, winner, kh, kw, sh, sw, top, left, task, ntask):
    """A run of input pixels."""
    first, last = share(out.shape[0] * out.shape[1], task, ntask)
    for pixel in range(first, last):
        h, w = pixel // out.shape[1], pixel % out.shape[1]
        for start in range(0, out.shape[2], PIECE):
            stop = min(start + PIECE, out.shape[2])
            _won_by_pixel(out[h, w, start:stop], e, winner, h, w, kh, kw, sh, sw, top, left,
                          start, stop)


@njit(**SERIAL)
def _add_row(total, row):
    for i in range(total.size):
        total[i] = add(total[i], row[i])


@njit(**SERIAL)
def half_even_quotient(n, d):
    """n / d rounded half even, n s64, d u64 >= 1, |n| + d < 2**62; the sign changes nothing."""
    sign = sign_bits(n)
    size = as_unsigned(sub(bxor(n, sign), sign))
    q = size // d
    rest = sub(size, mul(q, d))
    # Up where 2 rest > d, or 2 rest = d and q is odd.
    q = add(q, above(add(shl(rest, 1), band(q, 1)), d))
    return sub(bxor(np.int64(q), sign), sign)


@njit(**SERIAL)
def _divide_row(out, total, lshift, count):
    """out = half_even(total * 2**lshift / count)."""
    for i in range(out.size):
        n = shl(np.int64(total[i]), lshift)
        out[i] = narrowed(half_even_quotient(n, np.uint64(count)), out)


@njit(**SERIAL)
def _avg_pool2d_part(out, x, kh, kw, sh, sw, top, left, lshift, task, ntask):
    """A run of output pixels."""
    first, last = share(out.shape[0] * out.shape[1], task, ntask)
    sums = np.empty(PIECE, np.int64)
    for pixel in range(first, last):
        h, w = pixel // out.shape[1], pixel % out.shape[1]
        h_start, h_stop = _inside(h * sh - top, x.shape[0], kh)
        w_start, w_stop = _inside(w * sw - left, x.shape[1], kw)
        for start in range(0, out.shape[2], PIECE):
            stop = min(start + PIECE, out.shape[2])
            total = sums[:stop - start]
            total[:] = 0
            for i in range(h_start, h_stop):
                for j in range(w_start, w_stop):
                    _add_row(total, x[h * sh - top + i, w * sw - left + j, start:stop])
            _divide_row(out[h, w, start:stop], total, lshift, kh * kw)


@njit(**SERIAL)
def _divide_part(out, e, lshift, count, task, ntask):
    i, j = share(out.size, task, ntask)
    _divide_row(out[i:j], e[i:j], lshift, count)


@njit(**SERIAL)
def _avg_pool2d_backward_part(out, quotients, kh, kw, sh, sw, top, left, task, ntask):
    """A run of input pixels."""
    first, last = share(out.shape[0] * out.shape[1], task, ntask)
    for pixel in range(first, last):
        h, w = pixel // out.shape[1], pixel % out.shape[1]
        h_start, h_stop = _windows(h, top, quotients.shape[0], kh, sh)
        w_start, w_stop = _windows(w, left, quotients.shape[1], kw, sw)
        for start in range(0, out.shape[2], PIECE):
            stop = min(start + PIECE, out.shape[2])
            out[h, w, start:stop] = 0
            for i in range(h_start, h_stop):
                for j in range(w_start, w_stop):
                    _add_row(out[h, w, start:stop], quotients[i, j, start:stop])
