"""Minifloat: decoded codes against the definition, NumPy's half and single precision."""

from fractions import Fraction

import numpy as np
import pytest
from formats.strategies import minifloat
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError, RangeError
from intflow.formats import Minifloat


def test_half_precision_is_numpys_on_every_code():
    half = Minifloat(5, 10, specials="ieee")
    floats = np.arange(2**16, dtype=np.uint16).view(np.float16)
    for code, value in enumerate(floats.tolist()):
        assert half.contains(code) == np.isfinite(value)
        if np.isfinite(value):
            assert half.decode(code) == Fraction(value)


@given(st.integers(0, 2**32 - 1))
def test_single_precision_is_numpys(code):
    single = Minifloat(8, 23, specials="ieee")
    value = float(np.uint32(code).view(np.float32))
    assert single.contains(code) == np.isfinite(value)
    if np.isfinite(value):
        assert single.decode(code) == Fraction(value)


def test_numbers_to_check_by_hand():
    assert [Minifloat(2, 1).decode(code) for code in range(8)] == [
        0, Fraction(1, 2), 1, Fraction(3, 2), 2, 3, 4, 6]
    e4m3 = Minifloat(4, 3)
    assert (e4m3.bits, e4m3.bias, e4m3.largest, e4m3.smallest) == (8, 7, 480, Fraction(1, 512))
    assert e4m3.decode(60) == Fraction(3, 2) and e4m3.decode(60 + 128) == Fraction(-3, 2)
    assert Minifloat(4, 3, specials="fn").largest == 448
    assert Minifloat(5, 2, specials="ieee").largest == 57344
    flushed = Minifloat(4, 3, subnormals=False)
    assert flushed.smallest == flushed.smallest_normal == Fraction(1, 64)
    assert [flushed.decode(code) for code in range(9)] == [0] * 8 + [Fraction(1, 64)]


@given(minifloat(most_bits=9))
def test_ranges_are_those_of_the_codes(format):
    codes = [code for code in range(1 << format.bits) if format.contains(code)]
    values = [format.decode(code) for code in codes]
    assert max(values) == format.largest == -min(values)
    assert min(value for value in values if value > 0) == format.smallest
    assert format.smallest_normal == Fraction(2) ** (1 - format.bias)
    positive = [value for code, value in zip(codes, values) if code < 1 << (format.bits - 1)]
    assert positive == sorted(positive)
    assert np.iinfo(format.dtype).max >= codes[-1]


@pytest.mark.parametrize("arguments, message", [
    ((0, 3), "1 to 8 exponent bits"), ((9, 3), "got 9 and 3"), ((4, 24), "0 to 23"),
    ((4, 3, 10_001), "bias"), ((4, 3, 7, True, "inf"), "specials are one of"),
    ((1, 3, 0, True, "ieee"), "at least 2"), ((4, 0, 7, True, "fn"), "at least 1")])
def test_refused(arguments, message):
    with pytest.raises(FormatError, match=message):
        Minifloat(*arguments)


@pytest.mark.parametrize("code", [-1, 256, 127, 255])
def test_decode_of_no_number(code):
    with pytest.raises(RangeError, match=f"code {code} is no finite"):
        Minifloat(4, 3, specials="fn").decode(code)
