"""Binary: the two codes -1 and +1."""

from dataclasses import dataclass
from fractions import Fraction

from intflow.errors import FormatError
from intflow.formats.format import Format, checked_step
from intflow.formats.rounding import exact_fraction


@dataclass(frozen=True)
class Binary(Format):
    """One bit that stands for -step or +step; zero is no code.

    Parameters
    ----------
    step : Fraction > 0.

    Examples
    --------
    Binary(Fraction(1, 4)): codes -1, +1, values -1/4, +1/4; frac_bits 2.
    """

    step: Fraction = Fraction(1)

    bits = 1
    signed = True
    symmetric = True
    minimum = -1
    maximum = 1

    def __post_init__(self):
        object.__setattr__(self, "step", checked_step(self.step))

    @property
    def frac_bits(self):
        """-log2(step); FormatError where the step is no power of two."""
        top, bottom = self.step.numerator, self.step.denominator
        if top & (top - 1) or bottom & (bottom - 1):
            raise FormatError(f"{self} has no frac_bits: its step is no power of two; multiply by "
                              "the step behind the product instead")
        return bottom.bit_length() - top.bit_length()

    def contains(self, code):
        """Whether `code` is -1 or +1."""
        return code in (-1, 1)

    def word(self, code):
        """1 for +1, 0 for -1."""
        return int(code > 0)

    def quantize(self, real):
        """Return the sign of a real number, with +1 for zero.  [QNN sign]

        Examples
        --------
        -0.1 -> -1, 0 -> 1, 7 -> 1. There is nothing to round and nothing to overflow.
        """
        return 1 if exact_fraction(real) >= 0 else -1

    def __str__(self):
        return "binary" if self.step == 1 else f"binary<{self.step}>"
