"""Batch normalisation by stored statistics: an affine map of every channel."""

from dataclasses import replace
from fractions import Fraction

from .. import ops
from .layer import Layer
from .weighted import Weighted


class BatchNorm2d(Layer):
    """y[n,c,h,w] = x[n,c,h,w] * A[c] + B[c], exact.

    A holds integer multipliers of one step 2**-n for the layer, B integers at the step of x times
    2**-n, so nothing is rounded; y is as wide as that takes. What A and B stand for is decided
    where published statistics are read: A = gamma / sqrt(variance + epsilon), B = beta - mean * A.

    The scheme says what becomes of the layer. "none": the identity (WAGE scales by a constant
    instead). "folded": the identity where it stands right behind a Conv2d or Linear, whose weights
    and bias then hold A and B; else as "affine". "affine": the map above.

    Parameters
    ----------
    epsilon : str or Fraction; added to the variance.

    Examples
    --------
    x = 100 at step 1/8, A = 3 at step 1/4, B = -20: y = 280 at step 1/32.
    """

    kind = "batch_norm2d"

    def __init__(self, epsilon="1/100000"):
        self.epsilon = Fraction(epsilon)
        self.channels = self.scale = self.bias = self.folded_into = None

    def prepare(self, before, build):
        if build.scheme.batch_norm == "folded" and isinstance(before, Weighted):
            self.folded_into, before.folds = before, self

    def build(self, spec, build):
        self.channels = channels = self.expect_pixels(spec)[0]
        if build.scheme.batch_norm == "none" or self.folded_into:
            return spec
        fmt = build.scheme.scale_format(self.name)
        product = self.proven(ops.accumulator, spec.format, fmt, 1)
        bias = build.scheme.bias_format(self.name, product)
        total = self.proven(ops.sum_format, product, bias)
        self.scale = build.vector(self.name, "scale", channels, fmt)
        self.bias = build.vector(self.name, "bias", channels, bias)
        return replace(spec, format=total, is_input=False, nonnegative=False)

    def parameters(self):
        return [p for p in (self.scale, self.bias) if p is not None]

    def forward(self, x, run):
        if self.scale is None:
            return x, None
        run.record(self, scale=self.scale.master, bias=self.bias.master)
        return ops.scale_channels(run.kernels, x, self.scale.master, self.bias.master), None

    def backward(self, e, saved, run):
        if self.scale is None:
            return e
        self.refuse_training()

    def settings(self):
        return dict(epsilon=str(self.epsilon))
