"""One output for one input: flat vector loops, one pass over memory."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, flat, launch, maximum, narrowed, picked, share, shl, widened,
)


def relu(out, mask, x, ntask):
    """Maximum with 0 and comparison with 0."""
    n = out.size
    launch(_relu_part, n, ntask, flat(out, n), flat(mask, n), flat(x, n))


@njit(**SERIAL)
def _relu_part(out, mask, x, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, x = out[i:j], mask[i:j], x[i:j]
    for i in range(out.size):
        v = x[i]
        out[i] = maximum(v, 0)
        mask[i] = narrowed(above(v, 0), mask)


def apply_mask(out, e, mask, ntask):
    """A choice between e and 0. In place it is a loop of its own: two names hide a vector."""
    n = out.size
    out, e, mask = flat(out, n), flat(e, n), flat(mask, n)
    if not np.may_share_memory(out, e):
        launch(_apply_mask_part, n, ntask, out, e, mask)
        return
    if out.ctypes.data != e.ctypes.data:
        out[:] = e
    launch(_apply_mask_in_place_part, n, ntask, out, mask)


@njit(**SERIAL)
def _apply_mask_part(out, e, mask, task, ntask):
    i, j = share(out.size, task, ntask)
    out, e, mask = out[i:j], e[i:j], mask[i:j]
    for i in range(out.size):
        out[i] = picked(mask[i], e[i], narrowed(0, out))


@njit(**SERIAL)
def _apply_mask_in_place_part(e, mask, task, ntask):
    i, j = share(e.size, task, ntask)
    e, mask = e[i:j], mask[i:j]
    for i in range(e.size):
        e[i] = picked(mask[i], e[i], narrowed(0, e))


def add_aligned(out, a, a_lshift, b, b_lshift, ntask):
    """Two shifts and a sum in the width of out, which the caller knows to hold them."""
    n = out.size
    bits = 8 * max(out.itemsize, 4)
    out, a, b = flat(out, n), flat(a, n), flat(b, n)
    # A shift past the width is legal for zeros only.
    launch(_add_aligned_part, n, ntask,
           out, a, min(a_lshift, bits - 1), b, min(b_lshift, bits - 1))


@njit(**SERIAL)
def _add_aligned_part(out, a, a_lshift, b, b_lshift, task, ntask):
    i, j = share(out.size, task, ntask)
    out, a, b = out[i:j], a[i:j], b[i:j]
    for i in range(out.size):
        left, right = shl(widened(a[i], out), a_lshift), shl(widened(b[i], out), b_lshift)
        out[i] = narrowed(add(left, right), out)
