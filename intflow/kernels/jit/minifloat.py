"""Minifloat products: the plain loop, and the sum of digit planes that the fast path ends with."""

import numpy as np
from numba import njit

from ..geometry import geometry
from .primitives import SERIAL, add, launch, share, shl, widened


def minifloat_forward(out, x, significand, lshift, rshift, stride, padding, dilation, groups, ntask):
    """The plain loop, split over images."""
    sizes = geometry(x.shape, significand.shape, out.shape, stride, padding, dilation, groups)
    launch(_minifloat_forward_part, sizes.products, min(ntask, sizes.images),
           out, x, significand, lshift, rshift, stride, padding[0], padding[2], dilation, groups)


@njit(**SERIAL)
def _minifloat_forward_part(out, x, significand, lshift, rshift, stride, top, left, dilation,
                            groups, task, ntask):
    oh, ow, images, outputs = out.shape
    kh, kw, inputs, _ = significand.shape
    first, last = share(images, task, ntask)
    each = outputs // groups
    for h in range(oh):
        for w in range(ow):
            for n in range(first, last):
                row = out[h, w, n]
                row[:] = 0
                for a in range(kh):
                    for b in range(kw):
                        ih = h * stride[0] - top + a * dilation[0]
                        iw = w * stride[1] - left + b * dilation[1]
                        if 0 <= ih < x.shape[0] and 0 <= iw < x.shape[1]:
                            for g in range(groups):
                                _add_terms(
                                    row[g * each:(g + 1) * each],
                                    x[ih, iw, n, g * inputs:(g + 1) * inputs],
                                    significand[a, b, :, g * each:(g + 1) * each],
                                    lshift[a, b, :, g * each:(g + 1) * each], rshift)


@njit(**SERIAL)
def _add_terms(row, x, significand, lshift, rshift):
    for i in range(x.size):
        a = np.int64(x[i])
        m, s = significand[i], lshift[i]
        for o in range(row.size):
            row[o] += ((a * np.int64(m[o])) << np.int64(s[o])) >> rshift


def combine_planes(out, planes, groups, rshift, ntask):
    """Row by row; three planes in one pass."""
    rows, outputs = out.shape
    count = planes.shape[1] // outputs
    launch(_combine_planes_part, planes.size, ntask,
           out, planes, groups, count, rshift)


@njit(**SERIAL)
def _combine_planes_part(out, planes, groups, count, rshift, task, ntask):
    first, last = share(out.shape[0], task, ntask)
    each = out.shape[1] // groups
    for r in range(first, last):
        for g in range(groups):
            row = out[r, g * each:(g + 1) * each]
            if count == 3:
                at = 3 * g * each
                _sum_three(row, planes[r, at:at + each], planes[r, at + each:at + 2 * each],
                           planes[r, at + 2 * each:at + 3 * each], rshift)
                continue
            for k in range(count):
                at = (g * count + k) * each
                _add_plane(row, planes[r, at:at + each], rshift * k, k == 0)


@njit(**SERIAL)
def _sum_three(row, low, middle, high, lshift):
    """The usual number of planes, in one pass over them."""
    for o in range(row.size):
        upper = add(widened(middle[o], row), shl(widened(high[o], row), lshift))
        row[o] = add(widened(low[o], row), shl(upper, lshift))


@njit(**SERIAL)
def _add_plane(row, plane, lshift, first):
    """row (+)= plane << lshift, wrapping in row's width on the way to a sum that fits."""
    if first:
        for o in range(row.size):
            row[o] = shl(widened(plane[o], row), lshift)
    else:
        for o in range(row.size):
            row[o] = add(row[o], shl(widened(plane[o], row), lshift))
