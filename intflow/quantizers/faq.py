"""FAQ: a published network in fixed point (McKinstry et al., 2018); here what inference needs.

All steps are powers of two, so a code maps to a value by a shift. The paper starts its fine-tuning
from this network. Rules that the paper leaves open, or that integers ask for, are those measured on
CIFAR-10's residual networks:

    weights          filters before a batch norm are brought to one range, which is free; 8 bits:
                     nothing saturates (paper: a multiple of their standard deviation); below: the
                     best step by squared error; first and last layer 8 bits
    activations      8 bits: all but one in 10,000, up to 4 bits: but one in 1,000 (the paper's
                     percentiles); between: the best of five steps by squared error; what the last
                     layer reads has 8 bits
    residual sums    8 bits, nothing saturates; convolutions read them narrowed as above
    batch norm       a factor of 8 significant bits and a bias for every channel, exact in 64 bits,
                     from statistics corrected by what quantisation did to them (pretrained/)
"""

from fractions import Fraction

from .. import ops
from ..errors import FormatError
from ..formats import Fixed, Rounding
from .published import END, INNER, TRUNK, Published
from .ranges import finer, format_for, format_that_holds, least_squares, top_of

END_BITS = 8            # first and last layer, inputs, residual sums
WEIGHT_STEPS, ACTIVATION_STEPS = 4, 5
OUTSIDE = {8: Fraction(1, 10_000), **dict.fromkeys((2, 3, 4), Fraction(1, 1000))}    # by bits


class Faq(Published):
    """The slots W and A for 2 to 8 bits each; G and E wait for a training.

    Parameters
    ----------
    bits : Bits; "8-8-16-16" and "4-4-16-16" are the paper's.
    """

    name = "faq"
    default_bits = "8-8-16-16"
    batch_norm = "affine"
    factor_bits = 8
    equalises = corrects = True

    def __init__(self, bits, rounding=None, random=None):
        super().__init__(bits, rounding, random)
        for slot, width in (("W", bits.weight), ("A", bits.activation)):
            if not 2 <= width <= END_BITS:
                raise FormatError(f"faq takes 2 to {END_BITS} bits for W and A, got {width} for "
                                  f"{slot} in {bits}; write 8-8-16-16")
        self.weights = Fixed(bits.weight, bits.weight - 1, symmetric=True)
        self.activation_bits = bits.activation

    def encode_weight(self, kernels, name, w, place):
        """clip(half_even(w / step)), the step a power of two for the layer.  [FAQ quantiser]"""
        bits = self.weight_bits_at(place)
        fmt = format_that_holds(kernels, w, bits)
        if bits < END_BITS:
            fmt = least_squares(kernels, w, finer(fmt, WEIGHT_STEPS))
        return ops.requantize(kernels, w, self.keep(f"{name}.weight", fmt), Rounding.HALF_EVEN)

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
