"""Fixed point times a fraction: codes of a grid whose top is a power of two, such as 0..3 for 0..1."""

from dataclasses import dataclass
from fractions import Fraction

from intflow.errors import FormatError
from intflow.formats.fixed_point import Fixed
from intflow.formats.rounding import code_range


@dataclass(frozen=True)
class Scaled(Fixed):
    """`Fixed` codes of which each is worth `factor` steps of 2**-frac_bits.

    Sums of products look at frac_bits alone: who makes them (a batch norm, or a multiplier of the
    layer) takes the factor in, once for the whole layer. Sums of such codes with others are refused.

    Parameters
    ----------
    bits, frac_bits, signed, symmetric : as in `Fixed`.
    factor : Fraction in [1, 2).

    Examples
    --------
    Scaled(2, 2, signed=False, factor=Fraction(4, 3)): codes 0..3, values 0, 1/3, 2/3, 1.
    """

    factor: Fraction = Fraction(1)

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= self.factor < 2:
            raise FormatError(f"a factor lies in [1, 2), got {self.factor}; change frac_bits")

    @property
    def step(self):
        """Value of one unit."""
        return self.factor * Fraction(2) ** -self.frac_bits

    def __str__(self):
        kind = ("sym" if self.symmetric else "signed") if self.signed else "unsigned"
        return f"uniform<{self.bits},{self.step},{kind}>"


def levels(bits, top=0, signed=False):
    """The grid of `bits` whose largest code stands for 2**top.  [WRPN grid]

    Unsigned: codes 0..2**bits - 1; signed: +-(2**(bits-1) - 1).

    Examples
    --------
    levels(4): step 1/15. levels(4, signed=True): step 1/7. levels(2, signed=True): -1, 0, 1.
    """
    most = code_range(bits, signed, signed)[1]
    frac_bits = 0 if most == 1 else most.bit_length()
    if most == 1:
        return Fixed(bits, -top, signed, signed)
    return Scaled(bits, frac_bits - top, signed, signed, Fraction(1 << frac_bits, most))
