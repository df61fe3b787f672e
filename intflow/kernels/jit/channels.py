"""One number a channel: rows of C neighbours against two vectors."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, add, joined, launch, maximum, minimum, mul, narrowed, shaped, share, sra, widened,
)


def scale_channels(out, x, a, b, ntask):
    """A product and a sum in the width of out."""
    shape, (a, b) = _long_rows(out, a, b)
    launch(_scale_channels_part, out.size, ntask,
           shaped(out, shape), shaped(x, shape), a, b)


def _long_rows(out, *vectors):
    """(shape, vectors) such that a row is long enough for a loop."""
    rows, together = joined(out.shape)
    if together > 1:
        vectors = [np.tile(vector, together) for vector in vectors]
    return (rows, len(vectors[0])), vectors


@njit(**SERIAL)
def _scale_row(out, x, a, b):
    for i in range(out.size):
        out[i] = narrowed(add(mul(widened(x[i], out), a[i]), b[i]), out)


@njit(**SERIAL)
def _scale_channels_part(out, x, a, b, task, ntask):
    """A run of rows."""
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        _scale_row(out[row], x[row], a, b)


def combine_channels(out, a, p, b, q, r, rshift, lo, hi, ntask):
    """Two products, two sums and a shift in 64 bits."""
    shape, (p, q, r, rshift) = _long_rows(out, p, q, r, rshift)
    arguments = shaped(out, shape), shaped(a, shape), p
    if b.size:
        launch(_combine_part, out.size, ntask,
               *arguments, shaped(b, shape), q, r, rshift, lo, hi)
    else:
        launch(_affine_part, out.size, ntask, *arguments, r, rshift, lo, hi)


@njit(**SERIAL)
def _affine_row(out, a, p, r, rshift, lo, hi):
    for i in range(out.size):
        v = sra(add(mul(np.int64(a[i]), p[i]), r[i]), rshift[i])
        out[i] = narrowed(minimum(maximum(v, lo), hi), out)


@njit(**SERIAL)
def _affine_part(out, a, p, r, rshift, lo, hi, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        _affine_row(out[row], a[row], p, r, rshift, lo, hi)


@njit(**SERIAL)
def _combine_row(out, a, p, b, q, r, rshift, lo, hi):
    for i in range(out.size):
        v = add(mul(np.int64(a[i]), p[i]), mul(np.int64(b[i]), q[i]))
        v = sra(add(v, r[i]), rshift[i])
        out[i] = narrowed(minimum(maximum(v, lo), hi), out)


@njit(**SERIAL)
def _combine_part(out, a, p, b, q, r, rshift, lo, hi, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        _combine_row(out[row], a[row], p, b[row], q, r, rshift, lo, hi)
