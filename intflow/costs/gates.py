"""Gates by kind, and their size in NAND2 equivalents."""

from dataclasses import dataclass, fields
from fractions import Fraction

# Transistors of static CMOS cells; a NAND2 has 4. The full adder is the 28-transistor mirror adder,
# the half adder an XOR and an AND, the multiplexer two transmission gates and inverters.
GATES = {"and2": 6, "xor2": 10, "mux2": 12, "half_adder": 16, "full_adder": 28}
NAND2 = 4


@dataclass(frozen=True)
class Gates:
    """How many of each; sums add up.

    Examples
    --------
    Gates(and2=4, half_adder=2): 4 * 6 + 2 * 16 = 56 transistors, 14 NAND2.
    """

    and2: int = 0
    xor2: int = 0
    mux2: int = 0
    half_adder: int = 0
    full_adder: int = 0

    def __add__(self, other):
        return Gates(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def nand2(self):
        """Size in NAND2 equivalents, a Fraction."""
        return Fraction(sum(getattr(self, name) * size for name, size in GATES.items()), NAND2)
