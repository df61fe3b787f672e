"""The three products of every layer, summed as a device would.

Each product takes the cheapest way that gives the device's bits:

    no overflow is possible            the exact product, untouched
    only the finished sums matter      the exact product, then `fit_sums`
    products lose their low bits       `minifloat_forward`, then `fit_sums`
    sums are fitted on their way       `ordered_sums`, term by term
"""

from math import prod
from typing import NamedTuple

import numpy as np

from .. import ops
from ..errors import UsageError
from ..formats import Minifloat, Overflow, Tensor
from ..ops.linear_algebra import magnitude
from ..ops.minifloat import expanded, shift_each
from . import order
from .accumulator import Accumulator
from .trap import trap_sums, trap_walk


class Sum(NamedTuple):
    """One product of one layer on its way: its operands, and `terms` products in each sum."""

    layer: str
    product: str
    accumulator: Accumulator
    a: Tensor
    b: Tensor
    terms: int

    @property
    def largest(self):
        """Bound of one product."""
        return magnitude(self.a.format) * magnitude(self.b.format)

    @property
    def is_held(self):
        """Whether nothing can overflow."""
        return self.accumulator.holds(self.terms, self.largest)

    @property
    def is_ordered(self):
        """Whether values are fitted before the sum is finished."""
        exact = self.accumulator.holds_products(self.largest)
        on_its_way = self.accumulator.length(self.terms) < self.terms
        return not self.is_held and (on_its_way or not exact)


class DeviceProducts:
    """Stands where `ops.Products` stands; results have the formats of the exact ones.

    Parameters
    ----------
    device : Device
    kernels : of any backend.
    workers : int; how many share every batch. More than one need gradient sums that cannot
        overflow: each adds up its own images, so none sees the sum on its way.

    Attributes
    ----------
    events : {(layer, "forward" | "error" | "gradient"): {"overflows", "saturations", "largest"}}
        since `events.clear()`. overflows: values that did not fit when they were fitted, sums
        and products; saturations: those of them that were clipped; largest: the largest |sum|
        before a fit. Where no overflow is possible nothing is looked at, and all are 0.
    """

    def __init__(self, device, kernels, workers=1):
        self.device, self.kernels, self.workers = device, kernels, workers
        self.exact = ops.Products(kernels)
        self.events = {}

    def forward(self, layer, x, w, window):
        """y = product(x, W); see `ops.conv2d`."""
        plain = expanded(w) if isinstance(w.format, Minifloat) else w
        s = Sum(layer, "forward", self.device.forward, x, plain, prod(w.shape[:-1]))
        if s.accumulator.drop_bits:
            return self._fit(s, shift_each(self.kernels, x, w, window, s.accumulator.drop_bits))
        if not s.is_ordered:
            return self._fit(s, self.exact.forward(layer, x, w, window))
        x_shape, w_shape = _four(x.shape), _four(w.shape)
        window = window.resolve(*x_shape[:2])
        walk = order.forward(x_shape, w_shape, window, s.accumulator.order)
        return self._add(s, walk, x.axes)

    def error(self, layer, e, w, window, input_shape):
        """Error at the input; see `ops.conv2d_error`."""
        terms = prod(w.shape[:-2]) * (w.shape[-1] // window.groups)
        s = Sum(layer, "error", self.device.error, e, w, terms)
        if not s.is_ordered:
            return self._fit(s, self.exact.error(layer, e, w, window, input_shape))
        x_shape, w_shape = _four(input_shape), _four(w.shape)
        window = window.resolve(*x_shape[:2])
        walk = order.error(x_shape, w_shape, window, s.accumulator.order)
        turned = Tensor(w.codes.swapaxes(-1, -2), w.format, w.axes)     # inputs side by side
        return self._add(s._replace(b=turned), walk, e.axes)

    def gradient(self, layer, x, e, window, weight_shape):
        """Gradient at the weights; see `ops.conv2d_gradient`."""
        s = Sum(layer, "gradient", self.device.gradient, x, e, prod(e.shape[:-1]))
        if self.workers > 1 and not s._replace(terms=s.terms * self.workers).is_held:
            raise UsageError(
                f"{layer}: the device may overflow in the sum of a gradient over the batch, which "
                f"{self.workers} workers cannot follow; train with one, or widen [gradient]"
            )
        if not s.is_ordered:
            return self._fit(s, self.exact.gradient(layer, x, e, window, weight_shape))
        x_shape, w_shape = _four(x.shape), _four(weight_shape)
        window = window.resolve(*x_shape[:2])
        walk = order.gradient(x_shape, w_shape, window, s.accumulator.order)
        return self._add(s, walk, "IO" if len(weight_shape) == 2 else "HWIO")

    def _fit(self, s, y):
        """The exact y, fitted in place where it could overflow."""
        if s.is_held:
            self._note(s, 0, 0)
            return y
        accumulator = s.accumulator
        overflows, largest = self.kernels.fit_sums(y.codes, accumulator.bits, accumulator.overflow)
        if overflows and accumulator.overflow is Overflow.TRAP:
            raise trap_sums(s.layer, s.product, y, accumulator)
        self._note(s, overflows, largest)
        return y

    def _add(self, s, walk, axes):
        """The sums of a walk, term by term."""
        accumulator, fmt = s.accumulator, ops.accumulator(s.a.format, s.b.format, s.terms)
        wraps = accumulator.overflow is Overflow.WRAP
        lane, lo, hi, product_limits = _widths(s)
        sums, seen = np.empty(prod(walk.shape), lane), np.empty((len(walk.rows), 2), np.int64)
        a, b = (np.ascontiguousarray(t.codes).reshape(-1) for t in (s.a, s.b))
        self.kernels.ordered_sums(
            sums, seen, a, b, walk.table, walk.rows, walk.terms, walk.lanes,
            accumulator.length(s.terms), lo, hi, *product_limits, wraps,
        )
        shape = walk.shape if len(axes) == 4 else walk.shape[2:]
        y = Tensor(sums.astype(fmt.dtype, copy=False).reshape(shape), fmt, axes)
        overflows, largest = int(seen[:, 0].sum()), int(seen[:, 1].max())
        if overflows and accumulator.overflow is Overflow.TRAP:
            stopped = np.flatnonzero(seen[:, 0])
            raise trap_walk(s.layer, s.product, y, walk, a, b, accumulator, stopped)
        if wraps and s.terms * s.largest > accumulator.limits[1]:
            overflows += self.kernels.fit_sums(y.codes, accumulator.bits, accumulator.overflow)[0]
        self._note(s, overflows, largest)
        return y

    def _note(self, s, overflows, largest):
        clips = s.accumulator.overflow not in (Overflow.WRAP, Overflow.TRAP)
        start = {"overflows": 0, "saturations": 0, "largest": 0}
        event = self.events.setdefault((s.layer, s.product), start)
        event["overflows"] += overflows
        event["saturations"] += overflows if clips else 0
        event["largest"] = max(event["largest"], largest)


def _widths(s):
    """(dtype of a lane, smallest, largest sum between terms, limits of a product or (0, 0)).

    Bound: before a fit a sum is at most the largest it was left with and `length` products more,
    nor more than all its products. A sum that wraps is left alone until the end.
    """
    accumulator, largest = s.accumulator, s.largest
    product_limits = (0, 0)
    if not accumulator.holds_products(largest):
        product_limits = accumulator.product_limits
        largest = min(largest, -product_limits[0])
    lo, hi = accumulator.limits
    reach = s.terms * largest
    if accumulator.overflow is not Overflow.WRAP:
        reach = min(reach, -lo + accumulator.length(s.terms) * largest)
    lane = np.int32 if reach < 1 << 31 else np.int64
    info = np.iinfo(lane)
    if accumulator.overflow is Overflow.WRAP:
        return lane, int(info.min), int(info.max), product_limits
    return lane, max(lo, int(info.min)), min(hi, int(info.max)), product_limits


def _four(shape):
    """A linear layer's shape as that of one pixel and one tap."""
    return tuple(shape) if len(shape) == 4 else (1, 1, *shape)
