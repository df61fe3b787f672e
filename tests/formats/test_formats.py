"""Fixed, Uniform and Binary: ranges, values, quantisation against Fractions."""

from fractions import Fraction

import numpy as np
import pytest
from formats.strategies import fixed, uniform
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError, RangeError
from intflow.formats import Binary, Fixed, Overflow, Rounding, Uniform, overflow, round_fraction

OF_NUMBERS = [r for r in Rounding if r is not Rounding.GEMMLOWP]       # that one is of shifts
RETURNING = [mode for mode in Overflow if mode is not Overflow.TRAP]
grids = st.one_of(fixed(st.integers(-40, 40)), uniform(st.fractions(Fraction(1, 999), 99)))


def test_numbers_to_check_by_hand():
    q07 = Fixed(8, 7)
    assert (q07.step, q07.minimum, q07.maximum) == (Fraction(1, 128), -128, 127)
    assert q07.value(64) == Fraction(1, 2) and q07.value(-128) == -1
    assert q07.quantize(0.3, Rounding.HALF_EVEN, Overflow.SATURATE) == 38
    assert q07.quantize(1, Rounding.FLOOR, Overflow.SATURATE) == 127
    assert q07.quantize(1, Rounding.FLOOR, Overflow.WRAP) == -128
    assert Fixed(8, 7, symmetric=True).minimum == -127
    assert Fixed(8, 8, signed=False).maximum == 255
    assert Fixed(4, -2).value(-8) == -32
    third = Uniform(2, Fraction(1, 3), signed=False)
    assert [third.value(code) for code in range(4)] == [0, Fraction(1, 3), Fraction(2, 3), 1]


@pytest.mark.parametrize("bits", range(1, 65))
@pytest.mark.parametrize("signed", [False, True])
def test_dtype_holds_every_code_and_no_smaller_one_does(bits, signed):
    format = Fixed(bits, 0, signed)
    info = np.iinfo(format.dtype)
    assert info.min <= format.minimum and format.maximum <= info.max
    assert (info.min < 0) == signed
    assert info.bits == min(width for width in (8, 16, 32, 64) if width >= bits)


@given(grids, st.data())
def test_values_of_codes(format, data):
    code = data.draw(st.integers(format.minimum, format.maximum))
    assert format.contains(code)
    assert format.value(code) == code * format.step
    for rounding in Rounding:
        assert format.quantize(format.value(code), rounding, Overflow.SATURATE, 0) == code


@given(grids, st.fractions(), st.sampled_from(OF_NUMBERS), st.sampled_from(RETURNING),
       st.integers(0, 2**32 - 1))
def test_quantize(format, real, rounding, mode, random):
    if mode is Overflow.WRAP and format.symmetric:
        mode = Overflow.SATURATE
    u = Fraction(random, 2**32)
    steps = real / format.step
    expected = overflow(round_fraction(steps, rounding, u), format.minimum, format.maximum, mode)
    code = format.quantize(real, rounding, mode, u)
    assert code == expected and format.contains(code)
    symmetric = mode is Overflow.SATURATE_SYMMETRIC
    lowest = max(format.minimum, -format.maximum) if symmetric else format.minimum
    if lowest <= steps <= format.maximum:
        assert abs(code - steps) < 1
        if "HALF" in rounding.name:
            assert abs(code - steps) <= Fraction(1, 2)


def test_a_trap_returns_what_fits_and_stops_at_the_rest():
    assert Fixed(8, 7).quantize(Fraction(127, 128), Rounding.FLOOR, Overflow.TRAP) == 127
    with pytest.raises(RangeError, match="128 does not fit -128..127"):
        Fixed(8, 7).quantize(1, Rounding.FLOOR, Overflow.TRAP)


@pytest.mark.parametrize("format", [
    Fixed(4, 2), Fixed(4, 2, symmetric=True), Fixed(3, 2, signed=False), Uniform(3, Fraction(2, 7))])
def test_quantize_small_domain_to_the_nearest_value(format):
    """Half-even with saturation is the nearest value, the even code at a tie."""
    codes = range(format.minimum, format.maximum + 1)
    for numerator in range(-60, 61):
        real = format.step * Fraction(numerator, 6)
        nearest = min(codes, key=lambda c: (abs(format.value(c) - real), c % 2))
        assert format.quantize(real, Rounding.HALF_EVEN, Overflow.SATURATE) == nearest


def test_formats_are_values():
    assert Fixed(8, 7) == Fixed(np.int64(8), np.int8(7)) and hash(Fixed(8, 7)) == hash(Fixed(8, 7))
    assert Fixed(8, 7) != Fixed(8, 7, symmetric=True) != Uniform(8, Fraction(1, 128))
    assert Uniform(8, 0.5).step == Fraction(1, 2)
    with pytest.raises(AttributeError):
        Fixed(8, 7).bits = 9


def test_binary():
    quarter = Binary(Fraction(1, 4))
    assert [quarter.contains(code) for code in (-2, -1, 0, 1, 2)] == [False, True, False, True, False]
    assert quarter.value(-1) == Fraction(-1, 4)
    assert [quarter.quantize(x) for x in (-0.1, 0, 7, Fraction(-1, 9))] == [-1, 1, 1, -1]
    assert quarter.dtype == np.int8
    with pytest.raises(RangeError):
        quarter.value(0)


REFUSED = {
    "no bits": (lambda: Fixed(0, 0), "1 to 64 bits"),
    "65 bits": (lambda: Fixed(65, 0), "got 65"),
    "far point": (lambda: Fixed(8, 10_001), "frac_bits"),
    "symmetric unsigned": (lambda: Fixed(8, 7, signed=False, symmetric=True), "is signed"),
    "symmetric bit": (lambda: Fixed(1, 0, symmetric=True), "Binary"),
    "step of zero": (lambda: Uniform(8, 0), "fraction > 0"),
    "negative step": (lambda: Binary(-1), "fraction > 0"),
    "infinite step": (lambda: Uniform(8, float("inf")), "finite number"),
    "huge step": (lambda: Uniform(8, 2**256), "below 2"),
    "wrap symmetric": (
        lambda: Fixed(8, 7, symmetric=True).quantize(1, Rounding.FLOOR, Overflow.WRAP), "saturate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    build, message = REFUSED[name]
    with pytest.raises(FormatError, match=message):
        build()


def test_value_of_no_code():
    with pytest.raises(RangeError, match="128 is no code of Q0.7: -128..127"):
        Fixed(8, 7).value(128)
