"""Fixed point: integers whose unit is a power of two."""

import operator
from dataclasses import dataclass
from fractions import Fraction

from intflow.errors import FormatError
from intflow.formats.format import Format, checked_width
from intflow.formats.rounding import code_range

MAX_FRAC_BITS = 10_000


@dataclass(frozen=True)
class Fixed(Format):
    """`bits` wide integers of step 2**-frac_bits.

    Parameters
    ----------
    bits : int, 1..64; tensors that are stored take up to 32, accumulators the rest. The sign
        bit counts.
    frac_bits : int; may exceed `bits` (step below the width) or be negative (step above 1).
    signed : bool; two's complement, or from zero up.
    symmetric : bool; leaves out the code -2**(bits - 1), as all operands of products do.

    Examples
    --------
    Fixed(8, 7): step 1/128, codes -128..127, values -1..127/128; symmetric: codes -127..127.
    Fixed(8, 8, signed=False): step 1/256, codes 0..255. Fixed(4, -2): step 4, values -32..28.
    """

    bits: int
    frac_bits: int
    signed: bool = True
    symmetric: bool = False

    def __post_init__(self):
        frac_bits = operator.index(self.frac_bits)
        if abs(frac_bits) > MAX_FRAC_BITS:
            raise FormatError(f"frac_bits lie in +-{MAX_FRAC_BITS}, got {frac_bits}")
        bits = checked_width(self.bits, self.signed, self.symmetric)
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "frac_bits", frac_bits)

    @property
    def step(self):
        """Value of one unit, 2**-frac_bits."""
        return Fraction(2) ** -self.frac_bits

    @property
    def minimum(self):
        """Smallest code."""
        return code_range(self.bits, self.signed, self.symmetric)[0]

    @property
    def maximum(self):
        """Largest code."""
        return code_range(self.bits, self.signed, self.symmetric)[1]

    def __str__(self):
        sym = "sym" if self.symmetric else ""
        if self.frac_bits == 0:
            return f"{'s' if self.signed else 'u'}{self.bits}{sym}"
        whole = self.bits - self.signed - self.frac_bits
        return f"{'' if self.signed else 'U'}Q{whole}.{self.frac_bits}{sym}"
