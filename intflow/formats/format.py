"""The meaning of a tensor's integers: value = code * step.

Lingo: a *code* is the stored integer, the *step* the value of one unit (an exact Fraction),
a *value* the rational number that a code stands for.
"""

import operator
from fractions import Fraction
from functools import cache

import numpy as np

from intflow.errors import FormatError, RangeError
from intflow.formats.rounding import code_range, exact_fraction, round_fraction
from intflow.formats.rounding import overflow as fit

LEGAL_BITS = range(1, 65)


class Format:
    """An evenly spaced grid of values; `Fixed`, `Uniform` and `Binary` say which.

    A format has `bits`, `step` (Fraction) and the smallest and largest code, `minimum` and
    `maximum`. It is a frozen value: equal formats compare and hash equal.
    """

    factor = Fraction(1)            # of the step, besides its power of two; see `Scaled`

    @property
    def dtype(self):
        """Smallest NumPy integer type that holds every code."""
        return _dtype(self.minimum < 0, self.maximum)

    @property
    def grid(self):
        """The evenly spaced format among whose codes these are: this one, where it is one."""
        return self

    def contains(self, code):
        """Whether `code` is one of this format's codes."""
        return self.minimum <= code <= self.maximum

    def value(self, code):
        """Return the Fraction that `code` stands for; RangeError if it is no code."""
        if not self.contains(code):
            raise RangeError(f"{code} is no code of {self}: {self.minimum}..{self.maximum}")
        return operator.index(code) * self.step

    def word(self, code):
        """The bits of a code as a memory of words holds it: two's complement of `bits` bits.

        Examples
        --------
        Fixed(2, 0): -1 is 0b11 = 3.
        """
        return code & (1 << self.bits) - 1

    def quantize(self, real, rounding, overflow, random=None):
        """Return the code of a real number.

        Parameters
        ----------
        real : Fraction, int or float (a float at its exact binary value).
        rounding : Rounding; how real / step becomes an integer. No default.
        overflow : Overflow; what becomes of an integer outside minimum..maximum.
        random : Fraction or float in [0, 1), uniform. Needed by STOCHASTIC.

        Examples
        --------
        Fixed(8, 7) has step 1/128. 0.3 = 38.4 steps: half_even 38. 1 = 128 steps: saturate
        127, wrap -128.
        """
        steps = exact_fraction(real) / self.step
        code = round_fraction(steps, rounding, random)
        return fit(code, self.minimum, self.maximum, overflow)


def checked_width(bits, signed, symmetric):
    """Return `bits` as a Python int, or raise FormatError if no such format can exist."""
    bits = operator.index(bits)
    if bits not in LEGAL_BITS:
        raise FormatError(f"a format has 1 to 64 bits, accumulators included; got {bits}")
    if symmetric and not signed:
        raise FormatError("a symmetric format is signed; drop symmetric or unsigned")
    if symmetric and bits == 1:
        raise FormatError("1 symmetric bit holds only 0; for the codes -1 and +1 use Binary")
    return bits


def checked_step(step):
    """Return `step` as a Fraction > 0 of at most 256-bit terms, or raise FormatError."""
    step = exact_fraction(step)
    if step <= 0 or max(step.numerator, step.denominator).bit_length() > 256:
        raise FormatError(f"a step is a fraction > 0 with terms below 2**256, got {step}")
    return Fraction(step)


@cache
def _dtype(signed, maximum):
    kind = "int" if signed else "uint"
    return np.dtype(next(f"{kind}{width}" for width in (8, 16, 32, 64)
                         if code_range(width, signed)[1] >= maximum))
