"""One output for one input: flat vector loops, one pass over memory."""

import numpy as np
from numba import njit, prange

from .primitives import (
    PARALLEL, SERIAL, above, add, flat, maximum, narrowed, part_bounds, picked, shl, tasks,
    widened,
)


def relu(out, mask, x, ntask):
    """Maximum with 0 and comparison with 0."""
    n = out.size
    _relu(flat(out, n), flat(mask, n), flat(x, n), tasks(n, ntask))


@njit(**SERIAL)
def _relu_part(out, mask, x):
    for i in range(out.size):
        v = x[i]
        out[i] = maximum(v, 0)
        mask[i] = narrowed(above(v, 0), mask)


@njit(**PARALLEL)
def _relu(out, mask, x, ntask):
    for t in prange(ntask):
        i, j = part_bounds(out.size, t, ntask)
        _relu_part(out[i:j], mask[i:j], x[i:j])


def apply_mask(out, e, mask, ntask):
    """A choice between e and 0. In place it is a loop of its own: one array, so no overlap test."""
    n = out.size
    out, e, mask = flat(out, n), flat(e, n), flat(mask, n)
    if not np.may_share_memory(out, e):
        _apply_mask(out, e, mask, tasks(n, ntask))
        return
    if out.ctypes.data != e.ctypes.data:
        out[:] = e
    _apply_mask_in_place(out, mask, tasks(n, ntask))


@njit(**SERIAL)
def _apply_mask_part(out, e, mask):
    for i in range(out.size):
        out[i] = picked(mask[i], e[i], narrowed(0, out))


@njit(**PARALLEL)
def _apply_mask(out, e, mask, ntask):
    for t in prange(ntask):
        i, j = part_bounds(out.size, t, ntask)
        _apply_mask_part(out[i:j], e[i:j], mask[i:j])


@njit(**SERIAL)
def _apply_mask_in_place_part(e, mask):
    for i in range(e.size):
        e[i] = picked(mask[i], e[i], narrowed(0, e))


@njit(**PARALLEL)
def _apply_mask_in_place(e, mask, ntask):
    for t in prange(ntask):
        i, j = part_bounds(e.size, t, ntask)
        _apply_mask_in_place_part(e[i:j], mask[i:j])


def add_aligned(out, a, a_lshift, b, b_lshift, ntask):
    """Two shifts and a sum in the width of out, which the caller knows to hold them."""
    n = out.size
    bits = 8 * max(out.itemsize, 4)
    out, a, b = flat(out, n), flat(a, n), flat(b, n)
    # A shift past the width is legal for zeros only.
    _add_aligned(out, a, min(a_lshift, bits - 1), b, min(b_lshift, bits - 1), tasks(n, ntask))


@njit(**SERIAL)
def _add_aligned_part(out, a, a_lshift, b, b_lshift):
    for i in range(out.size):
        left, right = shl(widened(a[i], out), a_lshift), shl(widened(b[i], out), b_lshift)
        out[i] = narrowed(add(left, right), out)


@njit(**PARALLEL)
def _add_aligned(out, a, a_lshift, b, b_lshift, ntask):
    for t in prange(ntask):
        i, j = part_bounds(out.size, t, ntask)
        _add_aligned_part(out[i:j], a[i:j], a_lshift, b[i:j], b_lshift)
