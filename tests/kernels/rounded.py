"""The deterministic roundings once more, straight from their words, on Fractions."""

import math
from fractions import Fraction

from intflow.formats.rounding import Rounding

HALF = Fraction(1, 2)


def _half_away(x):
    return math.floor(x + HALF) if x >= 0 else -math.floor(-x + HALF)


ROUNDED = {
    Rounding.FLOOR: math.floor,
    Rounding.TOWARD_ZERO: math.trunc,
    Rounding.HALF_UP: lambda x: math.floor(x + HALF),
    Rounding.HALF_AWAY: _half_away,
    Rounding.HALF_EVEN: round,              # Python's: ties to even, exact on Fractions
}
