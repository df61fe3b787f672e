"""QNN of recurrent nets: no batch norm, so weights have a scale of their own.

Lingo: k bits of a slot; F fraction bits of gates and cells. All steps are powers of two.

    W       k bits: multiples of 2**-k below 1/2, over a master of 2**-15 or finer that is cut at 1/2;
            all of this 2**-n times as large where sums have many terms, see `smaller_by`
    A       k bits: multiples of 2**(1-k) below 1; hidden states and the rows of an embedding, whose
            master is cut at 1
    gates   hard sigmoid and tanh, or tables of 256 entries, in steps of 2**-F; cells up to +-8
    E       16 bits in one unit through all time steps; behind them k bits by the largest value where
            a product begins, and at the softmax, where k < 16 bits are drawn: rounded to nearest, the
            many small probabilities would vanish
    G       k bits by the largest value, its exponent kept; or 32, wide

Stochastic gradient descent on the loss summed over time and averaged over the streams; its gradient
is shortened where its norm is above 4 (optimizers/clipped_sgd.py).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from .. import ops
from ..errors import FormatError, RangeError, UsageError
from ..formats import Fixed, Rounding, Tensor
from ..ops.gates import EMPTY, sigmoid_table, tanh_table
from .qnn import Qnn

FINEST = 15                 # fraction bits of a master, at least
FINER = 7                   # and at least so many below the step of its codes
STEP_BITS = 16              # of errors on their way through time
CELL = 8                    # where cells are cut
BIAS_BITS = 9               # of a bias before the point, sign included: sums stay in 32 bits
SMALL, LARGE = 8, 12        # fraction bits of gates, up to NARROW bits of A and above
NARROW = 6
BATCH = 32
EPOCHS = 13
HALVED_AFTER = 4            # epochs at the first rate; from there on it is halved every epoch
USUAL = 4                   # log2 of the square root of a fan-in whose weights go up to 1/2


def smaller_by(fan_in):
    """n: the weights of `fan_in` inputs are 2**-n times as large as those of few hundred.

    Or sums grow with the square root of their terms: 2048 units that read each other would saturate
    in a few steps, and errors would grow on their way back. An embedding (1) reads one input.

    Examples
    --------
    300: 0. 512: 1. 2048: 2.
    """
    return max(0, (fan_in.bit_length() >> 1) - USUAL)


@dataclass(frozen=True)
class Gates:
    """How gates and cells are computed: kernels/reference/recurrent.py.

    frac_bits : F. limit : largest |code| of a cell. sigmoids, tanhs : s32 (256,), or of length 0.
    """

    frac_bits: int
    limit: int
    sigmoids: np.ndarray
    tanhs: np.ndarray

    @property
    def cell(self):
        """Format of cells."""
        return Fixed(32, self.frac_bits, symmetric=True)


class QnnRecurrent(Qnn):
    """The slots of QNN in a recurrent net, for 2 to 16 bits in W, A and E, 2 to 16 or 32 in G.

    Parameters
    ----------
    bits : Bits; "W4A4G16E16" is the paper's net of 4 bits, "W16A16G32E16" a wide one beside it.
    options :
        gates : "hard", or "table".
    """

    loss = "softmax"
    optimizer = "clipped-sgd"
    default_bits = "W4A4G16E16"
    normalises = False
    biases = True
    trained = ("weight", "bias")
    widest = 16
    is_recurrent = True

    def __init__(self, bits, rounding=None, random=None, options=None):
        super().__init__(bits, rounding, random, options)
        if 1 in (bits.weight, bits.activation):
            raise FormatError(f"recurrent nets take 2 to 16 bits for W and A, got {bits}; write "
                              f"{self.default_bits}")
        others = {name for name, value in self.option.items() if value != self.options[name][0]}
        for name in sorted(others - {"gates"}):
            raise UsageError(f"recurrent nets have no {name.replace('_', ' ')} to choose; leave "
                             f"--scheme-option {name} out")

    def expect_recurrent(self, name):
        """Recurrent layers are what it is for."""

    def gates(self):
        """How gates and cells are computed."""
        frac_bits = SMALL if self.bits.activation <= NARROW else LARGE
        tables = EMPTY, EMPTY
        if self.option["gates"] == "table":
            tables = sigmoid_table(frac_bits), tanh_table(frac_bits)
        return Gates(frac_bits, CELL << frac_bits, *tables)

    def step_format(self):
        """Errors on their way through time; the step follows the data."""
        return Fixed(STEP_BITS, 0, symmetric=True)

    # W and A -------------------------------------------------------------------------------

    def weight_format(self, name, fan_in):
        """The grid of W; that of A for an embedding, which reads one input at a time."""
        if fan_in == 1:
            return self._grid(self.bits.activation)
        return Fixed(self.bits.weight, self.bits.weight + smaller_by(fan_in), symmetric=True)

    def master_format(self, name, fan_in):
        """2**-15, or finer where codes are."""
        frac_bits = max(FINEST, self.weight_format(name, fan_in).frac_bits + FINER)
        return Fixed(frac_bits + 1, frac_bits, symmetric=True)

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """U(-1/2, 1/2) of an embedding; U(-1/8, 1/8) of a weight, or the first steps of its grid."""
        fmt, codes = self.master_format(name, fan_in), self.weight_format(name, fan_in)
        whole = fmt.frac_bits       # log2 of the code of 1
        eighth = whole - 3 - smaller_by(fan_in)
        largest = 1 << whole - 1 if fan_in == 1 else 1 << max(eighth, whole - codes.frac_bits)
        master = np.zeros(shape, fmt.dtype)
        if kernels is not None:
            random = np.empty(prod(shape), np.uint32)
            kernels.random_u32(random, seed, "init", 0, index)
            master[...] = ((random.astype(np.int64) * (2 * largest + 1) >> 32) - largest).reshape(shape)
        return Tensor(master, fmt, "IO")

    def weight(self, kernels, parameter, address=None):
        """w_q = Q(W).  [QNN LinearQuant]

        Examples
        --------
        4 bits: 0.2 is 3.2 steps of 1/16 and becomes 3.
        """
        fmt = self.weight_format(parameter.name, parameter.fan_in)
        return ops.requantize(kernels, parameter.master, fmt, self.rounding["weight"])

    def master_limit(self, parameter):
        """1/2 of a weight, 1 of an embedding, the format's of the others."""
        fmt = parameter.master.format
        if parameter.role != "weight" or parameter.fan_in == 1:
            return fmt.maximum
        return 1 << fmt.frac_bits - 1 - smaller_by(parameter.fan_in)

    def bias_format(self, name, product):
        """Up to +-256 at the step of a weight's master."""
        frac_bits = max(FINEST, self.bits.weight + FINER)
        return Fixed(frac_bits + BIAS_BITS, frac_bits, symmetric=True)

    # E -------------------------------------------------------------------------------------

    def error(self, kernels, e, address=None):
        """e_q in k bits, the largest at full scale; drawn at the softmax where k < 16.  [QNN Q_E]"""
        rounding = self.rounding["error"]
        if address is not None and address.tensor == 0 and self.error_bits < STEP_BITS:
            rounding = Rounding.STOCHASTIC
        return ops.requantize_by_maximum(kernels, e, self.error_bits, rounding, address)

    # what the command line needs ------------------------------------------------------------

    def default_rate(self):
        """1, of the loss summed over time and averaged over the streams."""
        return Fraction(1)

    def recipe(self, entry, epochs=None):
        """32 streams; the rate is halved every epoch from HALVED_AFTER on."""
        epochs, rate = epochs or EPOCHS, self.default_rate() * Fraction(1, entry.rate_divisor)
        steps = [(epoch, rate * Fraction(1, 2 << epoch - HALVED_AFTER))
                 for epoch in range(HALVED_AFTER, epochs)]
        return {"lr": rate, "schedule": ",".join(f"{epoch}:{step}" for epoch, step in steps),
                "epochs": epochs, "batch_size": BATCH}

    def check_rate(self, rate):
        """The rate; RangeError where the update would need a wide divisor."""
        if rate.numerator.bit_length() > 16 or rate.denominator.bit_length() > 30:
            raise RangeError(f"the learning rate of a recurrent net is a short fraction such as 1 or "
                             f"1/8, got {rate}")
        return rate
