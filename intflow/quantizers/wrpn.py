"""WRPN: wide networks of few bits (Mishra et al., 2017), trained from scratch with momentum.

Lingo: k bits of W or A; L levels above zero, 2**k - 1 for A and 2**(k-1) - 1 for W; p the pre-scale.
The paper's grids have steps 1/L, which are no powers of two: products go by the power of two next
to it, and what is missing is taken in once a layer, by the batch norm behind it, to which a constant
factor is nothing, or by a multiplier of 8 bits where none follows. On the way back the slope of each
grid, L / 2**n, is exact.

What the paper leaves to floats, and integers ask for:

    master weights    16 bits, 2**p times the true weight, clipped to [-1, 1]; p brings the deviation
                      of the initial weights to about 1/2, or few bits would start as zeros alone
    residual sums     8 bits of range [0, 16), which convolutions read cut at 2
    ends              8 bits (option `ends`) for the first and the last layer and what the last reads
    batch norm        integer statistics, 1/8 of the way in a step (layers/norms/integer.py)
    E, G              16 bits by the largest value, their exponent kept; E of 8 bits and less, and G,
                      are rounded stochastically
"""

from fractions import Fraction
from math import isqrt, prod

import numpy as np

from .. import ops
from ..errors import FormatError, RangeError, UsageError
from ..formats import Binary, Fixed, Packed, Rounding, Tensor, levels
from .places import END, INNER, TRUNK, places_of
from .scheme import Scheme, operand_bits
from .wage import decompose_rate

MASTER_BITS = 16
UNIT = 1 << (MASTER_BITS - 2)           # the code of a stored weight of 1
SUM = Fixed(8, 4, signed=False)         # residual sums
SIGNED = Fixed(8, 4, symmetric=True)    # what no ReLU stands before
FACTOR_BITS = 8
MEAN = Fixed(16, 14, symmetric=True)    # the mean of |w| of a filter of one bit
COARSE = 8                              # errors of so many bits and less are rounded stochastically


def prescale(fan_in):
    """log2 of how much larger weights are stored: 1/2 over their deviation.  [WRPN pre-scale]

    The deviation is sqrt(2 / fan_in); the logarithm is rounded, and at least 0.

    Examples
    --------
    144: sqrt(144 / 8) = 4.2, so 2.
    """
    return max(0, (fan_in.bit_length() - 3) // 2)


class Wrpn(Scheme):
    """The slots of WRPN, for 1 to 8 bits in W and A, 2 to 16 in G and E, or 32 for wide.

    Parameters
    ----------
    bits : Bits; "2-4-16-16" is the paper's 4-bit activations and ternary weights.
    options :
        ends : bits of the weights of the first and last layer, and of what the last reads.
    """

    name = "wrpn"
    loss = "softmax"
    optimizer = "momentum"
    default_bits = "2-4-16-16"
    batch_norm = "integer"
    biases = True
    trained = ("weight", "bias", "scale")
    options = {"ends": ("8", "2", "3", "4", "5", "6", "7")}
    roundings = {**dict.fromkeys(("weight", "activation", "error"), Rounding.HALF_EVEN),
                 "gradient": Rounding.STOCHASTIC}

    def __init__(self, bits, rounding=None, random=None, options=None):
        super().__init__(bits, rounding, random, options)
        for slot, width, least, most in (
                ("W", bits.weight, 1, 8), ("A", bits.activation, 1, 8),
                ("G", operand_bits(bits.gradient), 2, 16), ("E", operand_bits(bits.error), 2, 16)):
            if not least <= width <= most:
                wide = ", or 32 for wide" if slot in "GE" else ""
                raise FormatError(f"wrpn takes {least} to {most} bits{wide} for {slot}, got {width} "
                                  f"in {bits}; write 2-4-16-16")
        for slot in ("weight", "activation"):
            if self.rounding[slot] is Rounding.STOCHASTIC:
                raise UsageError(f"wrpn rounds slot {slot} deterministically; take another rounding")
        self.end_bits, self.error_bits = int(self.option["ends"]), operand_bits(bits.error)
        if self.error_bits <= COARSE and not (rounding and "error" in rounding):
            self.rounding["error"] = Rounding.STOCHASTIC
        self.places, self._read = {}, {}

    def survey(self, layers):
        """Where the ends and the residual sums are."""
        self.places, self._read = places_of(layers), {}

    def loss_for(self, loss):
        """The softmax, as the paper's baselines."""
        return self.loss

    def input_format(self):
        """Images in 8 bits of step 1/128."""
        return Fixed(8, 7, symmetric=True)

    # W -------------------------------------------------------------------------------------

    def weight_format(self, name, fan_in):
        """L levels each way up to 2**-p, or one bit of +-2**-p."""
        bits = self.end_bits if self.places.get(name) == END else self.bits.weight
        top = -prescale(fan_in)
        return Binary(Fraction(1, 1 << -top)) if bits == 1 else levels(bits, top, signed=True)

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """W ~ N(0, 2 / fan_in) as the sum of 8 random bytes, times 2**p, clipped at 1."""
        fmt = Fixed(MASTER_BITS, MASTER_BITS - 2 + prescale(fan_in), symmetric=True)
        codes = np.zeros(shape, fmt.dtype)
        if kernels is not None:
            random = np.empty(2 * prod(shape), np.uint32)
            kernels.random_u32(random, seed, "init", 0, index)
            # Twice a centred sum of 8 bytes: variance 4 * 8 * (2**16 - 1) / 12 = 174760.
            twice = 2 * random.view(np.uint8).reshape(-1, 8).sum(1, dtype=np.int64) - 8 * 255
            scaled = twice * isqrt((2 << 2 * fmt.frac_bits + 32) // (fan_in * 174760))
            codes[...] = np.clip((scaled + (1 << 15)) >> 16, -UNIT, UNIT).reshape(shape)
        return Tensor(codes, fmt, "HWIO" if len(shape) == 4 else "IO")

    def weight(self, kernels, parameter, address=None):
        """w_q = round(L clip(w, -1, 1)) / L; one bit: the sign of w, +1 for 0.  [WRPN W]

        Examples
        --------
        2 bits: w = 1/2 is a tie and goes to the even 0. 4 bits: w = 1 has the code 7.
        """
        fmt = self.weight_format(parameter.name.rpartition(".")[0], parameter.fan_in)
        if isinstance(fmt, Binary):
            signs = ops.binarize_weight(kernels, parameter.master)
            return Packed(signs.words, signs.length, fmt, signs.axes)
        rounding = self.rounding["weight"]
        return ops.requantize_levels(kernels, parameter.master, fmt, rounding, masked=False)[0]

    def factor_format(self, layer, spec):
        """A multiplier where no batch norm follows: of the grids' steps, or of filters of one bit."""
        factor = spec.format.factor * layer.weight_format.factor
        if isinstance(layer.weight_format, Binary):
            fmt = MEAN
        elif factor == 1:
            return None
        else:
            fmt = Fixed(FACTOR_BITS + 1, ops.short_fraction(factor, FACTOR_BITS)[1], symmetric=True)
        self._read[layer.name] = factor
        return fmt

    def factors(self, kernels, layer):
        """The layer's constant; for one bit times the mean of |w| of each filter.  [WRPN one bit]"""
        factor, w = self._read[layer.name], layer.weight.master.codes
        if not isinstance(layer.weight_format, Binary):
            codes = np.full(w.shape[-1], ops.short_fraction(factor, FACTOR_BITS)[0], np.int64)
        else:
            sums = np.abs(w.astype(np.int64)).reshape(-1, w.shape[-1]).sum(0)
            count = (w.size // w.shape[-1]) * factor.denominator
            codes = (2 * sums * factor.numerator + count) // (2 * count)
        return Tensor(codes.astype(layer.factors.dtype), layer.factors, "C")

    # A -------------------------------------------------------------------------------------

    def activation_format(self, name, spec):
        """2**k - 1 levels up to 1, or to 2 where a residual sum is read; ends and sums: 8 bits."""
        place = self.places.get(name, INNER)
        if not spec.nonnegative:
            return SIGNED
        if place == TRUNK:
            return SUM
        if place == END and TRUNK in self.places.values():
            return Fixed(self.end_bits, self.end_bits - 2, signed=False)
        bits = self.end_bits if place == END else self.bits.activation
        return levels(bits, 1 if spec.format == SUM else 0)

    def activation(self, kernels, x, fmt, address=None):
        """a_q = round(L clip(x, 0, 1)) / L, and the mask 0 <= x <= 1.  [WRPN A]

        Examples
        --------
        4 bits: x = 1/2 is the tie 7.5 and goes to the even 8; x = 1 has the code 15.
        """
        return ops.requantize_levels(kernels, x, fmt, self.rounding["activation"])

    # E and G -------------------------------------------------------------------------------

    def error_format(self):
        """Codes of an error; its step follows the data."""
        return Fixed(self.error_bits, self.error_bits - 1, symmetric=True)

    def error(self, kernels, e, address=None):
        """By the largest value, its exponent kept."""
        return ops.requantize_by_maximum(
            kernels, e, self.error_bits, self.rounding["error"], address)

    def gradient(self, kernels, parameter, address):
        """By the largest value, its exponent kept; 32 bits are the gradient as it is."""
        g, bits = parameter.gradient, self.bits.gradient
        if bits == 32 or g.format.bits <= bits:
            return g
        return ops.requantize_by_maximum(kernels, g, bits, self.rounding["gradient"], address)

    def master_limit(self, parameter):
        """Stored weights stay in [-1, 1]."""
        return UNIT if parameter.role == "weight" else parameter.master.format.maximum

    def rate_factor(self, parameter):
        """The slope of the weights' grid."""
        if parameter.role != "weight":
            return Fraction(1)
        name = parameter.name.rpartition(".")[0]
        return 1 / self.weight_format(name, parameter.fan_in).factor    # edge: a Fraction, exact

    # what the command line needs ------------------------------------------------------------

    def default_rate(self):
        """1/8, as measured for residual networks with batch norm."""
        return Fraction(1, 8)

    def recipe(self, entry, epochs=None):
        """The model's batches; the rate falls by 8 at 1/2 and again at 3/4 of the epochs.

        It is 1/8 where every layer is normalised, 1/64 without batch norm.
        """
        kinds = {layer.kind for layer in entry.layers(2, Fraction(1, 16)).walk()}
        rate = self.default_rate() * (1 if "batch_norm2d" in kinds else Fraction(1, 8))
        epochs = epochs or entry.epochs
        falls = (epochs // 2, 8), (-(-3 * epochs // 4), 64)
        steps = [f"{end}:{rate * Fraction(1, by)}" for end, by in falls if end]
        return {"lr": rate, "epochs": epochs, "batch_size": entry.batch_size,
                "schedule": ",".join(steps)}

    def check_rate(self, rate):
        """The rate as (p, q, h), see `wage.decompose_rate`; RangeError where no step could use it."""
        if Fraction(rate) > 64:
            raise RangeError(f"a learning rate of {rate} jumps over the whole range of the weights in "
                             "one step; use one such as 1/8")
        return decompose_rate(rate)
