"""QNN: quantised and binarised networks (Hubara et al., 2016), by shifts alone.

Lingo: k bits per slot; F fraction bits; AP2(x) = sign(x) * 2**round(log2 |x|). Stored weights lie in
[-1, 1]; activations are hard-tanh of a batch norm, so a ReLU in a model is left out and its
Requantize cuts at -1 and 1. Every product is normalised: where a model has no batch norm behind one,
one is put there (layers/normalise.py).

    W, A    1 bit: the sign, +1 for 0; stochastic: +1 with the probability clip((x + 1) / 2, 0, 1)
            2 to 8 bits: multiples of a power of two below 1 (linear); 2 to 5: powers of two (log)
    G, E    k bits by the largest value, their exponent kept; or 32, wide: gradients as they are,
            errors in 16 bits. Errors are narrowed where they enter a product.

The code of the paper is followed where it differs, but for its sign(0) = 0 and for what the options
name.
"""

from fractions import Fraction
from math import prod

import numpy as np

from .. import ops
from ..errors import FormatError, RangeError, UsageError
from ..formats import Binary, Fixed, PowerOfTwo, Rounding, Tensor
from ..formats.power_of_two import LEGAL_BITS
from .scheme import Scheme, operand_bits

MASTER = Fixed(14, 12, symmetric=True)
LIMIT = 1 << MASTER.frac_bits
INPUT = Fixed(9, 8, symmetric=True)
RATE = Fraction(1, 64)
HALVINGS = 6                # parts of a training, each at half the rate of the one before
BATCH = 100


class Qnn(Scheme):
    """The slots of QNN, for 1 to 8 bits in W and A, 2 to 16 in G and E, or 32 for wide.

    Parameters
    ----------
    bits : Bits; "1-1-32-32" is the binarised network, "1-2-6-6" one with 6-bit gradients.
    options :
        batch_norm : "shift", or "integer" (multiplies; where accuracy counts).
        projection : of a shift batch norm's backward pass; "published", or "division" (more exact).
        weights, activations : "deterministic" or "stochastic"; activations in training alone.
        quantizer : "linear" or "log", for 2 bits and more.
        adamax : "paper", or "code" (the second average never decays).
        gates : of recurrent nets (qnn_recurrent.py): "hard", or "table".
    """

    name = "qnn"
    loss = "hinge"
    optimizer = "adamax"
    default_bits = "1-1-32-32"
    normalises = True
    exact_pixels = True
    rectifies = False
    widest = 8                      # bits of W and A
    trained = ("weight", "bias", "scale")
    options = {
        "batch_norm": ("shift", "integer"),
        "projection": ("published", "division"),
        "weights": ("deterministic", "stochastic"),
        "activations": ("deterministic", "stochastic"),
        "quantizer": ("linear", "log"),
        "adamax": ("paper", "code"),
        "gates": ("hard", "table"),
    }
    roundings = dict.fromkeys(("weight", "activation", "error", "gradient"), Rounding.HALF_EVEN)

    def __init__(self, bits, rounding=None, random=None, options=None):
        super().__init__(bits, rounding, random, options)
        check(bits, self.option["quantizer"], self.widest)
        if random is not None and random.kind != "philox":
            raise UsageError("qnn draws from the engine's own stream alone; leave random out")
        for slot in ("weight", "activation"):
            if self.option[f"{slot}s"] == "stochastic":
                self.rounding[slot] = Rounding.STOCHASTIC
        self.batch_norm, self.projection = self.option["batch_norm"], self.option["projection"]
        self.overwrites = self.option["adamax"] == "code"
        self.error_bits = operand_bits(bits.error)

    def input_format(self):
        """Images: u of 0 to 255 as it is, or 2 u - 255, in steps of 1/256."""
        return INPUT

    def loss_for(self, loss):
        """The hinge in the place of WAGE's sum of squares."""
        return self.loss if loss == "sse" else loss

    # W -------------------------------------------------------------------------------------

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """W ~ U(-1, 1) at the master's step."""
        codes = np.zeros(shape, MASTER.dtype)
        if kernels is not None:
            random = np.empty(prod(shape), np.uint32)
            kernels.random_u32(random, seed, "init", 0, index)
            codes[...] = ((random.astype(np.int64) * (2 * LIMIT + 1) >> 32) - LIMIT).reshape(shape)
        return Tensor(codes, MASTER, "HWIO" if len(shape) == 4 else "IO")

    def weight_format(self, name, fan_in):
        """Binary, or a grid of k bits."""
        return self._grid(self.bits.weight)

    def weight(self, kernels, parameter, address=None):
        """w_q = Q(W): sign, LinearQuant or LogQuant.  [QNN sign, LinearQuant, LogQuant]

        Examples
        --------
        1 bit: 0 -> +1, -1 -> -1. 2 bits, linear: 0.25 is the tie 0.5 and goes to the even 0.
        """
        fmt, rounding = self._grid(self.bits.weight), self.rounding["weight"]
        if self.bits.weight > 1:
            return self._narrow(kernels, parameter.master, fmt, rounding, address)
        if rounding is Rounding.STOCHASTIC:
            return ops.binarize_weight_drawn(kernels, parameter.master, address)
        return ops.binarize_weight(kernels, parameter.master)

    def master_limit(self, parameter):
        """Largest code of a stored parameter: 1 for weights, the format's for others."""
        return LIMIT if parameter.role == "weight" else parameter.master.format.maximum

    # A -------------------------------------------------------------------------------------

    def activation_format(self, name, spec):
        """Binary, or a grid of k bits."""
        return self._grid(self.bits.activation)

    def activation(self, kernels, x, fmt, address=None):
        """a_q = Q(x), and the mask where |x| <= 1: the slope of hard-tanh.  [QNN STE]

        Codes that lie on the grid already pass as they are, with no mask.
        """
        if x.format == fmt:
            return x, None
        rounding = self.rounding["activation"]
        if self.bits.activation > 1:
            mask = ops.binarize_masked(kernels, x)[1]
            return self._narrow(kernels, x, fmt, rounding, address), mask
        if rounding is Rounding.STOCHASTIC:
            return ops.binarize_drawn(kernels, x, address)
        return ops.binarize_masked(kernels, x)

    def evaluated(self, kernels, x, fmt, address=None):
        """Activations of an evaluation: nothing is drawn."""
        if x.format == fmt:
            return x, None
        if self.bits.activation > 1:
            rounding = self.roundings["activation"]
            return self._narrow(kernels, x, fmt, rounding, address), None
        return ops.binarize(kernels, x), None

    def _grid(self, bits):
        """Codes of k bits: -1 and 1; multiples of 2**(1-k) below 1; or powers of two up to 1."""
        if bits == 1:
            return Binary()
        if self.option["quantizer"] == "linear":
            return Fixed(bits, bits - 1, symmetric=True)
        return PowerOfTwo(bits)

    def _narrow(self, kernels, x, fmt, rounding, address):
        if self.option["quantizer"] == "log":
            return ops.requantize_to_power(kernels, x, fmt)
        return ops.requantize(kernels, x, fmt, rounding, address)

    # E and G -------------------------------------------------------------------------------

    def error_format(self):
        """Codes of an error on its way into a product; its step follows the data."""
        return Fixed(self.error_bits, self.error_bits - 1, symmetric=True)

    def error(self, kernels, e, address=None):
        """e_q = e in k bits, the largest at full scale, its exponent kept.  [QNN Q_E]"""
        return ops.requantize_by_maximum(
            kernels, e, self.error_bits, self.rounding["error"], address)

    def activation_error(self, kernels, e, address=None):
        """Between layers an error stays as wide as the product made it, up to 32 bits."""
        return e if e.format.bits <= 32 else self.shortened(kernels, e, address)

    def shortened(self, kernels, e, address=None):
        """Brought to 32 bits by its maximum, that of all workers where they share the batch."""
        return ops.requantize_by_maximum(kernels, e, 32, Rounding.HALF_EVEN, address)

    def operand(self, kernels, e, address=None):
        """Narrowed by E where it enters a product, however wide it came."""
        return e if e.format.bits <= self.error_bits else self.error(kernels, e, address)

    def gradient(self, kernels, parameter, address):
        """g_q of a weight in k bits, its exponent kept; all others as they are.  [QNN Q_G]"""
        g = parameter.gradient
        if self.bits.gradient == 32 or parameter.role != "weight":
            return g
        rounding = self.rounding["gradient"]
        return ops.requantize_by_maximum(kernels, g, self.bits.gradient, rounding, address)

    # what the command line needs ------------------------------------------------------------

    def default_rate(self):
        """2**-6, for weights in [-1, 1]."""
        return RATE

    def recipe(self, entry, epochs=None):
        """Batches of 100; the rate is halved HALVINGS - 1 times in `epochs`, by equal parts."""
        epochs, rate = epochs or entry.epochs, self.default_rate() * Fraction(1, entry.rate_divisor)
        ends = sorted({epochs * part // HALVINGS for part in range(1, HALVINGS)} - {0})
        steps = [(end, rate * Fraction(1, 2 << n)) for n, end in enumerate(ends)]
        return {"lr": rate, "schedule": ",".join(f"{end}:{step}" for end, step in steps),
                "epochs": epochs, "batch_size": BATCH}

    def check_rate(self, rate):
        """log2 of the rate; RangeError where it is no power of two."""
        return rate_exponent(rate)


def rate_exponent(rate):
    """log2 of a rate that is a power of two, 2**-24 to 1.

    Raises
    ------
    RangeError : any other rate.

    Examples
    --------
    1/64: -6.
    """
    up, down = rate.numerator, rate.denominator
    if up != 1 or down & (down - 1) or down > 1 << 24:
        raise RangeError(f"AdaMax steps by shifts, so a learning rate is a power of two from 1 to "
                         f"1/16777216, got {rate}; use one such as 1/64")
    return 1 - down.bit_length()


def check(bits, quantizer, widest):
    """FormatError for widths that the scheme does not have."""
    most = LEGAL_BITS[-1] if quantizer == "log" else widest
    for slot, width in (("W", bits.weight), ("A", bits.activation)):
        if width > most:
            raise FormatError(f"qnn takes 1 to {most} bits for W and A ({quantizer}), got {width} "
                              f"for {slot} in {bits}; write 1-1-32-32")
    for slot, width in (("G", bits.gradient), ("E", bits.error)):
        if width < 2:
            raise FormatError(f"qnn takes 2 to 16 bits for G and E, or 32 for wide, got {width} for "
                              f"{slot} in {bits}; write 1-1-6-6")
