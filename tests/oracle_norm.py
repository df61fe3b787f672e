"""Integer batch norm in Python integers and fractions, channel by channel.

Shares no code with intflow: the formulas stand here a second time, from the head of
intflow/ops/normalise.py. A channel is a list of codes; e and x in one order.
"""

from fractions import Fraction
from math import isqrt
from typing import NamedTuple

OUTPUT_FRAC, OUTPUT_BITS = 12, 28


def half_up(x):
    """floor(x + 1/2)."""
    return (Fraction(x) + Fraction(1, 2)).__floor__()


def guard_of(width):
    """F of codes of a width: variances then have at most 62 bits."""
    return min(8, 32 - width)


def ceiling(x):
    return -((-Fraction(x)).__floor__())


def bits(n):
    """Binary digits of |n|."""
    return len(bin(abs(n))) - 2 if n else 0


def short(value):
    """(mantissa of 16 bits, exponent), half away."""
    k = max(0, bits(value) - 16)
    size = half_up(Fraction(abs(value), 2**k))
    if size == 2**16:
        size, k = 2**15, k + 1
    return (size if value >= 0 else -size), k


def root(spread):
    m = 31 + (bits(spread) + 1) // 2
    return isqrt(4**m // spread), m


class Statistics(NamedTuple):
    """mean in codes, variance in 2**-2F squared codes (no epsilon), V = variance + epsilon, F."""

    mean: Fraction
    variance: int
    spread: int
    guard: int


def epsilon_units(epsilon, frac_bits, guard):
    return max(1, ceiling(Fraction(epsilon) * Fraction(4) ** (frac_bits + guard)))


def of_batch(x, epsilon, frac_bits, guard=8):
    """Statistics of the codes of a channel."""
    mean = Fraction(sum(x), len(x))
    variance = half_up(sum((v - mean) ** 2 for v in x) / len(x) * 4**guard)
    spread = variance + epsilon_units(epsilon, frac_bits, guard)
    return Statistics(mean, variance, spread, guard)


def running(mean, variance, epsilon, frac_bits, guard=8):
    """Statistics out of stored codes."""
    spread = variance + epsilon_units(epsilon, frac_bits, guard)
    return Statistics(Fraction(mean, 2**guard), variance, spread, guard)


def forward(x, statistics, gamma, beta, gamma_frac):
    """Codes of y at 12 fraction bits."""
    r, m = root(statistics.spread)
    a, k = short(gamma * r)
    n = m + gamma_frac - statistics.guard - OUTPUT_FRAC - k
    if n < 0:
        a, n = a * 2**-n, 0
    if n > 40:
        a, n = half_up(Fraction(a, 2 ** (n - 40))), 40
    offset = half_up(-statistics.mean * a)
    top = 2 ** (OUTPUT_BITS - 1) - 1
    y = [half_up(Fraction(v * a + offset, 2**n)) + beta for v in x]
    return [min(max(v, -top), top) for v in y]


class Backward(NamedTuple):
    """One channel on the way back, with what the choice of the common step asks for."""

    a: int
    t: int
    slope: Fraction
    mean: Fraction
    error: Fraction
    reach: int
    spare: int


def prepare(e, x, statistics, gamma, gamma_frac, largest_e, largest_x):
    """What a channel wants: `Backward`."""
    n = len(x)
    r, m = root(statistics.spread)
    a, k = short(gamma * r)
    covariance = n * sum(u * v for u, v in zip(e, x)) - sum(e) * sum(x)
    slope = Fraction(covariance * 4**statistics.guard, n * n * statistics.spread)
    mean, error = Fraction(sum(x), n), Fraction(sum(e), n)
    far = isqrt(n * statistics.spread) + 1
    reach = abs(a) * (largest_e + ceiling(abs(error)) + ceiling(abs(slope) * far / 2**statistics.guard))
    terms = (abs(a) * (largest_e + ceiling(abs(error)))
             + ceiling(abs(a * slope)) * (largest_x + ceiling(abs(mean))) + 3)
    t = m + gamma_frac - statistics.guard - k
    return Backward(a, t, slope, mean, error, reach, 61 - bits(terms))


def backward(channels_e, channels_x, statistics, gammas, gamma_frac, largest_e, largest_x):
    """(errors, T) of all channels: a step of the result is 2**-T of the errors' over x's."""
    rows = [prepare(e, x, s, g, gamma_frac, largest_e, largest_x)
            for e, x, s, g in zip(channels_e, channels_x, statistics, gammas)]
    fine = bits(max(largest_e, largest_x)) + 2
    T = min((row.t + min(30 - bits(row.reach), row.spare - fine) for row in rows if row.a), default=0)
    return [_errors(e, x, row, T) for e, x, row in zip(channels_e, channels_x, rows)], T


def _errors(e, x, row, T):
    if not row.a:
        return [0] * len(e)
    h = min(row.spare, 61 - (row.t - T))
    p = half_up(row.a * Fraction(2) ** h)
    q = -half_up(p * row.slope)
    r = half_up(p * row.slope * row.mean - p * row.error)
    return [half_up(Fraction(u * p + v * q + r, 2 ** (row.t - T + h))) for u, v in zip(e, x)]


def gradients(e, x, statistics):
    """(gradient of gamma, 8 bits below the step of e; of beta)."""
    r, m = root(statistics.spread)
    n = len(x)
    covariance = n * sum(u * v for u, v in zip(e, x)) - sum(e) * sum(x)
    return half_up(Fraction(covariance * r * 2 ** (8 + statistics.guard), n * 2**m)), sum(e)


def exact_error(e, x, statistics, row):
    """The error by the exact formula, with A * 2**-t for gamma / sqrt(V): fractions."""
    return [row.a * (u - row.error - row.slope * (v - row.mean)) * Fraction(2) ** -row.t
            for u, v in zip(e, x)]


def moved(old, new, rate):
    """A running statistic after a step."""
    return half_up(old + (new - old) * Fraction(rate))
