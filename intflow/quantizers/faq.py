"""FAQ: a published network in fixed point, fine-tuned (McKinstry et al., 2018).

All steps are powers of two, so a code maps to a value by a shift. A network converted from fp32 is
evaluated as it is, or trained on. Rules that the paper leaves open, or that integers ask for, are
those measured on CIFAR-10's residual networks:

    weights          filters before a batch norm are brought to one range, which is free; 8 bits:
                     nothing saturates (paper: a multiple of their standard deviation); below: the
                     best step by squared error; first and last layer 8 bits
    activations      8 bits: all but one in 10,000, up to 4 bits: but one in 1,000 (the paper's
                     percentiles); between: the best of five steps by squared error; what the last
                     layer reads has 8 bits
    residual sums    8 bits, nothing saturates; convolutions read them narrowed as above
    batch norm       a factor of 8 significant bits and a bias for every channel, exact in 64 bits,
                     from statistics corrected by what quantisation did to them (pretrained/)
    master weights   FINER bits below the step of the codes, clipped to the range of the codes
    errors           a step that follows the data, 16 bits, rounded stochastically
    updates          momentum on a finer grid still, rounded stochastically: rounded to the nearest,
                     small rates leave all codes where they are

A layer's rate follows from its formats: a master code moves by lr dL/dw / step, so that a code of a
weight moves by lr 2**(2 h) dL/dcode where its step is 2**-h. The first layer is no exception: its
input has a step near the value that a grey level has in the published network, so its weights have
their published size, and so has their gradient.  [FAQ rate]
"""

from fractions import Fraction

from .. import ops
from ..errors import FormatError, RangeError
from ..formats import Fixed, Rounding, Tensor
from .places import END, INNER, TRUNK
from .published import Published
from .ranges import finer, format_for, format_that_holds, least_squares, top_of
from .scheme import WIDE, operand_bits
from .wage import decompose_rate

END_BITS = 8            # first and last layer, inputs, residual sums
WEIGHT_STEPS, ACTIVATION_STEPS = 4, 5
OUTSIDE = {8: Fraction(1, 10_000), **dict.fromkeys((2, 3, 4), Fraction(1, 1000))}    # by bits
FINER = 8               # bits of a master weight below the step of its codes
BATCH_NORMS = {"frozen": "affine", "trained": "integer"}


class Faq(Published):
    """The slots W and A for 2 to 8 bits each, G and E for 8 to 16, or 32 for wide.

    Parameters
    ----------
    bits : Bits; "8-8-16-16" and "4-4-16-16" are the paper's.
    options : "batch_norm": "frozen" (the statistics of the file, corrected) or "trained" (those of
        each batch, begun from these).
    """

    name = "faq"
    default_bits = "8-8-16-16"
    tunes = True
    optimizer = "momentum"
    momentum, weight_decay = Fraction(7, 8), Fraction(1, 10_000)
    options = {"batch_norm": tuple(BATCH_NORMS)}
    roundings = {**Published.roundings, "error": Rounding.STOCHASTIC}
    factor_bits = 8
    equalises = corrects = True

    def __init__(self, bits, rounding=None, random=None, options=None):
        super().__init__(bits, rounding, random, options)
        for slot, width in (("W", bits.weight), ("A", bits.activation)):
            if not 2 <= width <= END_BITS:
                raise FormatError(f"faq takes 2 to {END_BITS} bits for W and A, got {width} for "
                                  f"{slot} in {bits}; write 8-8-16-16")
        for slot, width in (("G", bits.gradient), ("E", bits.error)):
            if width != 32 and not 2 <= width <= 16:
                raise FormatError(f"faq takes 2 to 16 bits for G and E, or 32 for wide, got {width} "
                                  f"for {slot} in {bits}; write 8-8-16-16")
        self.weights = Fixed(bits.weight, bits.weight - 1, symmetric=True)
        self.activation_bits = bits.activation
        self.error_bits = operand_bits(bits.error)
        self.batch_norm = BATCH_NORMS[self.option["batch_norm"]]
        self._tuned = False

    @property
    def trained(self):
        """Roles that are trained: none, in a network that was converted to be evaluated."""
        tuned = self._tuned or any(name.endswith(".master") for name in self.formats)
        if not tuned:
            return ()
        return ("weight", "bias") if self.fixed else ("weight", "bias", "scale")

    @property
    def fixed(self):
        """A frozen batch norm keeps its multipliers; its biases are trained."""
        return ("scale",) if self.batch_norm == "affine" else ()

    def tune(self):
        """What is converted from here on keeps master weights."""
        self._tuned = True

    # W -------------------------------------------------------------------------------------

    def encode_weight(self, kernels, name, w, place):
        """clip(half_even(w / step)), the step a power of two for the layer.  [FAQ quantiser]"""
        bits = self.weight_bits_at(place)
        fmt = format_that_holds(kernels, w, bits)
        if bits < END_BITS:
            fmt = least_squares(kernels, w, finer(fmt, WEIGHT_STEPS))
        return ops.requantize(kernels, w, self.keep(f"{name}.weight", fmt), Rounding.HALF_EVEN)

    def encode_master(self, kernels, name, w, codes):
        """w at a step 2**-FINER of that of the codes, clipped to their range.  [FAQ master]"""
        if not self._tuned:
            return codes
        fmt = self.keep(f"{name}.master", _finer(codes.format))
        wide = ops.requantize(kernels, w, Fixed(32, fmt.frac_bits), Rounding.HALF_EVEN)
        limit = codes.format.maximum << FINER
        return Tensor(wide.codes.clip(-limit, limit).astype(fmt.dtype), fmt, w.axes)

    def master_format(self, name, fan_in):
        """Stored weights: FINER bits below the codes where they are trained."""
        codes = self.weight_format(name, fan_in)
        return self.formats.get(f"{name}.master", _finer(codes) if self._tuned else codes)

    def weight(self, kernels, parameter, address=None):
        """The codes of the products: half_even(master / 2**FINER).

        Examples
        --------
        4 bits: master 896 is the tie 3.5 and goes to 4; 1792, the limit, is 7.
        """
        fmt = self.formats.get(parameter.name, self.weights)
        if fmt == parameter.master.format:
            return parameter.master
        return ops.requantize(kernels, parameter.master, fmt, Rounding.HALF_EVEN)

    def weight_bits_at(self, place):
        """First and last layer keep 8 bits."""
        return END_BITS if place == END else self.weights.bits

    def bits_at(self, place):
        """Residual sums, and what the last layer reads, keep 8 bits."""
        return self.activation_bits if place == INNER else END_BITS

    def range_of(self, kernels, x, bits, nonnegative, place):
        """The step of an activation, from all values seen in the calibration batch."""
        outside = 0 if place == TRUNK else OUTSIDE.get(bits, 0)
        fmt = format_for(x, top_of(kernels, x, outside), bits, not nonnegative)
        if outside or place == TRUNK:
            return fmt
        return least_squares(kernels, x, finer(fmt, ACTIVATION_STEPS))

    # E and G -------------------------------------------------------------------------------

    def error_format(self):
        """Codes of an error; its step follows the data."""
        if not self.trained:
            return super().error_format()
        return Fixed(self.error_bits, self.error_bits - 1, symmetric=True)

    def error(self, kernels, e, address=None):
        """e at a power-of-two step taken from its largest, the step kept with it.  [FAQ error]"""
        if not self.trained:
            self._refuse()
        rounding = self.rounding["error"]
        return ops.requantize_by_maximum(kernels, e, self.error_bits, rounding, address)

    def gradient(self, kernels, parameter, address=None):
        """g at G bits and a power-of-two step taken from its largest; wide as it is."""
        if self.bits.gradient == WIDE:
            return parameter.gradient
        return ops.requantize_by_maximum(kernels, parameter.gradient, self.bits.gradient,
                                         self.rounding["gradient"], address)

    def master_limit(self, parameter):
        """Largest master code: that of the largest code of a weight."""
        fmt = self.formats.get(parameter.name)
        if parameter.role != "weight" or fmt is None:
            return parameter.master.format.maximum
        return fmt.maximum << parameter.master.format.frac_bits - fmt.frac_bits

    # what the command line needs ------------------------------------------------------------

    def default_rate(self):
        """2**-13 at 8 bits (paper: 0.0001), else the paper's 0.0015."""
        return Fraction(1, 1 << 13) if self.bits.weight == END_BITS else Fraction(3, 2000)

    def recipe(self, entry, epochs=None):
        """The paper's: one epoch at 8 bits; below, 110 epochs in which the rate falls to 0.0007."""
        long = self.bits.weight < END_BITS
        return {"lr": self.default_rate(), "schedule": "exp:0.936" if long else "",
                "epochs": 110 if long else 1, "batch_size": entry.batch_size}

    def check_rate(self, rate):
        """The rate as (p, q, h), see `wage.decompose_rate`; RangeError above 1, which no network
        survives."""
        if rate > 1:
            raise RangeError(f"faq fine-tunes with rates below 1, got {rate}; use one such as 1/1000")
        return decompose_rate(rate)

    def loss_for(self, loss):
        """Published networks were trained with a softmax."""
        return self.loss


def _finer(codes):
    """The format of master weights whose codes have the format `codes`."""
    return Fixed(codes.bits + FINER, codes.frac_bits + FINER, symmetric=True)
