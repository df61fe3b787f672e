"""Tokens into vectors: one row of the weight a token."""

import numpy as np

from .. import ops
from ..formats import Tensor
from .layer import Layer, Spec


class Embedding(Layer):
    """y = W[x].   x (N, 1) tokens, W (I, O) narrow -> y (N, O) narrow: the codes of a row as they are.

    forward : rows of the weight behind slot W, whose codes are activations.
    backward: g[i] = sum of the errors at the rows that read i, exact; nobody needs an error at tokens.

    Parameters
    ----------
    tokens : int; size of the vocabulary.
    units : int; numbers in a row.
    """

    kind = "embedding"
    weight = None

    def __init__(self, tokens, units):
        self.tokens, self.units = tokens, units

    def build(self, spec, build):
        build.scheme.expect_recurrent(self.name)
        if not spec.is_input or spec.shape != (1,):
            self.refuse("(N, 1) tokens", spec, "put it first and train it on text")
        # One row answers a token: fan_in 1 tells the scheme that the codes are activations.
        self.weight = build.parameter(self.name, (self.tokens, self.units), 1)
        self.weight_format = build.scheme.weight_format(self.name, 1)
        self.rows = spec.steps * build.batch_size
        self.bound_bits = {}
        return Spec((self.units,), self.weight_format, steps=spec.steps)

    def parameters(self):
        return [self.weight]

    def forward(self, x, run):
        w = self.weight.codes or self.narrowed_weight(run)                                # [W]
        run.record(self, weight=self.weight.master, weight_q=w)
        tokens = x.codes[:, 0]
        return ops.take_rows(w, tokens), tokens

    def narrowed_weight(self, run):
        """The codes of all rows."""
        return run.scheme.weight(run.kernels, self.weight, run.address("weight", self))

    def backward(self, e, saved, run):
        self.weight.gradient = self.proven(ops.sum_rows, e, saved, self.tokens)
        run.record(self, gradient=self.weight.gradient)
        if run.recorder is None:
            return None
        return Tensor(np.zeros((len(saved), 1), e.codes.dtype), e.format, "NC")

    def settings(self):
        return dict(tokens=self.tokens, units=self.units)
