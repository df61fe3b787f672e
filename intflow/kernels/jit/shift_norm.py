"""Shift batch norm on rows of channels: sums of a task's rows, joined at the end; one pass each."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, add, bxor, launch, maximum, minimum, mul, narrowed, same, shaped,
    share, shl, sign_bits, sra, sub,
)
from .shift_exponent import exponent, rounded


def shift_norm_sums(x, channels, ntask):
    """Partial sums of tasks."""
    sums = np.zeros((ntask, channels), np.int64)
    launch(_sums_part, x.size, ntask, sums, _rows(x, channels))
    return sums.sum(axis=0)


def shift_norm_moments(x, mean, lshift, ntask):
    """Partial sums of tasks."""
    sums = np.zeros((ntask, len(mean)), np.int64)
    launch(_moments_part, x.size, ntask, sums, _rows(x, len(mean)), mean, *_both(lshift))
    return sums.sum(axis=0)


def shift_norm(out, x, mean, bias, rshift, lshift, limit, ntask):
    """A subtraction, two shifts, a sum and a clip."""
    launch(_norm_part, x.size, ntask, _rows(out, len(mean)), _rows(x, len(mean)),
           mean, bias, rshift, *_both(lshift), limit)


def shift_norm_error_sums(e, x, mean, lshift, ntask):
    """Partial sums of tasks."""
    sums = np.zeros((ntask, 3, len(mean)), np.int64)
    launch(_error_sums_part, x.size, ntask,
           sums, _rows(e, len(mean)), _rows(x, len(mean)), mean, *_both(lshift))
    return sums.sum(axis=0)


def shift_norm_error(out, e, x, mean, mean_e, factor, rshift, raised, lshift, guard, ntask):
    """Shifts by the exponent of every element."""
    channels = len(mean)
    launch(_error_part, x.size, ntask, _rows(out, channels), _rows(e, channels),
           _rows(x, channels), mean, mean_e, factor, rshift, raised, *_both(lshift), guard)


def _rows(x, channels):
    return shaped(x, (x.size // max(channels, 1), channels))


def _both(lshift):
    """A shift by a signed number of places as one to the left and one to the right."""
    return max(lshift, 0), max(-lshift, 0)


@njit(inline="always", **SERIAL)
def _centred(x, mean, left, right):
    return sub(sra(shl(np.int64(x), left), right), mean)


@njit(inline="always", **SERIAL)
def _size(c):
    return sub(bxor(c, sign_bits(c)), sign_bits(c))


@njit(**SERIAL)
def _add_row(sums, x):
    for i in range(x.size):
        sums[i] = add(sums[i], x[i])


@njit(**SERIAL)
def _sums_part(sums, x, task, ntask):
    first, last = share(x.shape[0], task, ntask)
    for row in range(first, last):
        _add_row(sums[task], x[row])


@njit(**SERIAL)
def _add_moments(sums, x, mean, left, right):
    for i in range(x.size):
        size = _size(_centred(x[i], mean[i], left, right))
        sums[i] = add(sums[i], shl(size, exponent(size)))


@njit(**SERIAL)
def _moments_part(sums, x, mean, left, right, task, ntask):
    first, last = share(x.shape[0], task, ntask)
    for row in range(first, last):
        _add_moments(sums[task], x[row], mean, left, right)


@njit(**SERIAL)
def _norm_row(out, x, mean, bias, rshift, left, right, limit):
    for i in range(x.size):
        y = add(rounded(_centred(x[i], mean[i], left, right), rshift[i]), bias[i])
        out[i] = narrowed(minimum(maximum(y, -limit), limit), out)


@njit(**SERIAL)
def _norm_part(out, x, mean, bias, rshift, left, right, limit, task, ntask):
    first, last = share(x.shape[0], task, ntask)
    for row in range(first, last):
        _norm_row(out[row], x[row], mean, bias, rshift, left, right, limit)


@njit(inline="always", **SERIAL)
def _signed(value, c):
    """value * sign(c)."""
    some = sub(np.int64(1), same(c, 0))
    return mul(sub(bxor(value, sign_bits(c)), sign_bits(c)), some)


@njit(**SERIAL)
def _add_error_sums(sums, products, squares, e, x, mean, left, right):
    for i in range(x.size):
        c, error = _centred(x[i], mean[i], left, right), np.int64(e[i])
        k = exponent(_size(c))
        sums[i] = add(sums[i], error)
        products[i] = add(products[i], _signed(shl(error, k), c))
        squares[i] = add(squares[i], _size(_signed(shl(np.int64(1), add(k, k)), c)))


@njit(**SERIAL)
def _error_sums_part(sums, e, x, mean, left, right, task, ntask):
    first, last = share(x.shape[0], task, ntask)
    for row in range(first, last):
        _add_error_sums(sums[task, 0], sums[task, 1], sums[task, 2], e[row], x[row], mean,
                        left, right)


@njit(**SERIAL)
def _error_row(out, e, x, mean, mean_e, factor, rshift, raised, left, right, guard):
    for i in range(x.size):
        c = _centred(x[i], mean[i], left, right)
        term = _signed(rounded(factor[i], sub(rshift[i], exponent(_size(c)))), c)
        d = sub(sub(shl(np.int64(e[i]), guard), mean_e[i]), term)
        out[i] = narrowed(rounded(d, sub(np.int64(0), raised[i])), out)


@njit(**SERIAL)
def _error_part(out, e, x, mean, mean_e, factor, rshift, raised, left, right, guard, task, ntask):
    first, last = share(x.shape[0], task, ntask)
    for row in range(first, last):
        _error_row(out[row], e[row], x[row], mean, mean_e, factor, rshift, raised,
                   left, right, guard)
