"""WAGE: training and inference with integers (Wu, Li, Chen, Shi, 2018), by the authors' code.

Lingo: k bits per slot; sigma(k) = 2**(1-k), the step of a k-bit grid on [-1, 1]; la = log2(alpha);
eta the learning rate. A k-bit tensor has codes +-(2**(k-1) - 1): -1 itself is left out.
Where paper and code differ we follow the code, which made the published logs: the limit of the
initial weights is sqrt(3/n) (paper: sqrt(6/n)), and master weights are clipped with sigma(kW).
"""

import math
from fractions import Fraction

import numpy as np

from .. import ops
from ..errors import FormatError, RangeError
from ..formats import Fixed, Rounding, Tensor, shiftexp
from ..kernels.buffers import WEIGHTS
from .scheme import Scheme, operand_bits, plain_shift

RATE_BITS = 16
BLOCK = 1 << 16         # weights that are made at a time


def scale_exponent(fan_in, bits):
    """log2 of the layer's constant alpha = max(Shift(L_min / L), 1).  [WAGE alpha]

    With L = sqrt(3 / fan_in) and L_min = 1.5 * sigma(bits), rounding log2 to the nearest integer
    asks for the largest j with 3 * fan_in >= 2**(2 j + 2 bits - 1).

    Examples
    --------
    fan_in 1152, 2 bits: 3456 >= 2**(2j + 3) up to j = 4, so alpha = 16.
    """
    return max(0, ((3 * fan_in).bit_length() - 2 * bits) // 2)


def initial_limit(fan_in, bits):
    """L = max(sqrt(3 / fan_in), 1.5 * sigma(bits)) in units of 2**-30.  [WAGE L]"""
    return max(math.isqrt((3 << 60) // fan_in), 3 << (30 - bits))


def decompose_rate(rate):
    """A positive rate as (p, q, h), rate = p / q * 2**h with p and q odd.

    Raises
    ------
    RangeError : where p or q needs more than RATE_BITS bits.
    """
    rate = Fraction(rate)
    if rate <= 0:
        raise RangeError(f"the learning rate must be above 0, got {rate}")
    p, q = rate.numerator, rate.denominator
    up, down = (p & -p).bit_length() - 1, (q & -q).bit_length() - 1
    p, q = p >> up, q >> down
    if max(p, q).bit_length() > RATE_BITS:
        raise RangeError(
            f"the learning rate {rate} needs more than {RATE_BITS} bits; use a shorter fraction "
            "or a power of two"
        )
    return p, q, up - down


class Wage(Scheme):
    """The slots of WAGE, for 2 to 16 bits each, or 32 for wide.

    Wide means 16-bit operands (W, A, E) and 32-bit master weights (G).
    """

    name = "wage"
    roundings = {
        "weight": Rounding.HALF_EVEN,
        "activation": Rounding.HALF_EVEN,
        "error": Rounding.HALF_EVEN,
        "gradient": Rounding.STOCHASTIC,
    }

    def __init__(self, bits, rounding=None, random=None, options=None):
        super().__init__(bits, rounding, random, options)
        for slot, width in zip("WAGE", (bits.weight, bits.activation, bits.gradient, bits.error)):
            if width != 32 and not 2 <= width <= 16:
                raise FormatError(
                    f"wage takes 2 to 16 bits, or 32 for wide, in every slot; got {width} for {slot} "
                    f"in {bits}"
                )
        self.weight_bits = operand_bits(bits.weight)
        self.activation_bits = operand_bits(bits.activation)
        self.error_bits = operand_bits(bits.error)
        self.master_bits = bits.gradient

    def input_format(self):
        """Images: step 2**(1-kA), like every activation."""
        return self.activation_format(None, None)

    # W -------------------------------------------------------------------------------------

    def master_format(self):
        """Stored weights: step sigma(kG)."""
        return Fixed(self.master_bits, self.master_bits - 1, symmetric=True)

    def master_limit(self, parameter=None):
        """Largest master code: (1 - sigma(kW)) / sigma(kG). 64 for 2888.  [WAGE update]"""
        if self.master_bits <= self.weight_bits:
            return self.master_format().maximum
        return (1 << (self.master_bits - 1)) - (1 << (self.master_bits - self.weight_bits))

    def weight_format(self, name, fan_in):
        """Codes of W: step sigma(kW) / alpha, alpha of this fan_in."""
        frac_bits = self.weight_bits - 1 + scale_exponent(fan_in, self.weight_bits)
        return Fixed(self.weight_bits, frac_bits, symmetric=True)

    def initial_weight(self, kernels, name, shape, fan_in, seed, index):
        """W ~ U(-L, L), once quantised to kW bits, at the master's step.  [WAGE L, Q_W]

        With 2 bits L = 1.5 sigma makes the codes -1, 0, +1 equally likely. Rounded half even under
        every choice of slot W, so that runs on different devices start from the same weights.
        """
        fmt = self.master_format()
        master = np.zeros(shape, fmt.dtype)
        codes = master.reshape(-1)
        for first in range(0, codes.size if kernels else 0, BLOCK):
            random = np.empty(min(BLOCK, codes.size - first), np.uint32)
            kernels.random_u32(random, seed, "init", 0, index, first=first)
            codes[first:first + BLOCK] = self._initial_codes(kernels, random, fan_in)
        return Tensor(master, fmt, "HWIO" if len(shape) == 4 else "IO")

    def _initial_codes(self, kernels, random, fan_in):
        """Codes of the master for 32 random bits each.

        x = s * L in units of 2**-62, s odd in (-2**32, 2**32); L < 2**31 since fan_in >= 1.
        """
        x = (2 * random.astype(np.int64) + 1 - (1 << 32)) * initial_limit(fan_in, self.weight_bits)
        grid = Fixed(self.weight_bits, self.weight_bits - 1, symmetric=True)
        wide = Tensor(x, Fixed(64, 62, symmetric=True), "I")
        narrow = ops.requantize(kernels, wide, grid, Rounding.HALF_EVEN)
        return ops.requantize(kernels, narrow, self.master_format(), Rounding.HALF_EVEN).codes

    def weight(self, kernels, parameter, address=None):
        """W_q = Q(W, kW): clip(round(W / sigma)), read with step sigma / alpha.  [WAGE Q_W]

        Examples
        --------
        2888, half even: W = 33 -> 1; W = 32 is the tie 0.5 and goes to the even 0.
        """
        grid = Fixed(self.weight_bits, self.weight_bits - 1, symmetric=True)
        codes = ops.requantize(kernels, parameter.master, grid, self.rounding["weight"], address,
                               WEIGHTS)
        return Tensor(codes.codes, self.weight_format(parameter.name, parameter.fan_in), codes.axes)

    # A -------------------------------------------------------------------------------------

    def activation_format(self, name, spec):
        """Step sigma(kA), symmetric."""
        return Fixed(self.activation_bits, self.activation_bits - 1, symmetric=True)

    @plain_shift
    def activation(self, kernels, x, fmt, address=None):
        """a_q = Q(a, kA) and the mask where |a| <= 1 - sigma.  [WAGE Q_A]

        alpha has already divided: it is in the step of the weights.
        """
        return ops.requantize_masked(kernels, x, fmt, self.rounding["activation"], address)

    # E -------------------------------------------------------------------------------------

    def error_format(self):
        """Codes of an error; its step follows the data."""
        return Fixed(self.error_bits, self.error_bits - 1, symmetric=True)

    @plain_shift
    def error(self, kernels, e, address=None):
        """e_q = Q(e / Shift(max|e|), kE).  [WAGE Q_E]

        The step is kept with the codes, so nothing is lost where branches meet.
        """
        rounding = self.rounding["error"]
        return ops.requantize_by_maximum(kernels, e, self.error_bits, rounding, address)

    # G -------------------------------------------------------------------------------------

    def update(self, kernels, parameter, rate, seed, step):
        """W <- clip(W - Q_G(g)), in place; returns the update Q_G(g), or None where the parameter
        keeps none.  [WAGE Q_G, update]

        g_s = eta * g / Shift(max|g|); Q_G(g) = sgn(g_s) * (floor|g_s| + Bernoulli(frac|g_s|)), in
        units of sigma(kG). The Bernoulli draw is an integer compared with the dropped bits; under
        a deterministic rounding of slot G there is none.
        """
        p, q, h = self.check_rate(rate)
        kept = parameter.master.codes.shape if parameter.keeps_update else (0,)
        update = np.zeros(kept, np.int32)
        largest = kernels.max_abs(parameter.gradient.codes)
        if largest:
            rshift = shiftexp(largest) - h
            if max(largest.bit_length() + p.bit_length() - min(rshift, 0),
                   rshift + q.bit_length()) > 62:
                raise RangeError(
                    f"the learning rate {rate} does not fit gradients of "
                    f"{largest.bit_length()} bits; use one nearer to 1"
                )
            self.take_step(
                kernels, parameter, update, (p, q, rshift), self.master_limit(), seed, step
            )
        if not parameter.keeps_update:
            return None
        return Tensor(update, Fixed(32, self.master_bits - 1, symmetric=True),
                      parameter.master.axes)

    # what the command line needs ------------------------------------------------------------

    def default_rate(self):
        """8 units of sigma(8), in units of sigma(kG): the paper halves eta with every bit."""
        return Fraction(8) * Fraction(2) ** (self.master_bits - 8)

    def check_rate(self, rate):
        """The rate as (p, q, h), see `decompose_rate`; RangeError where no step could use it."""
        if Fraction(rate) > 1 << max(0, min(self.master_bits, 31) - 2):
            raise RangeError(
                f"a learning rate of {rate} jumps over half of the {self.master_bits}-bit range in "
                "one step; use a smaller one"
            )
        return decompose_rate(rate)

    def warnings(self):
        """G must be wider than W (the authors' known limit)."""
        if self.bits.gradient <= self.bits.weight:
            return [
                f"{self.bits}: G must have more bits than W, or a small update can never move a "
                "weight to the next code; such runs are known to diverge"
            ]
        return []
