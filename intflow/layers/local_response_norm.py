"""Local response normalisation, as AlexNet and GoogLeNet were published with."""

from fractions import Fraction

from .. import ops
from .layer import Layer, after


class LocalResponseNorm(Layer):
    """y = x * (k + alpha / size * sum of x**2 over `size` neighbour channels)**-beta.

    In fixed point: the sum of squares is exact; k + alpha / size * sum has 24 fraction bits, its
    factor 16 bits; the power has 20 fraction bits, from a table of 256 knots for every power of
    two and lines between them; the product with x is exact, at 2**-20 of the step of x. For
    inference: there is no backward pass.

    Parameters
    ----------
    size : int; channels in the sum, c itself among them.
    alpha, beta, k : Fraction, str or int.
    """

    kind = "local_response_norm"
    trains = False

    def __init__(self, size=5, alpha="1/10000", beta="3/4", k=1):
        self.size = size
        self.alpha, self.beta, self.k = Fraction(alpha), Fraction(beta), Fraction(k)

    def build(self, spec, build):
        self.expect_pixels(spec)
        self.constants = self.proven(
            ops.response, spec.format, self.size, self.alpha, self.beta, self.k
        )
        return after(spec, fmt=self.constants.format(spec.format))

    def forward(self, x, run):
        return ops.local_response_norm(run.kernels, x, self.constants), None

    def backward(self, e, saved, run):
        self.refuse_training()

    def settings(self):
        return dict(size=self.size, alpha=str(self.alpha), beta=str(self.beta), k=str(self.k))
