"""Branches side by side."""

from functools import reduce

from .. import ops
from .layer import Layer, Spec
from .sequential import Sequential


class Concatenate(Layer):
    """y = the outputs of all branches, channels one after the other, at the finest step.

    Where branches end in different formats, codes of a grid whose step is no power of two are first
    multiplied by a short constant that makes it one; so are their errors.

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
        self.formats = [s.format for s in specs]
        self.is_mixed = any(fmt != self.formats[0] for fmt in self.formats)
        plain = ops.plain_format if self.is_mixed else lambda fmt: fmt
        fmt = self.proven(ops.common_format, [plain(fmt) for fmt in self.formats])
        shape = sum(self.channels), *specs[0].shape[1:]
        return Spec(shape, fmt, nonnegative=all(s.nonnegative for s in specs))

    def forward(self, x, run):
        outputs, trails = zip(*(branch.forward(x, run) for branch in self.branches))
        if self.is_mixed:
            outputs = [ops.plain(run.kernels, *pair) for pair in zip(outputs, self.formats)]
        return ops.concatenate(run.kernels, outputs), trails

    def backward(self, e, saved, run):
        below, first = [], 0
        for branch, kept, channels, fmt in zip(self.branches, saved, self.channels, self.formats):
            part = ops.channels_of(e, first, channels)
            if self.is_mixed:
                part = ops.plain(run.kernels, part, fmt)
            below.append(branch.backward(part, kept, run))
            first += channels
        if any(b is None for b in below):
            return None
        return reduce(lambda a, b: ops.add_errors(run.kernels, a, b), below)
