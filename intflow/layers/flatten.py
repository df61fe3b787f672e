"""From pixels to features."""

from math import prod

from .. import ops
from .layer import Layer, after


class Flatten(Layer):
    """(N, C, H, W) -> (N, C*H*W), features in the order C, H, W."""

    kind = "flatten"

    def build(self, spec, build):
        self.expect_pixels(spec)
        return after(spec, shape=(prod(spec.shape),))

    def forward(self, x, run):
        return ops.flatten_bits(run.kernels, x), x.shape

    def backward(self, e, saved, run):
        return ops.unflatten(e, saved)
