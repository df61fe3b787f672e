"""Branches side by side."""

from functools import reduce

from .. import ops
from ..formats import Tensor
from .layer import Layer, Spec
from .sequential import Sequential


class Concatenate(Layer):
    """y = the outputs of all branches, channels one after the other, at the finest step.

    backward: every branch gets its run of channels; the errors at x add up, steps aligned.

    Parameters
    ----------
    *branches : layers; a list or tuple stands for a Sequential.
    """

    kind = "concatenate"

    def __init__(self, *branches):
        self.branches = [
            Sequential(*(b if isinstance(b, (list, tuple)) else [b])) for b in branches
        ]

    def children(self):
        return self.branches

    def build(self, spec, build):
        specs = [branch.build(spec, build) for branch in self.branches]
        if not specs or any(s.shape[1:] != specs[0].shape[1:] for s in specs):
            self.refuse(f"branches of one image size, but they end in {[s.shape for s in specs]}",
                        spec, "pad or pool the branches alike")
        self.channels = [s.shape[0] for s in specs]
        fmt = self.proven(ops.common_format, [s.format for s in specs])
        shape = sum(self.channels), *specs[0].shape[1:]
        return Spec(shape, fmt, nonnegative=all(s.nonnegative for s in specs))

    def forward(self, x, run):
        outputs, trails = zip(*(branch.forward(x, run) for branch in self.branches))
        return ops.concatenate(run.kernels, outputs), trails

    def backward(self, e, saved, run):
        below, first = [], 0
        for branch, kept, channels in zip(self.branches, saved, self.channels):
            part = e.codes[..., first:first + channels].copy()
            below.append(branch.backward(Tensor(part, e.format, e.axes), kept, run))
            first += channels
        if any(b is None for b in below):
            return None
        return reduce(lambda a, b: ops.add(run.kernels, a, b), below)
