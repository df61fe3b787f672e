"""Rectified linear unit."""

from dataclasses import replace

from .. import ops
from .layer import Layer


class ReLU(Layer):
    """y = max(x, 0); the error passes where x > 0."""

    kind = "relu"

    def build(self, spec, build):
        return replace(spec, nonnegative=True)

    def forward(self, x, run):
        return ops.relu(run.kernels, x)

    def backward(self, e, saved, run):
        return ops.mask_error(run.kernels, e, saved)
