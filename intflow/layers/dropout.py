"""Dropout."""

from dataclasses import replace
from fractions import Fraction

from .. import ops
from ..errors import RangeError
from .layer import Layer

MOST_BITS = 8


class Dropout(Layer):
    """y = x or 0 in training, x * (1 - rate) in an evaluation, exact in both.

    The rate is n / 2**b; y has b more fraction bits than x, for the product of the evaluation.
    An error passes where x did. What is left out is drawn by image and layer (`random_streams`).

    Parameters
    ----------
    rate : str or Fraction from 0 to below 1, in 256ths.

    Examples
    --------
    rate 1/4, x = 5 at step 1: y = 20 or 0 at step 1/4; in an evaluation 15.
    """

    kind = "dropout"

    def __init__(self, rate="1/2"):
        self.rate = Fraction(rate)
        if not 0 <= self.rate < 1 or (1 << MOST_BITS) % self.rate.denominator:
            raise RangeError(f"Dropout takes a rate of 0/256 to 255/256, got {rate}; take a near one")
        self.parts, self.bits = self.rate.numerator, self.rate.denominator.bit_length() - 1

    def build(self, spec, build):
        return replace(spec, format=self.proven(ops.dropout_format, spec.format, self.bits),
                       is_input=False)

    def forward(self, x, run):
        if not self.bits:
            return x, None
        if not run.keep:
            return ops.dropout_mean(run.kernels, x, self.parts, self.bits), None
        return ops.dropout(run.kernels, x, self.parts, self.bits, run.address("dropout", self))

    def backward(self, e, saved, run):
        return e if saved is None else ops.mask_error(run.kernels, e, saved)

    def settings(self):
        return dict(rate=str(self.rate))
