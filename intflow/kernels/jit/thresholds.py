"""Every deterministic rounding as one comparison.

With q = floor(x / D) and r the rest in [0, D), each rounding is q + (r > threshold), where

    threshold = base + (negative where x < 0) + (parity where q is odd)

    rounding           base         negative    parity       D = 2**n, n > 0
    floor              D - 1        0           0            never
    toward zero        D - 1        1 - D       0            0 where x < 0
    half up            h            0           0            half - 1
    half away          h            t           0            one more where x < 0
    half even          D // 2       0           -t           half, less one where q is odd
    half odd           h            0           t            half - 1, one more where q is odd
    half down          D // 2       0           0            half
    half toward zero   D // 2       -t          0            one less where x < 0
    jam                0            0           D - 1        never where q is odd
    gemmlowp           half - 2     2           0            n > 1, see below

h = (D - 1) // 2 is the largest rest below a tie, and t = D // 2 - h is 1 where D is even, so where
ties exist, else 0.

gemmlowp is y = floor((x + 1) / 2), then half away of y / 2**(n-1). For y >= 0 that is
floor((y + half / 2) * 2**(1-n)) = floor((x + 1 + half) / D): up from r = half - 1 on. For y < 0 it
is floor((y + half / 2 - 1) * 2**(1-n)) = floor((x + half - 1) / D): up from r = half + 1 on; and
x = -1, whose y is 0, has r = D - 1 and goes up as well.
"""

from ...errors import UsageError
from ...formats.rounding import Rounding


def threshold(rounding, divisor):
    """(base, negative, parity) of the module's table; nothing rounds where nothing drops."""
    last, half = divisor - 1, divisor // 2
    below = last // 2
    tie = half - below
    if divisor == 1 and rounding != Rounding.STOCHASTIC:
        return 0, 0, 0
    match rounding:
        case Rounding.FLOOR:
            return last, 0, 0
        case Rounding.TOWARD_ZERO:
            return last, -last, 0
        case Rounding.HALF_UP:
            return below, 0, 0
        case Rounding.HALF_AWAY:
            return below, tie, 0
        case Rounding.HALF_EVEN:
            return half, 0, -tie
        case Rounding.HALF_ODD:
            return below, 0, tie
        case Rounding.HALF_DOWN:
            return half, 0, 0
        case Rounding.HALF_TOWARD_ZERO:
            return half, -tie, 0
        case Rounding.JAM:
            return 0, 0, last
        case Rounding.GEMMLOWP:
            return _twice(divisor)
    raise UsageError(
        "requantize takes a deterministic rounding, got stochastic; use stochastic_update"
    )


def _twice(divisor):
    if divisor & (divisor - 1):
        raise UsageError(
            f"gemmlowp rounds shifts, got a division by {divisor}; take another rounding"
        )
    half = divisor // 2
    return (half - 2, 2, 0) if half > 1 else (0, 0, 0)
