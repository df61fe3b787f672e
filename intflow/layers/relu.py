"""Rectified linear unit."""

from dataclasses import replace

from .. import ops
from .layer import Layer


class ReLU(Layer):
    """y = max(x, 0); the error passes where x > 0. The identity where the scheme does not rectify.

    QNN's hard-tanh, which then takes its place, is in the Requantize behind it.
    """

    kind = "relu"
    rectifies, before = True, None

    def prepare(self, before, build):
        self.rectifies, self.before = build.scheme.rectifies, before

    def build(self, spec, build):
        return replace(spec, nonnegative=True) if self.rectifies else spec

    def forward(self, x, run):
        return ops.relu(run.kernels, x) if self.rectifies else (x, None)

    def backward(self, e, saved, run):
        return ops.mask_error(run.kernels, e, saved) if self.rectifies else e
