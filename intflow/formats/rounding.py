"""Rounding and overflow: how an exact number becomes an integer, and how it fits a range.

Everything here is exact Python integers; the kernels do the same on arrays and take the
enumerations' values as plain ints. No function has a default rounding: the caller says which.
"""

import math
import numbers
import operator
from fractions import Fraction

from intflow.errors import FormatError, RangeError, UsageError
from intflow.formats.modes import Overflow, Rounding


def round_divide(numerator, denominator, rounding, random=None):
    """Return numerator / denominator rounded to an integer.

    Parameters
    ----------
    numerator : int, any size.
    denominator : int >= 1.
    rounding : Rounding; no default.
    random : int in [0, denominator), uniform. Needed by STOCHASTIC, ignored by the others.

    Raises
    ------
    UsageError : GEMMLOWP and a denominator that is no power of two.

    Exactness
    ---------
    Exact integers throughout; the rounding named is the only loss.

    Examples
    --------
    7 / 2 = 3.5: floor 3, toward_zero 3, half_up 4, half_away 4, half_even 4; -7 / 2: -4, -3,
    -3, -4, -4. Stochastic 7 / 4 = 1.75 with random 0, 1, 2, 3: 1, 2, 2, 2. 1 / 4: gemmlowp 1.
    """
    n, d = operator.index(numerator), operator.index(denominator)
    if d < 1:
        raise RangeError(f"round_divide expects a denominator >= 1, got {d}")
    rounding = Rounding(rounding)
    if rounding is Rounding.STOCHASTIC:
        return _sign(n) * ((abs(n) + _checked_random(random, d)) // d)
    return _ROUNDED[rounding](n, d)


def _half_to(parity):
    """The nearest integer; of two equally near ones that of the parity, 0 even or 1 odd."""
    def rounded(n, d):
        quotient, rest = divmod(n, d)
        return quotient + (2 * rest > d or (2 * rest == d and quotient % 2 != parity))
    return rounded


def _jam(n, d):
    quotient, rest = divmod(n, d)
    return quotient | (rest > 0)


def _gemmlowp(n, d):
    if d & (d - 1):
        raise UsageError(f"gemmlowp rounds shifts, got a division by {d}; take another rounding")
    if d == 1:
        return n
    return _ROUNDED[Rounding.HALF_AWAY]((n + 1) // 2, d // 2)


_ROUNDED = {
    Rounding.FLOOR: lambda n, d: n // d,
    Rounding.TOWARD_ZERO: lambda n, d: _sign(n) * (abs(n) // d),
    Rounding.HALF_UP: lambda n, d: (2 * n + d) // (2 * d),
    Rounding.HALF_AWAY: lambda n, d: _sign(n) * ((2 * abs(n) + d) // (2 * d)),
    Rounding.HALF_EVEN: _half_to(0),
    Rounding.HALF_ODD: _half_to(1),
    Rounding.JAM: _jam,
    Rounding.HALF_DOWN: lambda n, d: -((d - 2 * n) // (2 * d)),
    Rounding.HALF_TOWARD_ZERO: lambda n, d: -_sign(n) * ((d - 2 * abs(n)) // (2 * d)),
    Rounding.GEMMLOWP: _gemmlowp,
}


def _sign(n):
    return (n > 0) - (n < 0)


def _checked_random(random, denominator):
    if random is None:
        raise RangeError("stochastic rounding expects a random integer, got none")
    random = operator.index(random)
    if not 0 <= random < denominator:
        raise RangeError(f"stochastic rounding expects 0 <= random < {denominator}, got {random}")
    return random


def round_shift(value, rshift, rounding, random=None):
    """Return value * 2**-rshift rounded to an integer.

    Parameters
    ----------
    value : int, any size.
    rshift : int; bits dropped, positive to the right. <= 0 is an exact left shift.
    rounding : Rounding; no default.
    random : int in [0, 2**rshift), uniform. Needed by STOCHASTIC where rshift > 0.

    Exactness
    ---------
    Exact for rshift <= 0, otherwise the rounding named is the only loss.

    Examples
    --------
    value = 192, rshift = 7 (1.5): floor 1, half_away 2, half_even 2. value = 64 (0.5): 0, 1, 0.
    value = 3, rshift = -2: 12.
    """
    value, rshift = operator.index(value), operator.index(rshift)
    if rshift <= 0:
        return value << -rshift
    return round_divide(value, 1 << rshift, rounding, random)


def round_fraction(real, rounding, random=None):
    """Return a real number rounded to an integer.

    Parameters
    ----------
    real : Fraction, int or float (a float is taken at its exact binary value).
    rounding : Rounding; no default.
    random : Fraction or float in [0, 1), uniform. Needed by STOCHASTIC.

    Examples
    --------
    Fraction(5, 2): half_even 2, half_away 3; stochastic with random = 1/2: 3, with 1/4: 2.
    """
    real = exact_fraction(real)
    if rounding == Rounding.GEMMLOWP and real.denominator > 1:
        raise UsageError("gemmlowp rounds shifts of integers, got a real number; take another"
                         " rounding")
    if rounding != Rounding.STOCHASTIC:
        return round_divide(real.numerator, real.denominator, rounding)
    if random is None:
        raise RangeError("stochastic rounding expects a random number in [0, 1), got none")
    u = exact_fraction(random)
    return round_divide(real.numerator * u.denominator, real.denominator * u.denominator,
                        rounding, u.numerator * real.denominator)


def exact_fraction(real):
    """Return the exact Fraction of an int, float, Fraction or NumPy scalar.

    Examples
    --------
    0.1 -> 3602879701896397 / 2**55 (what the float holds); inf and nan raise FormatError.
    """
    if isinstance(real, numbers.Integral):
        return Fraction(int(real))
    if isinstance(real, numbers.Rational):
        return Fraction(int(real.numerator), int(real.denominator))
    if isinstance(real, numbers.Real) and math.isfinite(real):
        return Fraction(float(real))
    raise FormatError(f"expected a finite number (int, float or Fraction), got {real!r}")


def shiftexp(m):
    """Return round(log2 m), exactly.  [WAGE Shift]

    Parameters
    ----------
    m : int >= 1. A tensor of zeros has no shift: the caller keeps it zero.

    Exactness
    ---------
    With f = floor(log2 m) the answer is f + [m * m > 2**(2f + 1)]. No tie exists: an even
    power of two never equals an odd one.

    Examples
    --------
    m = 1: 0; 2: 1; 3: 2 (log2 3 = 1.58); 5: 2 (2.32); 6: 3 (2.58); 90: 6 (6.49); 91: 7 (6.51).
    """
    m = operator.index(m)
    if m < 1:
        raise RangeError(f"shiftexp expects an integer >= 1, got {m}")
    f = m.bit_length() - 1
    return f + (m * m > 1 << (2 * f + 1))


def code_range(bits, signed=True, symmetric=False):
    """Return (smallest, largest) integer of `bits` bits.

    Examples
    --------
    8 bits: signed (-128, 127), symmetric (-127, 127), unsigned (0, 255); 1 bit signed (-1, 0).
    """
    if not signed:
        return 0, (1 << bits) - 1
    top = 1 << (bits - 1)
    return symmetric - top, top - 1


def overflow(value, minimum, maximum, mode):
    """Return `value` fitted into [minimum, maximum].

    Parameters
    ----------
    value : int, any size.
    minimum, maximum : int; see `code_range`.
    mode : Overflow. WRAP keeps the low bits, so the range must hold a power of two of codes.

    Examples
    --------
    130 into (-128, 127): wrap -126, saturate 127. -130: 126, -128, saturate_symmetric -127.

    Raises
    ------
    RangeError : TRAP, for a value outside. FormatError : WRAP into a range that cannot.
    """
    value, mode = operator.index(value), Overflow(mode)
    if mode is Overflow.SATURATE:
        return min(max(value, minimum), maximum)
    if mode is Overflow.SATURATE_SYMMETRIC:
        return min(max(value, minimum, -maximum), maximum)
    if mode is Overflow.TRAP:
        if not minimum <= value <= maximum:
            raise RangeError(f"{value} does not fit {minimum}..{maximum}, and overflow is a trap")
        return value
    codes = maximum - minimum + 1
    if codes & (codes - 1):
        raise FormatError(f"wrap keeps low bits, but the range {minimum}..{maximum} has {codes}"
                          " codes, no power of two; saturate, or use the full range")
    return (value - minimum) % codes + minimum
