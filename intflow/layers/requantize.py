"""The two narrowings of a block: [A] on the way up, [E] on the way down."""

from .. import ops
from .layer import Layer, after


class Requantize(Layer):
    """y = Q_A(x): wide activations to the scheme's A format; errors back through Q_E.

    forward : x (any width) -> y narrow, rounded and saturated by the scheme's slot A.
    backward: error zeroed where x lay outside the range of A (the unrounded x decides), then
    narrowed by slot E. The mask comes first, the maximum of Q_E second.   [WAGE Q_A, Q_E]
    """

    kind = "requantize"

    def build(self, spec, build):
        self.format = build.scheme.activation_format(self.name, spec)
        return after(spec, fmt=self.format)

    def forward(self, x, run):
        address = run.address("activation", self)
        y, mask = run.scheme.activation(run.kernels, x, self.format, address)         # [A]
        run.count_saturated(self, mask)
        return y, mask

    def backward(self, e, saved, run):
        e = ops.mask_error(run.kernels, e, saved)
        return run.scheme.error(run.kernels, e, run.address("error", self))           # [E]

    def settings(self):
        return dict(bits=self.format.bits, frac_bits=self.format.frac_bits)
