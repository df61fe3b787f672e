"""Minifloat weights, fixed-point activations (Lai, Suda, Chandra, 2017): inference after the fact.

A pretrained network keeps its weights as small floats, whose range is that of every layer, and its
activations as fixed-point codes whose radix point is chosen layer by layer. The datapath multiplies by
the significand, shifts by the exponent and adds in fixed point (ops/minifloat.py). Weights in fixed
point stand beside it for comparison: `s8` takes one radix point a layer.

Nothing is trained here: G and E are empty, and a training step is refused.
"""

import re
from dataclasses import replace
from fractions import Fraction

from .. import ops
from ..errors import FormatError
from ..formats import Fixed, Minifloat, Rounding, Tensor, parse_format
from ..formats.minifloat_codec import best_bias, encode_integers
from .published import Published, in_blocks
from .ranges import format_for, format_that_holds, top_of
from .scheme import WIDE_OPERAND

WIDEST_ACTIVATION = 8
OUTSIDE = Fraction(1, 10_000)       # of the activations seen, to saturate


class FloatWeight(Published):
    """The slots W and A of a network read from a file.

    Parameters
    ----------
    weights : Minifloat or Fixed, or the name of one: "e4m3", "1-4-3", "e4m3b9", "s8". The bias of
        a Minifloat without one in its name, and the radix point of Fixed, are chosen for every
        layer from its weights and kept in `formats`.
    activations : int, 2..8; unsigned behind a ReLU, signed elsewhere.

    Attributes
    ----------
    per_layer : whether the bias or radix point is chosen for every layer.
    """

    name = "float-weight"
    default_bits = "e4m3,8"
    batch_norm = "folded"

    def __init__(self, weights="e4m3", activations=8, rounding=None, random=None, options=None):
        super().__init__(f"{weights},{activations}", rounding, random, options)
        self.weights = _weights(weights)
        if not 2 <= activations <= WIDEST_ACTIVATION:
            raise FormatError(
                f"activations have 2 to {WIDEST_ACTIVATION} bits under float-weight, got {activations}"
            )
        self.activation_bits = activations
        self.per_layer = _is_open(weights, self.weights)

    @property
    def is_minifloat(self):
        """Whether weights are minifloats; else they are in fixed point."""
        return isinstance(self.weights, Minifloat)

    @classmethod
    def parse(cls, bits, rounding=None, random=None, options=None):
        """From "WEIGHTS,ACTIVATIONS": "e4m3,8"; activations may be left out."""
        weights, comma, activations = str(bits or cls.default_bits).partition(",")
        if comma and not activations.strip().isdecimal():
            raise FormatError(f'float-weight takes "WEIGHTS,ACTIVATION BITS" such as e4m3,8, got {bits}')
        activations = int(activations) if comma else WIDEST_ACTIVATION
        return cls(weights.strip(), activations, rounding, random, options)

    # what calibration asks -----------------------------------------------------------------

    def encode_weight(self, kernels, name, w, place):
        """Nearest codes; the layer's bias or radix point is such that its largest weight fits.

        A Minifloat's largest exponent becomes that of the largest weight, which saturates where
        it rounds up beyond.  [FLOAT encode]
        """
        fmt = self.keep(f"{name}.weight", self._fit_weight(kernels, w))
        if isinstance(fmt, Fixed):
            return ops.requantize(kernels, w, fmt, Rounding.HALF_EVEN)
        codes = in_blocks(lambda part: encode_integers(part, w.format.frac_bits, fmt), w.codes)
        return Tensor(codes, fmt, w.axes)

    def _fit_weight(self, kernels, w):
        if not self.per_layer:
            return self.weights
        if isinstance(self.weights, Fixed):
            return format_that_holds(kernels, w, self.weights.bits)
        top = kernels.max_abs(w.codes).bit_length() - 1 - w.format.frac_bits
        return replace(self.weights, bias=best_bias(top, self.weights))

    def range_of(self, kernels, x, bits, nonnegative, place):
        """The range that all but one in 10,000 of the values seen lie in."""
        return format_for(x, top_of(kernels, x, OUTSIDE), bits, not nonnegative)


def _is_open(weights, fmt):
    """Whether a bias or radix point was left open: by the name, else where it is the usual one.

    Examples
    --------
    "e4m3" and "s8" are open; "e4m3b7", the same format, is not, nor is "Q0.7".
    """
    if isinstance(weights, str):
        return not re.search(r"b-?\d|[.<]", weights, re.IGNORECASE)
    if isinstance(fmt, Minifloat):
        return fmt.bias == (1 << fmt.exponent_bits - 1) - 1
    return fmt.frac_bits == 0


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
