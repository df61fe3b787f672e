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
    Rounding.HALF_ODD: lambda x: round(x - 1) + 1,
    Rounding.JAM: lambda x: int(x) if x.denominator == 1 else math.floor(x / 2) * 2 + 1,
    Rounding.HALF_DOWN: lambda x: math.ceil(x - HALF),
    Rounding.HALF_TOWARD_ZERO: lambda x: math.ceil(abs(x) - HALF) * (1 if x > 0 else -1),
}


def shifted(value, rshift, rounding):
    """value * 2**-rshift rounded, of Python integers."""
    if rounding == Rounding.GEMMLOWP:
        return gemmlowp(value, rshift)
    return ROUNDED[rounding](value * Fraction(2) ** -rshift)


def gemmlowp(value, rshift):
    """value >> rshift as the two functions of gemmlowp do it, in the words of their definition.

    First value * 2**30, doubled, its high half rounded: (value * 2**30 + 2**30) >> 31. Then a
    division by 2**(rshift - 1), nearest, ties away from zero.
    """
    if rshift <= 0:
        return value << -rshift
    high = (value * 2**30 + 2**30) >> 31
    return _half_away(Fraction(high, 2 ** (rshift - 1)))
