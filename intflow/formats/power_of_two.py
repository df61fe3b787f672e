"""Powers of two: codes of a sign and an exponent, whose product is a shift.  [QNN power codes]

Lingo: a *code* is the integer that sums are made of, 0 or +-2**j in units of the step; its *word*
is what a device stores of it: `bits` bits, the sign above a field of 0 for zero, or 1 + j.
"""

import operator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from intflow.errors import FormatError, RangeError
from intflow.formats.fixed_point import MAX_FRAC_BITS, Fixed
from intflow.formats.format import Format
from intflow.formats.minifloat_codec import bit_length
from intflow.formats.rounding import exact_fraction

LEGAL_BITS = range(2, 6)        # 2**14, the largest code of 5 bits, still is a 16-bit operand


@dataclass(frozen=True)
class PowerOfTwo(Format):
    """Zero, and +-2**k for the 2**(bits - 1) - 1 exponents k up to `highest`.

    In memory a tensor holds codes, as for any other format; words are for what is stored packed,
    and for products by shifts. A word is a code of the minifloat that has `bits` - 1 exponent bits
    and no mantissa.

    Parameters
    ----------
    bits : int, 2..5; of a word.
    highest : int; exponent of the largest value.

    Examples
    --------
    PowerOfTwo(3): values 0, +-1/4, +-1/2, +-1; codes 0, +-1, +-2, +-4; words of 0, 1/4, 1/2, 1:
    000, 001, 010, 011; of -1/4, -1/2, -1: 101, 110, 111. 100 is no word.
    """

    bits: int
    highest: int = 0

    signed = True
    symmetric = True

    def __post_init__(self):
        bits, highest = operator.index(self.bits), operator.index(self.highest)
        if bits not in LEGAL_BITS:
            raise FormatError(f"powers of two have {LEGAL_BITS[0]} to {LEGAL_BITS[-1]} bits, got "
                              f"{bits}; for 1 bit use Binary")
        if abs(highest) > MAX_FRAC_BITS:
            raise FormatError(f"an exponent lies in +-{MAX_FRAC_BITS}, got {highest}")
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "highest", highest)

    @property
    def lowest(self):
        """Exponent of the smallest positive value."""
        return self.highest - (1 << (self.bits - 1)) + 2

    @property
    def frac_bits(self):
        """-log2(step)."""
        return -self.lowest

    @property
    def step(self):
        """Value of one unit, 2**lowest."""
        return Fraction(2) ** self.lowest

    @property
    def maximum(self):
        """Largest code."""
        return 1 << (self.highest - self.lowest)

    @property
    def minimum(self):
        """Smallest code."""
        return -self.maximum

    @property
    def grid(self):
        """The fixed-point format of this step whose codes go beyond all of these."""
        return Fixed(self.maximum.bit_length() + 1, self.frac_bits, symmetric=True)

    def contains(self, code):
        """Whether `code` is 0 or one of the powers."""
        size = abs(code)
        return size <= self.maximum and size & (size - 1) == 0

    def quantize(self, real):
        """Return the code of AP2 of a real number: the nearest power by its logarithm.

        Below the smallest power by more than half an exponent is 0; above the largest, the largest.
        Nothing is a tie: no fraction is 2**(k + 1/2).

        Examples
        --------
        PowerOfTwo(3): 0.7 is nearest to 1/2, code 2; 0.1 -> 1/8, below 1/4: 0; -9 -> -1, code -4.
        """
        real = exact_fraction(real)
        square = (real / self.step) ** 2
        codes = [1 << j for j in range(self.maximum.bit_length())]
        size = max((code for code in codes if 2 * square > code * code), default=0)
        return size if real >= 0 else -size

    def word(self, code):
        """The sign and exponent of a code, as `bits` bits.

        Examples
        --------
        PowerOfTwo(4): 0 -> 0, 1 -> 1, -4 -> 0b1011.
        """
        return abs(code).bit_length() | (code < 0) << (self.bits - 1)

    def code(self, word):
        """The code of a word; RangeError for what is none."""
        if not 0 <= word < 1 << self.bits or word == 1 << (self.bits - 1):
            raise RangeError(f"{word} is no word of {self}: a sign bit, above a field that is not "
                             "0 where the sign is set")
        field = word & (1 << (self.bits - 1)) - 1
        size = (1 << field) >> 1
        return -size if word >> (self.bits - 1) else size

    def words(self, codes):
        """`word` of every code: u8, the shape of `codes`; RangeError for an integer that is no code."""
        sizes, signs = np.abs(codes.astype(np.int64)), (codes < 0).astype(np.int64)
        wrong = (sizes > self.maximum) | (sizes & (sizes - 1) != 0)
        if wrong.any():
            raise RangeError(f"{codes[wrong][0]} is no code of {self}: 0 or a power of two up to "
                             f"{self.maximum}; narrow it by ops.requantize_to_power")
        return (bit_length(sizes) | signs << (self.bits - 1)).astype(np.uint8)

    def codes(self, words):
        """`code` of every word, of the format's dtype; the inverse of `words`."""
        used, places = np.unique(words, return_inverse=True)
        codes = np.array([self.code(word) for word in used.tolist()], self.dtype)
        return codes[places].reshape(words.shape)

    def __str__(self):
        return f"pow2<{self.bits}>" if self.highest == 0 else f"pow2<{self.bits},{self.highest}>"
