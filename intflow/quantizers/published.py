"""Schemes whose networks come from a file of published weights: what is common to them.

Calibration walks the network once, layer by layer, and asks the scheme for codes and formats of
what it meets; the formats it answers with are kept in `formats`, by layer or parameter. Published
numbers come as integers of up to 62 bits, so that nothing here knows a float.

Lingo: the *place* of a tensor is INNER, END (what the first or the last layer with weights
multiplies), or TRUNK (the sum of a residual block, behind its ReLU).
"""

from fractions import Fraction

import numpy as np

from .. import ops
from ..errors import UsageError
from ..formats import Fixed, Rounding, Tensor
from .ranges import format_that_holds, multipliers
from .scheme import Scheme, plain_shift

INPUT_BITS = 9              # u8 pixels minus the mean of their channel
SCALE_BITS = 16             # of a batch norm's multipliers, aligned to one step
FINER = 16                  # bits of their products below the step of the biases


class Published(Scheme):
    """Slots W and A of a network read from a file; E and G are empty until a subclass fills them.

    Subclasses set `weights` (the format of all weights before calibration), `activation_bits`, and
    define `encode_weight` and `range_of`.

    Where it `tunes`, the subclass also fills E and G, and `tune`.

    factor_bits : significant bits of a batch norm's multipliers.
    equalises : whether filters before a batch norm are brought to one range first.
    corrects : whether a batch norm's statistics follow what quantisation does to its input.
    """

    loss = "softmax"
    biases = True
    trained = ()
    converts = True
    factor_bits = SCALE_BITS
    roundings = {**dict.fromkeys(("weight", "activation", "error"), Rounding.HALF_EVEN),
                 "gradient": Rounding.STOCHASTIC}
    equalises = False
    corrects = False

    # what calibration asks -----------------------------------------------------------------

    def keep(self, name, fmt):
        """Note a format that calibration chose, and pass it on."""
        self.formats[name] = fmt
        return fmt

    def encode_weight(self, kernels, name, w, place):
        """w, a Tensor of up to 62 bits, as codes of the layer's own format."""
        raise NotImplementedError

    def range_of(self, kernels, x, bits, nonnegative, place):
        """The format of `bits` that narrows x, all values seen in one place."""
        raise NotImplementedError

    def encode_master(self, kernels, name, w, codes):
        """What is stored of w, whose product codes are `codes`: these, where nothing trains."""
        return codes

    def tune(self):
        """Let what is converted from here on be trained; UsageError where no training is known."""
        self._refuse()

    def weight_bits_at(self, place):
        """Bits of the weights in a place."""
        return self.weights.bits

    def bits_at(self, place):
        """Bits of the activations in a place."""
        return self.activation_bits

    def fit_activation(self, kernels, name, x, nonnegative, place):
        """The format that narrows x at the layer `name`; codes narrow enough keep theirs."""
        bits = self.bits_at(place)
        if x.format.bits <= bits and x.format.signed != nonnegative:
            return self.keep(name, x.format)
        return self.keep(name, self.range_of(kernels, x, bits, nonnegative, place))

    def encode_affine(self, kernels, name, a, b, x):
        """(multipliers, biases) of a batch norm behind sums of the format x.

        a, b : Tensors C of up to 62 bits.

        The multipliers share a step, no finer than makes that of the products 2**-FINER of the
        biases': a layer that hardly says anything would ask for sums of more than 64 bits.
        """
        scale = multipliers(kernels, a, SCALE_BITS, self.factor_bits)
        finest = format_that_holds(kernels, b, 32).frac_bits + FINER - x.frac_bits
        fmt = Fixed(SCALE_BITS, min(scale.format.frac_bits, finest), symmetric=True)
        scale = ops.requantize(kernels, scale, self.keep(f"{name}.scale", fmt), Rounding.HALF_EVEN)
        return scale, self.encode_bias(kernels, name, b, ops.accumulator(x, fmt, 1))

    def encode_bias(self, kernels, name, b, product):
        """b, a Tensor C of up to 62 bits, at the step of the product, or coarser where 32 bits end.

        31 bits where the product has no more, so that the sum stays in 32.
        """
        fmt = format_that_holds(kernels, b, 31 if product.bits <= 31 else 32)
        fmt = Fixed(fmt.bits, min(fmt.frac_bits, product.frac_bits), symmetric=True)
        return ops.requantize(kernels, b, self.keep(f"{name}.bias", fmt), Rounding.HALF_EVEN)

    # W -------------------------------------------------------------------------------------

    def weight_format(self, name, fan_in):
        """Codes of the products: those of the layer's own format, once it has weights."""
        return self.formats.get(f"{name}.weight", self.weights)

    def master_format(self, name, fan_in):
        """Stored weights: the codes of the products."""
        return self.weight_format(name, fan_in)

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """Zeros, to be replaced by the weights of a file."""
        fmt = self.master_format(name, fan_in)
        return Tensor(np.zeros(shape, fmt.dtype), fmt, "HWIO" if len(shape) == 4 else "IO")

    def weight(self, kernels, parameter, address=None):
        """The stored codes are the codes of the products."""
        return parameter.master

    # A -------------------------------------------------------------------------------------

    def input_format(self):
        """Images: u8 minus the mean of its channel, an integer; its step is one of `formats`."""
        return self.formats.get("input", Fixed(INPUT_BITS, 0))

    def activation_format(self, name, spec):
        """The layer's own radix point; before calibration, a range of [0, 1) or [-1, 1)."""
        signed = not spec.nonnegative
        default = Fixed(self.activation_bits, self.activation_bits - signed, signed, signed)
        return self.formats.get(name, default)

    @plain_shift
    def activation(self, kernels, x, fmt, address=None):
        """Shift, round, saturate."""
        return ops.requantize_masked(kernels, x, fmt, self.rounding["activation"], address)

    # E and G -------------------------------------------------------------------------------

    def error_format(self):
        """No errors flow; the width stands in proofs of products that are never made."""
        return Fixed(2, 1, symmetric=True)

    def error(self, kernels, e, address=None):
        self._refuse()

    def update(self, kernels, parameter, rate, seed, step):
        self._refuse()

    def default_rate(self):
        """None is used."""
        return Fraction(1)

    def check_rate(self, rate):
        self._refuse()

    def _refuse(self):
        raise UsageError(
            f"the {self.name} scheme evaluates networks read from a file and trains none; use "
            "intflow eval --from FILE, or another scheme"
        )


def in_blocks(function, codes, size=1 << 22):
    """function(codes) in runs of `size`, for functions that take many temporary arrays."""
    flat = codes.reshape(-1)
    starts = range(0, max(1, flat.size), size)
    parts = [function(flat[first:first + size]) for first in starts]
    return np.concatenate(parts).reshape(codes.shape)
