"""Minifloat codes of numbers against Fractions, every small format, and against ml_dtypes."""

import contextlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError
from intflow.formats import Minifloat, parse_format
from intflow.formats.minifloat_codec import (
    best_bias, bit_length, encode, encode_float32, encode_integers, expand, split,
)

KINDS = [{}, {"subnormals": False}, {"zero": False}, {"specials": "fn"}, {"specials": "ieee"}]


def small_formats():
    """Every minifloat of up to 7 bits and 5 of exponent, of every kind, and the 8-bit 1-4-3."""
    formats = [parse_format("e4m3"), parse_format("1-4-3")]
    for exponent_bits in range(1, 6):
        for mantissa_bits in range(7 - exponent_bits):
            for bias, kind in zip((None, None, 3, None, None), KINDS):
                with contextlib.suppress(FormatError):
                    formats.append(Minifloat(exponent_bits, mantissa_bits, bias, **kind))
    return formats


def defined(value, format):
    """The value that stands for a Fraction, from the definition alone: no code is looked at."""
    if value < 0:
        return -defined(-value, format)
    if value == 0:
        return Fraction(0) if format.zero else format.smallest
    top = value.numerator.bit_length() - value.denominator.bit_length()
    top -= Fraction(2) ** top > value
    if format.subnormals:
        top = max(top, 1 - format.bias)
    quantum = Fraction(2) ** (top - format.mantissa_bits)
    rounded = round(value / quantum) * quantum          # Python rounds halves to even
    if rounded < format.smallest:
        return Fraction(0) if format.zero else format.smallest
    return min(rounded, format.largest)


def finite(format):
    return [code for code in range(1 << format.bits) if format.contains(code)]


def parts(values):
    """Dyadic Fractions as the arguments of `encode`."""
    exponents = [1 - v.denominator.bit_length() for v in values]
    magnitudes = [abs(v.numerator) for v in values]
    halves = [max(0, m.bit_length() - 40) for m in magnitudes]
    assert all(m % (1 << h) == 0 for m, h in zip(magnitudes, halves))
    return (np.array([m >> h for m, h in zip(magnitudes, halves)], np.int64),
            np.array([e + h for e, h in zip(exponents, halves)], np.int64),
            np.array([v < 0 for v in values]))


@pytest.mark.parametrize("format", small_formats(), ids=str)
def test_every_code_and_what_lies_between(format):
    values = sorted({format.decode(code) for code in finite(format)})
    step = format.smallest / 8
    points = set(values) | {(a + b) / 2 for a, b in zip(values, values[1:])}
    points |= {p + d for p in list(points) for d in (-step, step)}
    points |= {values[-1] * 2, values[0] * 2, step, -step, Fraction(0)}
    points = sorted(points)
    codes = encode(*parts(points), format)
    assert codes.dtype == format.dtype
    want = [defined(p, format) for p in points]
    got = [format.decode(int(code)) for code in codes]
    assert got == want and set(want) <= set(values)
    significand, exponent = split(codes, format)
    assert [Fraction(int(s)) * Fraction(2) ** int(e) for s, e in zip(significand, exponent)] == want
    integers, lowest = expand(codes, format)
    assert [int(i) * Fraction(2) ** lowest for i in integers] == want
    if format.zero:
        assert not np.any(codes[[w == 0 for w in want]])        # one code is zero


@pytest.mark.parametrize("name, here", [
    ("float8_e4m3", "e4m3ieee"), ("float8_e4m3fn", "e4m3fn"), ("float8_e5m2", "e5m2ieee"),
    ("float8_e3m4", "e3m4ieee"), ("bfloat16", "e8m7ieee"), ("float6_e2m3fn", "e2m3"),
    ("float6_e3m2fn", "e3m2"), ("float4_e2m1fn", "e2m1"), ("float16", "e5m10ieee")])
def test_equals_ml_dtypes(name, here):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    format = parse_format(here)
    bits = np.random.default_rng(1).integers(0, 1 << 32, 60_000, dtype=np.uint32)
    tops = np.arange(1 << 16, dtype=np.uint32)                  # every sign and exponent
    floats = np.concatenate([bits, tops << 16, (tops << 16) + 0x8000]).view(np.float32)
    floats = floats[np.isfinite(floats)]
    floats = np.concatenate([floats, floats[np.abs(floats) < 1e30] * np.float32(2**-100)])
    inside = floats[np.abs(floats) <= np.float32(float(format.largest))]
    theirs = inside.astype(getattr(ml_dtypes, name, np.float16)).astype(np.float64)
    codes = encode_float32(inside, format)
    table = np.array([float(format.decode(c)) if format.contains(c) else np.nan
                      for c in range(1 << format.bits)])
    np.testing.assert_array_equal(table[codes], np.where(theirs == 0, 0, theirs))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
       st.sampled_from(["e4m3", "e4m3ftz", "e5m2", "e8m7ieee", "e3m10b20", "e2m0nz", "e8m0ftz"]))
def test_float32_and_integers_agree(floats, name):
    """The same numbers by way of fp32 bits and of integers."""
    format = parse_format(name)
    values = np.array(floats, np.float32)
    got = encode_float32(values, format)
    exact = [Fraction(float(v)) for v in values]
    assert [format.decode(int(c)) for c in got] == [defined(v, format) for v in exact]
    scaled = [v for v in exact if (v * 2**30).denominator == 1 and abs(v) < 2**31]
    integers = np.array([int(v * 2**30) for v in scaled], np.int64)
    assert [format.decode(int(c)) for c in encode_integers(integers, 30, format)] == [
        defined(v, format) for v in scaled]


def test_by_hand():
    e4m3 = Minifloat(4, 3)
    values = np.array([1.5, 1.0625, 1000, -0.0, 2**-9, 2**-10, 1.5 * 2**-10, -1.5], np.float32)
    assert encode_float32(values, e4m3).tolist() == [60, 56, 127, 0, 1, 0, 1, 188]
    assert encode_integers(np.array([17]), 4, e4m3).tolist() == [56]
    integers, exponent = expand(np.array([60, 8], np.uint8), e4m3)
    assert integers.tolist() == [768, 8] and exponent == -9
    assert best_bias(-1, e4m3) == 16
    assert Minifloat(4, 3, 16).largest == Fraction(15, 16)
    assert str(parse_format("1-4-3")) == "e4m3ftz" and str(parse_format("e3m2nz")) == "e3m2nz"
    assert parse_format("e2m1nz").decode(0) == Fraction(1, 2)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1))
def test_bit_length(values):
    assert bit_length(np.array(values, np.int64)).tolist() == [v.bit_length() for v in values]


def test_refused():
    with pytest.raises(FormatError, match="infinite or not a number"):
        encode_float32(np.array([np.inf], np.float32), Minifloat(4, 3))
    wide = parse_format("e8m7ieee")
    with pytest.raises(FormatError, match="fewer exponent bits"):
        expand(encode_float32(np.array([2**-60, 2**60], np.float32), wide), wide)
    codes = encode_float32(np.array([2**-120, 2**-100], np.float32), wide)      # close together
    assert expand(codes, wide)[0].tolist() == [128, 128 << 20]
