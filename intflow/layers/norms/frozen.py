"""Normalisation by stored statistics: an affine map of every channel."""

from dataclasses import replace

from ... import ops
from .norm import Norm


class Frozen(Norm):
    """y[n,c,h,w] = x[n,c,h,w] * A[c] + B[c], exact.

    A holds integer multipliers of one step 2**-n for the layer, B integers at the step of x times
    2**-n, so nothing is rounded; y is as wide as that takes. What A and B stand for is decided
    where published statistics are read: A = gamma / sqrt(variance + epsilon), B = beta - mean * A.

    backward: e' = e * A, exact; the gradients are sum(e * x) at A and sum(e) at B.

    Examples
    --------
    x = 100 at step 1/8, A = 3 at step 1/4, B = -20: y = 280 at step 1/32. e = 5: e' = 15.
    """

    def build(self, spec, build):
        layer = self.layer
        fmt = build.scheme.scale_format(layer.name)
        product = layer.proven(ops.accumulator, spec.format, fmt, 1)
        bias = build.scheme.bias_format(layer.name, product)
        total = layer.proven(ops.sum_format, product, bias)
        layer.scale = build.vector(layer.name, "scale", layer.channels, fmt)
        layer.bias = build.vector(layer.name, "bias", layer.channels, bias)
        return replace(spec, format=total, is_input=False, nonnegative=False)

    def forward(self, x, run):
        a, b = self.layer.scale.master, self.layer.bias.master
        return ops.scale_channels(run.kernels, x, a, b), x

    def backward(self, e, saved, run):
        layer = self.layer
        if "scale" in run.scheme.trained or "bias" in run.scheme.trained:
            layer.bias.gradient, layer.scale.gradient = layer.proven(
                ops.channel_gradients, run.kernels, e, saved, run.group)
        return layer.proven(ops.multiply_channels, run.kernels, e, layer.scale.master)
