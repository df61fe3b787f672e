"""Uniform grid: integers whose unit is any positive fraction, such as 1/127 or 1/3."""

from dataclasses import dataclass
from fractions import Fraction

from intflow.formats.format import Format, checked_step, checked_width
from intflow.formats.rounding import code_range


@dataclass(frozen=True)
class Uniform(Format):
    """`bits` wide integers of a rational step.

    Parameters
    ----------
    bits : int, 1..32 or 64; the sign bit counts.
    step : Fraction > 0; value of one unit. Where it is a power of two, prefer `Fixed`.
    signed, symmetric : bool; as in `Fixed`.

    Examples
    --------
    Uniform(2, Fraction(1, 3), signed=False): codes 0..3, values 0, 1/3, 2/3, 1.
    """

    bits: int
    step: Fraction
    signed: bool = True
    symmetric: bool = False

    def __post_init__(self):
        bits = checked_width(self.bits, self.signed, self.symmetric)
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "step", checked_step(self.step))

    @property
    def minimum(self):
        """Smallest code."""
        return code_range(self.bits, self.signed, self.symmetric)[0]

    @property
    def maximum(self):
        """Largest code."""
        return code_range(self.bits, self.signed, self.symmetric)[1]

    def __str__(self):
        kind = ("sym" if self.symmetric else "signed") if self.signed else "unsigned"
        return f"uniform<{self.bits},{self.step},{kind}>"
