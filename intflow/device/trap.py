"""Where a trapping accumulator stopped: the first sum, in logical order, that did not fit.

Simple and slow: it runs once, when the step is lost anyway.
"""

import numpy as np

from ..errors import OverflowTrap
from ..formats import Tensor


def trap_sums(layer, product, sums, accumulator):
    """The OverflowTrap of finished sums, a Tensor with at least one that does not fit."""
    lo, hi = accumulator.limits
    codes = sums.logical()
    first = int(np.flatnonzero((codes < lo) | (codes > hi))[0])
    index = _index(sums, first)
    return OverflowTrap(layer, product, index, int(codes.flat[first]), accumulator.bits)


def trap_walk(layer, product, sums, walk, a, b, accumulator, stopped):
    """The OverflowTrap of sums that were checked on their way.

    sums : Tensor; gives axes and shape, its codes do not matter.
    walk : Walk; a, b : its flat operands.
    stopped : numbers of the rows with an overflow.
    """
    numbers = np.arange(sums.codes.size).reshape(walk.shape)
    logical = np.empty(sums.codes.size, np.int64)
    order = Tensor(numbers.reshape(sums.codes.shape), sums.format, sums.axes).logical()
    logical[order.ravel()] = np.arange(order.size)
    best, found = logical.size, None
    for row in sorted(stopped, key=lambda r: logical[walk.rows[r, 3]]):
        at = walk.rows[row, 3]
        if logical[at] > best:
            break                               # all that follows comes later
        for lane in range(walk.lanes):
            bad = logical[at + lane] < best and _first_bad(walk, row, lane, a, b, accumulator)
            if bad:
                best, found = logical[at + lane], bad
                break
    return OverflowTrap(layer, product, _index(sums, best), *found)


def _first_bad(walk, row, lane, a, b, accumulator):
    """(value, bits, "product" or "sum") of the first that does not fit in one sum, or None.

    Nothing was fitted before it, so the sums up to there are exact.
    """
    spot, a_at, b_at, _ = walk.rows[row]
    places = walk.table[spot, walk.terms[:, 0]]
    left = np.where(places < 0, 0, a[np.where(places < 0, 0, places + a_at + walk.terms[:, 1])])
    products = left.astype(np.int64) * b[b_at + walk.terms[:, 2] + lane]
    sums = np.cumsum(products)
    length = accumulator.length(len(sums))
    due = np.arange(1, len(sums) + 1) % length == 0
    due[-1] = True
    bad_sums = due & _outside(sums, accumulator.limits)
    bad_products = _outside(products, accumulator.product_limits)
    bad = np.flatnonzero(bad_sums | bad_products)
    if not bad.size:
        return None
    first = bad[0]
    if bad_products[first]:
        return int(products[first]), accumulator.product_bits, "product"
    return int(sums[first]), accumulator.bits, "sum"


def _outside(values, limits):
    if limits is None:
        return np.zeros(values.shape, bool)
    return (values < limits[0]) | (values > limits[1])


def _index(tensor, number):
    """{axis: i} of an element by its number in logical order."""
    shape = [tensor.codes.shape[tensor.axes.index(axis)] for axis in tensor.logical_axes]
    place = np.unravel_index(number, shape)
    return {axis.lower(): int(i) for axis, i in zip(tensor.logical_axes, place)}
