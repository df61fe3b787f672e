"""Numbers written by people, as exact fractions."""

import re
from fractions import Fraction

LONGEST = 100           # characters
EXPONENT = 400          # beyond any fp64

# Python's own reading of "1e999999999" computes a number of 999,999,999 digits.
_EXPONENT = re.compile(r"[eE]([+-]?\d[\d_]*)\s*$")


def exact(text):
    """A number such as "8", "1/8", "0.5" or "1e-3" as a Fraction.

    Raises
    ------
    ValueError : for what is no number, or one with too many digits.

    Examples
    --------
    "1/8" -> 1/8; "2.50" -> 5/2; "1e999999999" is refused.
    """
    text = str(text)
    power = _EXPONENT.search(text)
    if len(text) > LONGEST or (power and abs(int(power[1])) > EXPONENT):
        raise ValueError(f"{text[:20]!r}... has too many digits")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero")
