"""Local response normalisation in fixed point: its constants, its table, its width."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import FormatError, RangeError
from ..formats import Tensor
from ..kernels.buffers import SUMS, empty
from .linear_algebra import magnitude
from .width import WIDEST_OPERAND, wide

OFFSET_BITS = 24        # fraction bits of k + alpha/n * s
FACTOR_BITS = 16        # of alpha/n, from its leading one: 2**-16 of it is the largest mistake
POWER_BITS = 20         # fraction bits of the power, and what y gains below the step of x
KNOTS = 256             # entries of the table between two powers of two
LARGEST_ROOT = 64


@dataclass(frozen=True, eq=False)
class Response:
    """The integers of a local response normalisation over codes of one format; see `response`.

    size, factor, rshift, offset, first, table : as the kernel `local_response_norm` takes them.
    """

    size: int
    factor: int
    rshift: int
    offset: int
    first: int
    table: np.ndarray

    def format(self, fmt):
        """Of the outputs, for inputs of `fmt`; the step is 2**-POWER_BITS that of fmt."""
        bits = (magnitude(fmt) * int(self.table[0, 0])).bit_length() + 1
        return wide(bits, fmt.frac_bits + POWER_BITS)


def response(fmt, size, alpha, beta, k):
    """y = x * (k + alpha / size * sum of x**2)**-beta as integers.

    Parameters
    ----------
    fmt : Fixed; format of x, at most 16 bits with its sign.
    size : int; neighbour channels in the sum.
    alpha, beta, k : Fractions above 0; k at least 2**-8, the denominator of beta at most 64.

    Returns
    -------
    Response

    Raises
    ------
    FormatError, RangeError : for an x too wide, constants outside these limits.

    Examples
    --------
    8 bits unsigned at step 1/8, size 5, alpha 1/10000, beta 3/4, k 1: offset = 2**24; a grey
    level of 255 alone has s = 65025 / 64, so T = 1.0203 and r = 0.985.
    """
    if fmt.bits + (not fmt.signed) > WIDEST_OPERAND:
        raise FormatError(f"local response normalisation takes at most {WIDEST_OPERAND} bits, got "
                          f"{fmt.bits}; put a Requantize before it")
    if min(alpha, beta) <= 0 or k < Fraction(1, 256) or beta.denominator > LARGEST_ROOT:
        raise RangeError(
            "local response normalisation takes alpha and beta above 0, k from 1/256 and a beta "
            f"with a denominator up to {LARGEST_ROOT}, got {alpha}, {beta} and {k}")
    offset = _rounded(k * (1 << OFFSET_BITS))
    factor, rshift = _factor(Fraction(alpha, size), 2 * fmt.frac_bits - OFFSET_BITS)
    largest = size * magnitude(fmt) ** 2 * factor
    if largest.bit_length() > 61:
        raise RangeError(f"values up to {magnitude(fmt) * fmt.step} are too large for a local "
                         "response normalisation; use more fraction bits before it")
    first, last = (n.bit_length() - 1 for n in (offset, offset + (largest >> rshift) + 1))
    table = power_table(first, last, beta)
    return Response(size, factor, rshift, offset, first, table)


def _factor(ratio, shift):
    """(factor, rshift >= 0) with factor * 2**-rshift = ratio * 2**-shift, 16 bits of it.

    Examples
    --------
    1/4, shift 0: 2**15 and 17. Shifts below 0 go into the factor.
    """
    lead = ratio.numerator.bit_length() - ratio.denominator.bit_length()
    lead -= ratio < Fraction(2) ** lead                     # now floor(log2 ratio)
    lshift = FACTOR_BITS - 1 - lead
    factor, rshift = _rounded(ratio * Fraction(2) ** lshift), lshift + shift
    # A sum of at most 36 bits shifted out by 62 is 0, whatever the factor.
    if rshift > 62:
        return factor >> min(rshift - 62, 62), 62
    return (factor, rshift) if rshift >= 0 else (factor << -rshift, 0)


def power_table(first, last, beta):
    """half_up(2**POWER_BITS * t**-beta) at t = (1 + i / 256) * 2**(n - OFFSET_BITS).

    Returns
    -------
    (last - first + 1, 257) s32; n = first .. last by row, i = 0 .. 256 along it.

    Examples
    --------
    n = OFFSET_BITS, beta = 3/4: 2**20 at i = 0, and 623487 (0.5946) at i = 256, where t = 2.
    """
    rows = [[_power(Fraction((KNOTS + i) << n, KNOTS << OFFSET_BITS), beta)
             for i in range(KNOTS + 1)] for n in range(first, last + 1)]
    if rows[0][0] >> 31:
        raise RangeError(f"the largest power is {rows[0][0]} * 2**-{POWER_BITS}; use a larger k")
    return np.array(rows, np.int32)


def _power(t, beta):
    """half_up(2**POWER_BITS * t**-beta), exact: one bit more by an integer root, then halved."""
    p, q = beta.numerator, beta.denominator
    power = t ** -p * (1 << (q * (POWER_BITS + 1)))
    return (integer_root(power.numerator // power.denominator, q) + 1) >> 1


def integer_root(n, q):
    """floor(n**(1/q)) by Newton's steps from above.

    Examples
    --------
    80, 4: 2; 81, 4: 3.
    """
    if n == 0:
        return 0
    x = 1 << -(-n.bit_length() // q)
    while True:
        y = ((q - 1) * x + n // x ** (q - 1)) // q
        if y >= x:
            return x
        x = y


def _rounded(fraction):
    return (2 * fraction.numerator + fraction.denominator) // (2 * fraction.denominator)


def local_response_norm(kernels, x, constants):
    """x * r of its neighbours, by the integers of `response`; x HWNC."""
    fmt = constants.format(x.format)
    out = empty(x.codes.shape, fmt.dtype, SUMS)
    c = constants
    kernels.local_response_norm(
        out, x.codes, c.table, c.size, c.factor, c.rshift, c.offset, c.first
    )
    return Tensor(out, fmt, x.axes)
