"""Stepping a run of layers by fused kernels: the same bits as layer by layer.

Wide sums are never stored on the way up. On the way down the error product already knows which of
its values the layer below will let pass, and the largest of them, so that the narrowing [E] is
one pass: errors carry that maximum from one run to the next.
"""

from typing import NamedTuple

from .. import ops
from .blocks import find_runs
from .max_pool2d import MaxPool2d
from .relu import ReLU
from .requantize import Requantize
from .weighted import Weighted


class Kept(NamedTuple):
    """What a Block needs to go backward.

    product : what its product saved: (x, w, factors).
    passed : packed masks of the Requantize and of the ReLU.
    winner, shape : of the pool, and of its input's codes.
    """

    product: tuple = None
    passed: object = None
    winner: object = None
    shape: tuple = None


class Block:
    """A product with its pool, ReLU and Requantize, or some of them.

    Parameters
    ----------
    run : blocks.Parts that end in a Requantize, or a product alone.
    """

    def __init__(self, run):
        self.product, self.pool = run.of(Weighted), run.of(MaxPool2d)
        self.relu, self.requantize = run.of(ReLU) is not None, run.of(Requantize)

    def forward(self, x, run):
        """(y, Kept)"""
        if self.product is None:
            return self._follow(x, None, run)
        w = self.product.read(run)
        if self.requantize is None:
            return self.product.multiply(x, w, run), Kept((x, w, None))
        bias = self.product.bias and self.product.bias.master
        if run.products.can_fuse(x, w, bias):
            return self._fuse(x, w, bias, run)
        return self._follow(self.product.multiply(x, w, run), (x, w, None), run)

    def _follow(self, x, saved, run):
        """What follows the product, apart from it: the pool, then ReLU and Requantize in one."""
        winner = shape = None
        if self.pool is not None:
            shape = x.codes.shape
            x, winner = ops.max_pool2d(run.kernels, x, self.pool.window)
        y, passed = ops.requantize_packed(run.kernels, x, self.relu, *self._narrowing(run))
        return self._done(y, Kept(saved, passed, winner, shape), run)

    def _fuse(self, x, w, bias, run):
        """All of it in one kernel."""
        product, pool = self.product, self.pool
        y, passed, winner = run.products.requantized(
            x, w, product.window, bias, pool and pool.window, self.relu, *self._narrowing(run))
        shape = pool and (*product.window.output_size(*x.codes.shape[:2]), *y.codes.shape[2:])
        return self._done(y, Kept((x, w, None), passed, winner, shape), run)

    def _narrowing(self, run):
        """(format, rounding) of slot A, and whether masks are wanted."""
        rounding = run.scheme.rounding["activation"]
        return self.requantize.format, rounding, run.keep or run.saturated is not None

    def _done(self, y, kept, run):
        if run.saturated is not None:
            passed = ops.count_passed(kept.passed)
            run.note_saturated(self.requantize, y.codes.size - passed, y.codes.size)
        return y, kept

    # backward ------------------------------------------------------------------------------

    def narrow(self, e, largest, kept, run):
        """The error at the product, or at the run's input: slot E, the ReLU, the pool.

        largest : maximum of |e| where it passes the Requantize, or None: not yet known.
        """
        if self.requantize is None:
            return e
        if largest is None:
            largest = ops.max_passed(run.kernels, e, kept.passed)
        bits, rounding = run.scheme.error_format().bits, run.scheme.rounding["error"]
        e = ops.narrow_error(run.kernels, e, kept.passed, run.group.maximum(largest), bits,
                             rounding)
        if self.pool is None:
            return e
        return ops.max_pool2d_error(run.kernels, e, kept.winner, self.pool.window, kept.shape)

    def send(self, e, kept, run, below):
        """(error below, its maximum or None); e as `narrow` gives it.

        below : packed masks that the error will have to pass next, or None.
        """
        if self.product is None:
            return e, None
        e = self.product.learn(e, kept.product, run)
        if self.product.is_first:
            return None, None
        if below is None:
            return self.product.send(e, kept.product, run), None
        x, w, _ = kept.product
        return run.products.error_masked(e, w, self.product.window, x.codes.shape, below)


class Fused:
    """The layers of a Sequential, run by run.

    Parameters
    ----------
    layers : list of Layer, built.
    """

    def __init__(self, layers):
        self.parts = [Block(run) if len(run) > 1 or isinstance(run[0], (Weighted, Requantize))
                      else run[0] for run in find_runs(layers)]

    def forward(self, x, run):
        """(y, what every part saved)"""
        trail = []
        for part in self.parts:
            x, saved = part.forward(x, run)
            trail.append(saved if run.keep else None)
        return x, trail

    def backward(self, e, saved, run):
        """The error below, or None; `saved` is used up, so that memory is free again early."""
        largest = None
        for part in reversed(self.parts):
            kept = saved.pop()
            if not isinstance(part, Block):
                e, largest = part.backward(e, kept, run), None
            else:
                below = saved[-1].passed if saved and isinstance(saved[-1], Kept) else None
                e = part.narrow(e, largest, kept, run)
                e, largest = part.send(e, kept, run, below)
            if e is None:
                return None
        return e
