"""A branch beside a short cut."""

from .. import ops
from .layer import Layer, Spec
from .sequential import Sequential


class Residual(Layer):
    """y = body(x) + shortcut(x), exact: the steps are aligned, nothing is narrowed.

    backward: e goes down both ways and the two errors add up, again with aligned steps.

    Parameters
    ----------
    *body : layers of the branch, in order.
    shortcut : layer or None (the identity).
    """

    kind = "residual"

    def __init__(self, *body, shortcut=None):
        self.body = Sequential(*body)
        self.shortcut = Sequential() if shortcut is None else Sequential(shortcut)

    def children(self):
        return [self.body, self.shortcut]

    def build(self, spec, build):
        body = self.body.build(spec, build)
        short = self.shortcut.build(spec, build)
        if body.shape != short.shape:
            self.refuse(f"branches of one shape, but its body ends in {body.shape}", short,
                        "give it a shortcut layer that makes the same shape")
        fmt = self.proven(ops.sum_format, body.format, short.format)
        return Spec(body.shape, fmt, nonnegative=body.nonnegative and short.nonnegative)

    def forward(self, x, run):
        y, body = self.body.forward(x, run)
        z, short = self.shortcut.forward(x, run)
        return ops.add(run.kernels, y, z), (body, short)

    def backward(self, e, saved, run):
        body, short = saved
        below = self.body.backward(e, body, run)
        beside = self.shortcut.backward(e, short, run)
        if below is None or beside is None:
            return None
        return ops.add_errors(run.kernels, below, beside)
