"""Minifloat: a small float as a code with fields.  [FLOAT format]

Here a code has its range, value and name; minifloat_codec.py turns numbers into codes and codes into
a small integer times a power of two, on the bits.
"""

import operator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from intflow.errors import FormatError, RangeError

SPECIALS = {
    "none": "every code is a number",
    "fn": "finite: the code of all ones (either sign) is not a number",
    "ieee": "the largest exponent field holds the infinities and not-a-numbers",
}


@dataclass(frozen=True)
class Minifloat:
    """A sign bit, `exponent_bits` and `mantissa_bits`, from high to low.

    A code with exponent field x > 0 and mantissa field f is
    sign * 2**(x - bias) * (1 + f * 2**-mantissa_bits); x = 0 holds zero and the subnormals
    sign * 2**(1 - bias) * f * 2**-mantissa_bits. Without a zero code x = 0 is read like any other
    x, so that no code is wasted and none is zero.

    Parameters
    ----------
    exponent_bits : int, 1..8.
    mantissa_bits : int, 0..23; the hidden one is not counted.
    bias : int or None for 2**(exponent_bits - 1) - 1.
    subnormals : bool; False reads every code with x = 0 as zero.
    zero : bool; False for no zero code and no subnormals.
    specials : "none", "fn" or "ieee"; see SPECIALS.

    Examples
    --------
    Minifloat(4, 3): bias 7, largest 1.875 * 2**8 = 480, smallest 2**-9. With specials="fn" the
    largest is 448 (the open-compute E4M3). Code 0b0_0111_100 = 60: 2**0 * 1.5 = 3/2.
    """

    exponent_bits: int
    mantissa_bits: int
    bias: int | None = None
    subnormals: bool = True
    specials: str = "none"
    zero: bool = True

    def __post_init__(self):
        _check_fields(self.exponent_bits, self.mantissa_bits, self.specials)
        if not self.zero:
            object.__setattr__(self, "subnormals", False)
        default = (1 << (self.exponent_bits - 1)) - 1
        bias = default if self.bias is None else operator.index(self.bias)
        if abs(bias) > 10_000:
            raise FormatError(f"a minifloat's bias lies in +-10000, got {bias}")
        object.__setattr__(self, "bias", bias)

    @property
    def bits(self):
        """Width of a code, sign included."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def dtype(self):
        """Smallest NumPy unsigned type that holds a code."""
        return np.dtype(next(f"uint{w}" for w in (8, 16, 32) if w >= self.bits))

    @property
    def largest(self):
        """Largest finite value, a Fraction."""
        return self.decode(self.largest_code)

    @property
    def largest_code(self):
        """Code of `largest`."""
        code = (1 << (self.bits - 1)) - 1
        if self.specials == "ieee":
            code -= 1 << self.mantissa_bits
        return code - (self.specials == "fn")

    @property
    def lowest_exponent(self):
        """Exponent of the smallest value with a hidden one: 1 - bias, or -bias without zero."""
        return int(self.zero) - self.bias

    @property
    def smallest_normal(self):
        """Smallest positive value with a hidden one, 2**lowest_exponent."""
        return Fraction(2) ** self.lowest_exponent

    @property
    def smallest(self):
        """Smallest positive value; `smallest_normal` where there are no subnormals."""
        rshift = self.mantissa_bits if self.subnormals else 0
        return self.smallest_normal / (1 << rshift)

    def contains(self, code):
        """Whether `code` has no bits above the format's and is a finite number."""
        return 0 <= code < 1 << self.bits and not self.is_special(code)

    def is_special(self, code):
        """Whether `code` is an infinity or not a number."""
        _, exponent, mantissa = self._fields(code)
        top = exponent == (1 << self.exponent_bits) - 1
        ones = mantissa == (1 << self.mantissa_bits) - 1
        return top and (self.specials == "ieee" or (self.specials == "fn" and ones))

    def decode(self, code):
        """Return the Fraction that `code` stands for.

        Raises
        ------
        RangeError
            If `code` is too wide, an infinity or not a number.

        Examples
        --------
        Minifloat(2, 1), codes 0..7: 0, 1/2, 1, 3/2, 2, 3, 4, 6; codes 8..15 the negatives.
        """
        if not self.contains(code):
            raise RangeError(f"code {code} is no finite {self.bits}-bit number of {self}")
        negative, exponent, mantissa = self._fields(code)
        hidden = 1 if exponent or not self.zero else 0
        if not (hidden or self.subnormals):
            return Fraction(0)
        significand = (hidden << self.mantissa_bits) + mantissa
        power = max(exponent, int(self.zero)) - self.bias - self.mantissa_bits
        return (-1) ** negative * significand * Fraction(2) ** power

    value = decode

    def word(self, code):
        """The code itself: it is made of fields."""
        return code

    def __str__(self):
        default = (1 << (self.exponent_bits - 1)) - 1
        bias = f"b{self.bias}" if self.bias != default else ""
        flush = "" if self.subnormals else "ftz" if self.zero else "nz"
        specials = self.specials if self.specials != "none" else ""
        return f"e{self.exponent_bits}m{self.mantissa_bits}{bias}{flush}{specials}"

    def _fields(self, code):
        code = operator.index(code)
        exponent = code >> self.mantissa_bits & (1 << self.exponent_bits) - 1
        return code >> (self.bits - 1) & 1, exponent, code & (1 << self.mantissa_bits) - 1


def _check_fields(exponent_bits, mantissa_bits, specials):
    if not (1 <= exponent_bits <= 8 and 0 <= mantissa_bits <= 23):
        raise FormatError("a minifloat has 1 to 8 exponent bits and 0 to 23 mantissa bits, got"
                          f" {exponent_bits} and {mantissa_bits}")
    if specials not in SPECIALS:
        raise FormatError(f"specials are one of {', '.join(SPECIALS)}; got {specials!r}")
    if specials == "ieee" and exponent_bits == 1:
        raise FormatError("ieee specials need at least 2 exponent bits")
    if specials == "fn" and mantissa_bits == 0:
        raise FormatError("fn needs at least 1 mantissa bit")
