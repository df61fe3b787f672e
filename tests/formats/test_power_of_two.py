"""Powers of two: codes, words and values, against Python integers and against minifloats."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow import ops
from intflow.errors import FormatError, RangeError
from intflow.formats import Fixed, Minifloat, PowerOfTwo, Tensor, format_name, parse_format
from intflow.kernels import load

import oracle_power

BITS = st.integers(2, 5)
FORMATS = [PowerOfTwo(2), PowerOfTwo(3, 7), PowerOfTwo(4), PowerOfTwo(5, -3)]
each_format = pytest.mark.parametrize("fmt", FORMATS, ids=str)


def words_of(fmt):
    """Every word but -0."""
    return [word for word in range(1 << fmt.bits) if word != 1 << fmt.bits - 1]


def test_numbers_to_check_by_hand():
    fmt = PowerOfTwo(3)
    assert [fmt.word(code) for code in (0, 1, 2, 4, -1, -2, -4)] == [0, 1, 2, 3, 5, 6, 7]
    assert [fmt.value(code) for code in (1, 2, -4)] == [Fraction(1, 4), Fraction(1, 2), -1]
    assert (fmt.lowest, fmt.frac_bits, fmt.minimum, fmt.maximum) == (-2, 2, -4, 4)
    assert [fmt.contains(code) for code in (3, -3, 8, -8, 0)] == [False, False, False, False, True]
    assert (PowerOfTwo(4).dtype, PowerOfTwo(5).dtype) == (np.int8, np.int16)
    assert PowerOfTwo(4).grid == Fixed(8, 6, symmetric=True)


@each_format
def test_a_word_is_a_code_of_a_minifloat_without_a_mantissa(fmt):
    words = words_of(fmt)
    minifloat = Minifloat(fmt.bits - 1, 0, bias=1 - fmt.lowest)
    assert [fmt.value(fmt.code(word)) for word in words] == [minifloat.decode(w) for w in words]
    assert [fmt.code(word) for word in words] == [oracle_power.value(w, fmt.bits) for w in words]
    exponents = {abs(fmt.code(word)).bit_length() - 1 + fmt.lowest for word in words} - {fmt.lowest - 1}
    assert exponents == set(range(fmt.highest - 2 ** (fmt.bits - 1) + 2, fmt.highest + 1))


@each_format
def test_words_and_codes_are_inverse(fmt):
    words = np.array(words_of(fmt), np.uint8).reshape(1, -1)
    codes = fmt.codes(words)
    assert codes.dtype == fmt.dtype and codes.shape == words.shape
    assert fmt.words(codes).tolist() == words.tolist() == [[fmt.word(c) for c in codes[0].tolist()]]
    assert Tensor(codes, fmt, "NC").check() and all(map(fmt.contains, codes[0].tolist()))
    assert all(fmt.grid.contains(code) for code in codes[0].tolist())


@given(BITS, st.integers(-9, 9), st.fractions(-300, 300, max_denominator=999))
def test_quantize_is_ap2(bits, highest, real):
    fmt = PowerOfTwo(bits, highest)
    assert fmt.quantize(real) == oracle_power.ap2(real, fmt.lowest, highest)


@given(BITS, st.integers(-6, 6), st.integers(0, 12), st.integers(-2**15 + 1, 2**15 - 1))
def test_the_kernel_makes_the_codes_of_quantize(bits, highest, frac_bits, code):
    fmt = PowerOfTwo(bits, highest)
    x = Tensor(np.array([[code]], np.int32), Fixed(17, frac_bits, symmetric=True), "NC")
    y = ops.requantize_to_power(load("reference"), x, fmt)
    assert y.codes.tolist() == [[fmt.quantize(Fraction(code, 2**frac_bits))]] and y.format == fmt


@pytest.mark.parametrize("build, message", [
    (lambda: PowerOfTwo(1), "2 to 5 bits, got 1; for 1 bit use Binary"),
    (lambda: PowerOfTwo(6), "2 to 5 bits, got 6"),
    (lambda: PowerOfTwo(4, 10_001), "exponent lies in"),
    (lambda: parse_format("pow2<9>"), "2 to 5 bits, got 9"),
    (lambda: parse_format("pow2<4,>"), "unknown format 'pow2<4,>'"),
    (lambda: format_name(PowerOfTwo(4), "ap"), "only fixed point has an ap_fixed name"),
])
def test_formats_that_cannot_be(build, message):
    with pytest.raises(FormatError, match=message):
        build()


@pytest.mark.parametrize("word", [-1, 8, 16])
def test_no_words(word):
    with pytest.raises(RangeError, match=f"{word} is no word of pow2<4>"):
        PowerOfTwo(4).code(word)


@pytest.mark.parametrize("code", [3, -6, 128])
def test_no_codes(code):
    with pytest.raises(RangeError, match=f"{code} is no code of pow2<4>"):
        PowerOfTwo(4).value(code)
    with pytest.raises(RangeError, match=f"{code} is no code of pow2<4>"):
        PowerOfTwo(4).words(np.array([[1, code]], np.int16))
