"""Minifloat weights, fixed-point activations (Lai, Suda, Chandra, 2017): inference after the fact.

A pretrained network keeps its weights as small floats, whose range is that of every layer, and its
activations as fixed-point codes whose radix point is chosen layer by layer. The datapath multiplies by
the significand, shifts by the exponent and adds in fixed point (ops/minifloat.py). Weights in fixed
point stand beside it for comparison: `s8` takes one radix point a layer.

Nothing is trained here: G and E are empty, and a training step is refused.
"""

import numpy as np

from .. import ops
from ..errors import FormatError, UsageError
from ..formats import Fixed, Minifloat, Rounding, Tensor, parse_format
from .scheme import WIDE_OPERAND, Scheme

WIDEST_ACTIVATION = 8
INPUT_BITS = 9              # u8 pixels minus the mean of their channel


class FloatWeight(Scheme):
    """The slots W and A of a network read from a file.

    Parameters
    ----------
    weights : Minifloat or Fixed, or the name of one: "e4m3", "1-4-3", "e4m3b9", "s8". The bias of
        a Minifloat without one in its name, and the radix point of Fixed, are chosen for every
        layer from its weights and kept in `formats`.
    activations : int, 2..8; unsigned behind a ReLU, signed elsewhere.
    """

    name = "float-weight"
    loss = "softmax"
    biases = True
    batch_norm = "folded"
    trained = ()

    def __init__(self, weights="e4m3", activations=8):
        super().__init__(f"{weights},{activations}")
        self.weights = _weights(weights)
        if not 2 <= activations <= WIDEST_ACTIVATION:
            raise FormatError(
                f"activations have 2 to {WIDEST_ACTIVATION} bits under float-weight, got {activations}"
            )
        self.activation_bits = activations

    @classmethod
    def parse(cls, bits):
        """From "WEIGHTS,ACTIVATIONS": "e4m3,8"; activations may be left out."""
        weights, comma, activations = str(bits).partition(",")
        if comma and not activations.strip().isdecimal():
            raise FormatError(f'float-weight takes "WEIGHTS,ACTIVATION BITS" such as e4m3,8, got {bits}')
        return cls(weights.strip(), int(activations) if comma else WIDEST_ACTIVATION)

    # W -------------------------------------------------------------------------------------

    def weight_format(self, name, fan_in):
        """Codes of the products: those of the layer's own format, once it has weights."""
        return self.formats.get(f"{name}.weight", self.weights)

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """Zeros, to be replaced by the weights of a file."""
        fmt = self.weight_format(name, fan_in)
        return Tensor(np.zeros(shape, fmt.dtype), fmt, "HWIO" if len(shape) == 4 else "IO")

    def weight(self, kernels, parameter):
        """The stored codes are the codes of the products."""
        return parameter.master

    # A -------------------------------------------------------------------------------------

    def input_format(self):
        """Images: u8 minus the mean of its channel, an integer; one unit is one grey level."""
        return Fixed(INPUT_BITS, 0)

    def activation_format(self, name, spec):
        """The layer's own radix point; before calibration, a range of [0, 1) or [-1, 1)."""
        signed = not spec.nonnegative
        default = Fixed(self.activation_bits, self.activation_bits - signed, signed, signed)
        return self.formats.get(name, default)

    def activation(self, kernels, x, fmt):
        """Shift, half-even, saturate."""
        return ops.requantize_masked(kernels, x, fmt, Rounding.HALF_EVEN)

    # E and G -------------------------------------------------------------------------------

    def error_format(self):
        """No errors flow; the width stands in proofs of products that are never made."""
        return Fixed(2, 1, symmetric=True)

    def error(self, kernels, e):
        self._refuse()

    def update(self, kernels, parameter, rate, seed, step):
        self._refuse()

    def default_rate(self):
        """None is used."""
        return 1

    def check_rate(self, rate):
        self._refuse()

    def _refuse(self):
        raise UsageError(
            f"the {self.name} scheme evaluates networks read from a file and trains none; use intflow "
            "eval --from FILE, or another scheme"
        )


def _weights(weights):
    """The format of the weights of every layer, from its name or as it is."""
    fmt = parse_format(weights) if isinstance(weights, str) else weights
    if isinstance(fmt, Fixed):
        if not (fmt.signed and 2 <= fmt.bits <= WIDE_OPERAND):
            raise FormatError(
                f"fixed-point weights are signed and have 2 to {WIDE_OPERAND} bits, got {fmt}; write s8"
            )
        return Fixed(fmt.bits, fmt.frac_bits, symmetric=True)
    if not isinstance(fmt, Minifloat):
        raise FormatError(f"weights are minifloats or fixed point, got {fmt}; write e4m3 or s8")
    if fmt.mantissa_bits > 10 or fmt.specials != "none":
        raise FormatError(
            f"minifloat weights have at most 10 mantissa bits and no infinities, got {fmt}; write e4m3"
        )
    return fmt
