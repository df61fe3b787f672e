"""Rounding, overflow and shiftexp against Fractions; small domains whole."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError, RangeError, UnknownNameError, UsageError
from intflow.formats import (
    Overflow,
    Rounding,
    overflow,
    round_divide,
    round_fraction,
    round_shift,
    shiftexp,
)
from intflow.formats.rounding import code_range, exact_fraction

HALF = Fraction(1, 2)


def sign(x):
    return (x > 0) - (x < 0)


DEFINITIONS = {
    Rounding.FLOOR: lambda x, u: math.floor(x),
    Rounding.TOWARD_ZERO: lambda x, u: math.trunc(x),
    Rounding.HALF_UP: lambda x, u: math.floor(x + HALF),
    Rounding.HALF_AWAY: lambda x, u: sign(x) * math.floor(abs(x) + HALF),
    Rounding.HALF_EVEN: lambda x, u: round(x),
    Rounding.STOCHASTIC: lambda x, u: sign(x) * math.floor(abs(x) + u),
    Rounding.HALF_ODD: lambda x, u: nearest(x, odd=True),
    Rounding.JAM: lambda x, u: next(v for v in neighbours(x) if v == x or v % 2 and x % 1),
    Rounding.HALF_DOWN: lambda x, u: nearest(x),
    Rounding.HALF_TOWARD_ZERO: lambda x, u: sign(x) * nearest(abs(x)),
}


def neighbours(x):
    """The integers on both sides of x."""
    return math.floor(x), math.ceil(x)


def nearest(x, odd=False):
    """The nearest integer; of two the odd one, or the lower."""
    return min(neighbours(x), key=lambda v: (abs(v - x), odd and v % 2 == 0, v))


roundings = st.sampled_from(list(DEFINITIONS))
big = st.integers(-(2**80), 2**80)


@st.composite
def divisions(draw):
    denominator = draw(st.one_of(st.integers(1, 9), st.integers(1, 2**70)))
    near_tie = draw(big) * denominator + denominator // 2 + draw(st.integers(-1, 1))
    numerator = draw(st.one_of(st.integers(-50, 50), big, st.just(near_tie)))
    return numerator, denominator, draw(st.integers(0, denominator - 1))


def test_every_rounding_is_defined():
    assert set(DEFINITIONS) == set(Rounding) - {Rounding.GEMMLOWP}        # of shifts, see below


@given(divisions(), roundings)
def test_round_divide(division, rounding):
    n, d, random = division
    expected = DEFINITIONS[rounding](Fraction(n, d), Fraction(random, d))
    assert round_divide(n, d, rounding, random) == expected


@pytest.mark.parametrize("rounding", DEFINITIONS)
def test_round_divide_small_domain(rounding):
    for d in range(1, 10):
        for n in range(-40, 41):
            for random in range(d if rounding is Rounding.STOCHASTIC else 1):
                expected = DEFINITIONS[rounding](Fraction(n, d), Fraction(random, d))
                assert round_divide(n, d, rounding, random) == expected


@given(big, st.integers(-70, 70), roundings, st.data())
def test_round_shift(value, rshift, rounding, data):
    random = data.draw(st.integers(0, 2 ** max(rshift, 0) - 1))
    exact = value * Fraction(2) ** -rshift
    expected = DEFINITIONS[rounding](exact, random * Fraction(2) ** -rshift)
    assert round_shift(value, rshift, rounding, random) == expected


@pytest.mark.parametrize("rshift", range(1, 21))
def test_half_even_at_every_tie(rshift):
    half = 1 << (rshift - 1)
    for odd in (*range(1, 200, 2), *range(-199, 0, 2)):
        quotient = round_shift(odd * half, rshift, Rounding.HALF_EVEN)
        assert quotient % 2 == 0
        assert abs(quotient * 2 - odd) == 1


def high_multiply(a, b):
    """SaturatingRoundingDoublingHighMul as gemmlowp writes it: a nudge, then C's division."""
    nudge = 1 << 30 if a * b >= 0 else 1 - (1 << 30)
    return min(math.trunc(Fraction(a * b + nudge, 1 << 31)), 2**31 - 1)


def divide_by_pot(x, exponent):
    """RoundingDivideByPOT as gemmlowp writes it: a mask, a remainder and a threshold."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


@given(st.integers(-2**31, 2**31 - 1) | st.integers(-300, 300), st.integers(1, 32))
def test_gemmlowp_is_a_multiplier_of_one_half_and_a_shift(value, rshift):
    expected = divide_by_pot(high_multiply(value, 1 << 30), rshift - 1)
    assert round_shift(value, rshift, Rounding.GEMMLOWP) == expected


def test_gemmlowp_by_hand():
    """>> 2: x / 2 half up, / 2 half away. -3: -1.5 -> -1 -> -0.5 -> -1. 5: 2.5 -> 3 -> 1.5 -> 2."""
    got = [round_shift(x, 2, Rounding.GEMMLOWP) for x in range(-6, 7)]
    assert got == [-2, -1, -1, -1, -1, 0, 0, 1, 1, 1, 1, 2, 2]
    single = [round_shift(x, 2, Rounding.parse("tflite_single")) for x in range(-6, 7)]
    assert single == [-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert round_shift(5, -3, Rounding.GEMMLOWP) == 40


def test_gemmlowp_is_of_shifts_alone():
    for call in (lambda: round_divide(7, 3, Rounding.GEMMLOWP),
                 lambda: round_fraction(HALF, Rounding.GEMMLOWP)):
        with pytest.raises(UsageError, match="gemmlowp rounds shifts"):
            call()


AP_NAMES = {
    "TRN": "floor", "TRN_ZERO": "toward_zero", "RND": "half_up", "RND_INF": "half_away",
    "RND_CONV": "half_even", "RND_MIN_INF": "half_down", "RND_ZERO": "half_toward_zero",
}


@pytest.mark.parametrize("name", AP_NAMES)
def test_names_of_ap_fixed_and_systemc(name):
    member = Rounding[AP_NAMES[name].upper()]
    for text in (name, name.lower(), f"AP_{name}", f"ap-{name}", f"SC_{name}"):
        assert Rounding.parse(text) is member
    with pytest.raises(UnknownNameError):
        Rounding.parse(f"XX_{name}")


@pytest.mark.parametrize("rshift", range(6))
def test_stochastic_shift_has_the_exact_mean(rshift):
    for value in range(-70, 71):
        total = sum(round_shift(value, rshift, Rounding.STOCHASTIC, random)
                    for random in range(1 << rshift))
        assert total == value


@given(st.fractions(), roundings, st.fractions(0, 1).filter(lambda u: u < 1))
def test_round_fraction(x, rounding, u):
    assert round_fraction(x, rounding, u) == DEFINITIONS[rounding](x, u)


def test_round_shift_takes_numpy_scalars_without_wrapping():
    assert round_shift(np.int8(100), -3, Rounding.FLOOR) == 800
    assert round_divide(np.int32(2**31 - 1), np.int32(1), Rounding.HALF_UP) == 2**31 - 1


def test_refusals():
    with pytest.raises(RangeError, match="denominator >= 1, got 0"):
        round_divide(1, 0, Rounding.FLOOR)
    with pytest.raises(RangeError, match="expects a random integer"):
        round_divide(1, 2, Rounding.STOCHASTIC)
    with pytest.raises(RangeError, match="0 <= random < 4, got 4"):
        round_shift(1, 2, Rounding.STOCHASTIC, 4)
    with pytest.raises(RangeError, match="got none"):
        round_fraction(1, Rounding.STOCHASTIC)
    with pytest.raises(TypeError):
        round_shift(1.0, 2, Rounding.FLOOR)
    for bad in (float("nan"), float("inf"), "1", None, 1j):
        with pytest.raises(FormatError, match="finite number"):
            exact_fraction(bad)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_fraction_of_floats(x):
    assert exact_fraction(x) == Fraction(*x.as_integer_ratio())
    assert exact_fraction(np.float64(x)) == exact_fraction(x)


def test_exact_fraction_of_numpy_integers_is_python_integers():
    assert type(exact_fraction(np.int8(-5)).numerator) is int


def test_names_parse_and_print():
    for enumeration in (Rounding, Overflow):
        for member in enumeration:
            assert enumeration.parse(str(member)) is member
            assert enumeration.parse(member.name) is member
            assert enumeration.parse(member) is member
    assert Rounding.parse(" Half-Even ") is Rounding.HALF_EVEN
    assert [int(r) for r in Rounding] == list(range(11))
    assert [str(r) for r in Rounding][:6] == [
        "floor", "toward_zero", "half_up", "half_away", "half_even", "stochastic"]
    assert [int(o) for o in Overflow] == [0, 1, 2, 3]


def test_unknown_names_list_the_near_ones():
    with pytest.raises(UnknownNameError, match="did you mean half_even"):
        Rounding.parse("half_evn")
    with pytest.raises(UnknownNameError, match="did you mean saturate"):
        Overflow.parse("saturated")


def rounded_log2(m):
    """round(log2 m) by comparing m**2 with the odd powers of two around it."""
    n = 0
    while Fraction(m) ** 2 > Fraction(2) ** (2 * n + 1):
        n += 1
    return n


@given(st.integers(1, 2**200))
def test_shiftexp(m):
    n = shiftexp(m)
    assert Fraction(2) ** (2 * n - 1) < m * m < Fraction(2) ** (2 * n + 1)


def test_shiftexp_small_domain():
    assert [shiftexp(m) for m in range(1, 3000)] == [rounded_log2(m) for m in range(1, 3000)]


@pytest.mark.parametrize("k", range(1, 63))
def test_shiftexp_near_the_square_root(k):
    below = math.isqrt(2 ** (2 * k + 1))        # floor(sqrt(2) 2**k)
    assert shiftexp(below) == k
    assert shiftexp(below + 1) == k + 1
    assert shiftexp(2**k) == k


def test_shiftexp_agrees_with_the_table_below_2_to_20():
    m = np.arange(1, 2**20, dtype=np.int64)
    f = np.frexp(m)[1] - 1
    expected = f + (m * m > np.left_shift(np.int64(1), 2 * f + 1))
    edges = np.flatnonzero(np.diff(expected)) + 1
    assert np.all(np.diff(expected) >= 0)
    for edge in (*edges, len(m) - 1):            # monotone: the steps say it all
        assert shiftexp(int(m[edge])) == expected[edge]
        assert shiftexp(int(m[edge - 1])) == expected[edge - 1]
    assert shiftexp(741455) == 19                # a float32 logarithm says 20


def test_shiftexp_scales_by_powers_of_two():
    for m in range(1, 500):
        assert shiftexp(m << 13) == shiftexp(m) + 13


@pytest.mark.parametrize("m", [0, -1])
def test_shiftexp_of_nothing(m):
    with pytest.raises(RangeError, match=f"got {m}"):
        shiftexp(m)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("signed", [False, True])
def test_overflow_small_domain(bits, signed):
    low, high = code_range(bits, signed)
    codes = range(low, high + 1)
    assert len(codes) == 2**bits
    for value in range(-40, 41):
        wrapped = overflow(value, low, high, Overflow.WRAP)
        assert wrapped in codes and (wrapped - value) % 2**bits == 0
        nearest = min(codes, key=lambda code: abs(code - value))
        assert overflow(value, low, high, Overflow.SATURATE) == nearest


def test_wrap_refuses_a_symmetric_range():
    with pytest.raises(FormatError, match="-127..127 has 255 codes"):
        overflow(130, *code_range(8, symmetric=True), Overflow.WRAP)
    assert overflow(-130, -127, 127, Overflow.SATURATE) == -127
