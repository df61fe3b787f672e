"""Batch normalisation in integers: exact sums, and one short multiplier for every channel.

x codes of step 2**-f, N of them in a channel; S = sum x, S2 = sum x*x, both exact. Lingo: the
*spread* V of a channel is its variance plus epsilon, in units of 2**-2F squared codes, F = 8 or
what 64 bits leave (`guard_of`); its *root* is (r, m) with r * 2**-m = 1 / sqrt(V), r of 32 or 33
bits. What is done once a channel is done in Python integers of any size; what is done once a number
is one kernel (`combine_channels`) in 64 bits. rdiv rounds half up.

    V = rdiv((N S2 - S**2) << 2F, N**2) + epsilon
    r = isqrt(2**2m // V),  m = 31 + ceil(bits of V / 2)
    A 2**k = gamma r, A of 16 bits (`short`)
    y = (x A - rdiv(S A, N)) >> n  + beta               n = m + gamma's frac_bits - F - 12 - k

Back, with E and X the largest codes of e and x, and t = m + gamma's frac_bits - F - k:

    K = N sum(e x) - sum(e) S,  slope = K 2**2F / (N**2 V)
    e' = A 2**-t (e - sum(e) / N - slope (x - S / N))

in units of 2**-T steps of e over steps of x, T common to all channels, by sums of at most 61 bits:

    reach = |A| (E + ceil(|sum e| / N) + ceil(|slope| D 2**-F)),  D = isqrt(N V) + 1
            no e' 2**t is larger
    spare = 61 - bits(|A| (E + ceil(|sum e| / N)) + ceil(|A slope|) (X + ceil(|S| / N)) + 3)
    T = the least t + min(30 - bits(reach), spare - bits(max(E, X)) - 2) of all channels with A != 0
    h = min(spare, 61 - (t - T)),  P = rdiv(A 2**h),  Q = -rdiv(P slope)
    e' = (e P + x Q + rdiv(P slope S / N - P sum(e) / N)) >> (t - T + h), rounded half up
"""

from fractions import Fraction
from math import isqrt
from typing import NamedTuple

import numpy as np

from ..errors import FormatError
from ..formats import Fixed, Tensor
from ..kernels.buffers import ERRORS, SUMS, empty
from .linear_algebra import magnitude
from .width import wide

GUARD = 8                       # most of F
MULTIPLIER_BITS = 16
OUTPUT = Fixed(28, 12, symmetric=True)
WIDEST_INPUT = 32
MOST = 1 << 24                  # numbers in a channel: then sqrt(N) * gamma lies within OUTPUT
ERROR_BITS = 31
GRADIENT_GUARD = 8
WORK_BITS = 61                  # of a kernel's sums; the half that rounds comes on top
FARTHEST = 40                   # a shift of y; multipliers below 2**-24 lose bits beyond it
NONE = np.empty(0, np.int64)


class Sums(NamedTuple):
    """N, and S and S2 (or the sums of another tensor and of its products) a channel."""

    count: int
    totals: list
    products: list


class Affine(NamedTuple):
    """What the kernel takes of every channel, s64 (C,)."""

    p: np.ndarray
    q: np.ndarray
    r: np.ndarray
    rshift: np.ndarray


def guard_of(fmt):
    """F for codes of fmt: variances then fit 62 bits.

    Examples
    --------
    24 bits: 8; 32 bits: 0.
    """
    return min(GUARD, 32 - fmt.grid.bits)


def rdiv(a, b):
    """a / b rounded half up, b > 0.

    Examples
    --------
    5, 2: 3; -5, 2: -2.
    """
    return (2 * a + b) // (2 * b)


def short(value, bits=MULTIPLIER_BITS):
    """(mantissa, k): value = mantissa * 2**k, rounded half away to a mantissa of `bits` bits.

    Examples
    --------
    1000 in 4 bits: (8, 7) since 1000 / 2**6 = 15.6 rounds to 16, of 5 bits, which is 8 * 2.
    """
    k = max(0, value.bit_length() - bits)
    size = rdiv(abs(value), 1 << k)
    if size.bit_length() > bits:
        size, k = size >> 1, k + 1
    return (size if value >= 0 else -size), k


def root(spread):
    """(r, m) of a spread >= 1: r * 2**-m = 1 / sqrt(spread), cut to 32 bits or 33.

    Examples
    --------
    spread 4: m = 33, r = isqrt(2**66 // 4) = 2**32.
    """
    m = 31 + ((spread.bit_length() + 1) >> 1)
    return isqrt((1 << 2 * m) // spread), m


def channel_sums(kernels, a, b, group):
    """Exact Sums of a and of a * b over the images of the whole group; b may be a.

    Raises
    ------
    FormatError : the two formats have more than 63 bits together.
    """
    bits = magnitude(a.format).bit_length() + magnitude(b.format).bit_length()
    if bits > 63:
        raise FormatError(
            f"sums of products of {a.format} and {b.format} need {bits} bits for one product and "
            "there are 63; put a Requantize before it"
        )
    channels = a.codes.shape[-1]
    out = np.empty((3, channels), np.int64)
    kernels.channel_sums(out, a.codes, b.codes, 1 << min(63 - bits, 20))
    count = int(group.sum(np.array([a.codes.size // channels], np.int64))[0])
    totals, low, high = (row.tolist() for row in group.sum(out))
    return Sums(count, totals, [x + (y << 32) for x, y in zip(low, high)])


def variances(sums, guard):
    """(N S2 - S**2) / N**2 in units of 2**-2F squared codes, F = guard, rounded half up.

    Examples
    --------
    Codes 1, 3: N = 2, S = 4, S2 = 10: 4 / 4 = 1, that is 2**16 where F is 8.
    """
    n = sums.count
    return [rdiv((n * s2 - s * s) << 2 * guard, n * n)
            for s, s2 in zip(sums.totals, sums.products)]


def epsilon_units(epsilon, fmt):
    """epsilon in units of a spread of codes of fmt, rounded up, at least 1."""
    units = epsilon * Fraction(4) ** (fmt.frac_bits + guard_of(fmt))
    return max(1, -(-units.numerator // units.denominator))


def normalise(kernels, x, means, spreads, gamma, beta):
    """y = gamma * (x - mean) / sqrt(V) + beta, every channel by one multiplier of 16 bits.

    Parameters
    ----------
    x : Tensor of at most 32 bits, HWNC or NC.
    means : ([numerator], denominator) in codes of x.
    spreads : [V]
    gamma, beta : Tensors C; beta at the step of OUTPUT.

    Returns
    -------
    Tensor at OUTPUT; saturated, which statistics of the batch itself never make it.

    Exactness
    ---------
    One rounding, half up, behind the multiplier.
    """
    totals, count = means
    shift = gamma.format.frac_bits - guard_of(x.format) - OUTPUT.frac_bits
    factors = [_factor(g, v, shift)
               for g, v in zip(gamma.codes.tolist(), spreads)]
    offsets = [rdiv(-s * p, count) + (b << n) + (1 << n >> 1)
               for s, b, (p, n) in zip(totals, beta.codes.tolist(), factors)]
    zero = np.zeros(len(factors), np.int64)
    affine = Affine(_row(p for p, _ in factors), zero, _row(offsets), _row(n for _, n in factors))
    out = empty(x.codes.shape, OUTPUT.dtype, SUMS)
    _combine(kernels, out, x.codes, NONE, affine, OUTPUT)
    return Tensor(out, OUTPUT, x.axes)


def _factor(gamma, spread, shift):
    """(A, n): gamma / sqrt(V) in steps of y per code of x is A * 2**-n, 0 <= n <= FARTHEST."""
    r, m = root(spread)
    p, k = short(gamma * r)
    n = m + shift - k
    if n < 0:
        return p << -n, 0
    return (p, n) if n <= FARTHEST else (rdiv(p, 1 << (n - FARTHEST)), FARTHEST)


def normalise_error(kernels, e, x, gamma, forward, spreads, sums):
    """Error at x, and the gradients of gamma and beta.

    forward : Sums of x, as `channel_sums(x, x)` gave them. spreads : [V].
    sums : Sums of e and of e * x.

    The gradients are K / (N sqrt(V)) at gamma and sum(e) at beta.

    Exactness
    ---------
    gamma / sqrt(V) has 16 bits; with it each e' is exact to one step of the result, which has 31
    bits for the largest channel. The gradient of beta is exact, that of gamma rounded half up at 8
    bits below the step of e.
    """
    n, guard = forward.count, guard_of(x.format)
    rows = [_Channel(g, v, s, se, n * sx - se * s, n, gamma.format.frac_bits, guard)
            for g, v, s, se, sx in zip(gamma.codes.tolist(), spreads, forward.totals,
                                       sums.totals, sums.products)]
    largest = magnitude(e.format), magnitude(x.format)
    affine, step = _error_affine(rows, *largest)
    fmt = wide(ERROR_BITS, e.format.frac_bits + step - x.format.frac_bits)
    out = empty(e.codes.shape, fmt.dtype, ERRORS)
    _combine(kernels, out, e.codes, x.codes, affine, fmt)
    to_gamma = _vector([row.gradient() for row in rows], e.format.frac_bits + GRADIENT_GUARD)
    return Tensor(out, fmt, e.axes), to_gamma, _vector(sums.totals, e.format.frac_bits)


class _Channel:
    """One channel on the way back: e' = A * 2**-t * (e - mean - slope * (x - S / N))."""

    def __init__(self, gamma, spread, total, error, covariance, count, gamma_frac_bits, guard):
        self.root, self.m = root(spread)
        self.a, k = short(gamma * self.root)
        self.t, self.guard = self.m + gamma_frac_bits - guard - k, guard
        self.spread, self.total, self.error = spread, total, error
        self.covariance, self.count = covariance, count
        # slope = above / below
        self.above, self.below = covariance << 2 * guard, count * count * spread

    def gradient(self):
        """K / (N sqrt(V)), GRADIENT_GUARD bits below the step of e."""
        return rdiv(self.covariance * self.root << (GRADIENT_GUARD + self.guard),
                    self.count << self.m)

    def reach(self, e):
        """No |e'| in units of 2**-t is larger: |x - S / N| <= sqrt(N V) codes."""
        far = isqrt(self.count * self.spread) + 1
        return abs(self.a) * (e + -(-abs(self.error) // self.count)
                              + -(-abs(self.above) * far // (self.below << self.guard)))

    def spare(self, e, x):
        """Bits that A may have more: the kernel's sums, in units of 2**-t, leave so many."""
        slope = -(-abs(self.a * self.above) // self.below)
        mean, error = -(-abs(self.total) // self.count), -(-abs(self.error) // self.count)
        return WORK_BITS - (abs(self.a) * (e + error) + slope * (x + mean) + 3).bit_length()

    def affine(self, e, x, step):
        """(p, q, r, rshift): A with `h` bits more, results in units of 2**-step."""
        if not self.a:
            return 0, 0, 0, 0
        h = min(self.spare(e, x), WORK_BITS - (self.t - step))
        rshift = self.t - step + h
        p = self.a << h if h >= 0 else rdiv(self.a, 1 << -h)
        q = -rdiv(p * self.above, self.below)
        r = rdiv(-p * self.error * self.below + p * self.above * self.total,
                 self.count * self.below)
        return p, q, r + (1 << rshift >> 1), rshift


def _error_affine(rows, e, x):
    """(Affine, T): results in units of 2**-T, common to all channels."""
    fine = max(e, x).bit_length() + 2       # so that what rounds Q away does not show
    step = min((row.t + min(ERROR_BITS - 1 - row.reach(e).bit_length(), row.spare(e, x) - fine)
                for row in rows if row.a), default=0)
    return Affine(*map(_row, zip(*[row.affine(e, x, step) for row in rows]))), step


def _combine(kernels, out, a, b, affine, fmt):
    p, q, r, rshift = affine
    kernels.combine_channels(out, a, p, b, q, r, rshift, fmt.minimum, fmt.maximum)


def _row(values):
    return np.array(list(values), np.int64)


def _vector(values, frac_bits):
    """A gradient of one number a channel."""
    return Tensor(_row(values), wide(64, frac_bits), "C")
