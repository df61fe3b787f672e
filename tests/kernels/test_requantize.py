"""Wide to narrow against Fractions, every tie, every end of a width."""

from fractions import Fraction
from functools import cache
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError, UsageError
from intflow.formats.rounding import Rounding, shiftexp
from intflow.kernels import load

from kernels.cases import backends
from kernels.rounded import ROUNDED, shifted

ROUNDINGS = [*ROUNDED, Rounding.GEMMLOWP]
every_backend = pytest.mark.parametrize("kernels", **backends(2))
REFERENCE = load("reference")


def narrowed(kernels, acc, rshift, rounding, lo, hi, out="i1"):
    """(codes, mask) as lists."""
    out, mask = np.full(len(acc), 85, out), np.full(len(acc), 85, "u1")
    kernels.requantize_masked(out, mask, acc, rshift, rounding, lo, hi)
    alone = np.full(len(acc), 85, out.dtype)
    kernels.requantize(alone, acc, rshift, rounding, lo, hi)
    np.testing.assert_array_equal(out, alone)
    return out.tolist(), mask.tolist()


def expected(acc, rshift, rounding, lo, hi):
    exact = [int(v) * Fraction(2) ** -rshift for v in acc]
    codes = [min(max(shifted(int(v), rshift, rounding), lo), hi) for v in acc]
    return codes, [int(lo <= x <= hi) for x in exact]


@every_backend
@pytest.mark.parametrize("rounding", ROUNDINGS)
@settings(max_examples=50)
@given(data=st.data())
def test_against_fractions(kernels, rounding, data):
    bits = data.draw(st.sampled_from([32, 64]))
    first, last = -2**(bits - 1), 2**(bits - 1) - 1
    ends = st.sampled_from([first, last, -1, 0, 1])
    values = st.integers(first, last) | ends | st.integers(-600, 600)
    acc = data.draw(st.lists(values, min_size=1, max_size=9))
    lo, hi = sorted(data.draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))))
    rshift = data.draw(st.integers(-80, 80) | st.integers(0, 10))
    acc = np.array(acc, f"i{bits // 8}")
    got = narrowed(kernels, acc, rshift, rounding, lo, hi)
    assert got == expected(acc, rshift, rounding, lo, hi)


@cache
def ties(rounding):
    """Acceptance (b): (rshift, acc, what becomes of it) for shifts 1..20, both signs: ties, their
    neighbours, and the ends of s32."""
    odd = np.arange(-255, 256, 2, dtype=np.int64)
    cases = []
    for rshift in range(1, 21):
        tie = np.append(odd, [-2047, 2047]) << (rshift - 1)
        acc = np.concatenate([tie - 1, tie, tie + 1, [-2**31, 2**31 - 1]]).astype(np.int32)
        cases.append((rshift, acc, expected(acc, rshift, rounding, -511, 511)))
    return cases


@every_backend
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_tie_and_its_neighbours(kernels, rounding):
    for rshift, acc, wanted in ties(rounding):
        assert narrowed(kernels, acc, rshift, rounding, -511, 511, "i2") == wanted


@every_backend
def test_half_even_examples(kernels):
    acc = np.array([192, 64, -64, -192, 320, 65, 63], np.int32)
    assert narrowed(kernels, acc, 7, Rounding.HALF_EVEN, -127, 127)[0] == [2, 0, 0, -2, 2, 1, 0]


@every_backend
@pytest.mark.parametrize("rounding, codes", [
    (Rounding.HALF_ODD, [-3, -1, 1, 1, 0, 0, 2, -2]),
    (Rounding.JAM, [-3, -1, 1, 1, 1, -1, 2, -2]),
    (Rounding.HALF_DOWN, [-3, -2, 0, 1, 0, 0, 2, -2]),
    (Rounding.HALF_TOWARD_ZERO, [-2, -1, 0, 1, 0, 0, 2, -2]),
    (Rounding.GEMMLOWP, [-3, -2, 1, 2, 1, 0, 2, -2]),
])
def test_examples_of_the_other_roundings(kernels, rounding, codes):
    """-2.5, -1.5, 0.5, 1.5, 0.25, -0.25, 2 and -2 in quarters. gemmlowp halves first, half up:
    -5, -3, 1, 3, 1, 0, 4, -4, whose halves round away from zero."""
    acc = np.array([-10, -6, 2, 6, 1, -1, 8, -8], np.int32)
    assert narrowed(kernels, acc, 2, rounding, -127, 127)[0] == codes


@every_backend
@pytest.mark.parametrize("bits", [32, 64])
def test_gemmlowp_where_all_bits_drop(kernels, bits):
    """Shifts beyond the width, and the mask: -1 is halved to 0 and yet lies below lo = 0."""
    end = 2 ** (bits - 1)
    acc = np.array([-end, 1 - end, -2, -1, 0, 1, end - 2, end - 1], f"i{bits // 8}")
    for rshift in range(bits - 2, bits + 4):
        for lo, hi in ((-127, 127), (0, 127), (-9, 0), (1, 5)):
            got = narrowed(kernels, acc, rshift, Rounding.GEMMLOWP, lo, hi)
            assert got == expected(acc, rshift, Rounding.GEMMLOWP, lo, hi)


@every_backend
def test_the_mask_is_not_a_function_of_the_code(kernels):
    acc = np.array([253, 254, 255, 256, -254, -255], np.int32)
    codes, mask = narrowed(kernels, acc, 1, Rounding.HALF_EVEN, -127, 127)
    assert codes == [126, 127, 127, 127, -127, -127]
    assert mask == [1, 1, 0, 0, 1, 0]


@every_backend
def test_ternary_weights(kernels):
    """Acceptance (e): W8 = +-32 is a tie and goes to 0, +-33 to +-1; all of [-64, 64]."""
    master = np.arange(-64, 65, dtype=np.int8)
    codes, _ = narrowed(kernels, master, 6, Rounding.HALF_EVEN, -1, 1)
    assert codes == [-1 if w < -32 else 1 if w > 32 else 0 for w in range(-64, 65)]


@every_backend
@pytest.mark.parametrize("acc", [-2**31, 2**31 - 1])
@pytest.mark.parametrize("rshift", range(0, 36))
def test_ends_of_s32_into_s32(kernels, acc, rshift):
    acc = np.array([acc] * 9, np.int32)
    for rounding in ROUNDINGS:
        got = narrowed(kernels, acc, rshift, rounding, -2**31, 2**31 - 1, "i4")
        assert got == expected(acc, rshift, rounding, -2**31, 2**31 - 1)


@every_backend
@given(data=st.data())
def test_quantised_errors_do_not_change_under_doubling(kernels, data):
    """Acceptance (g): Q_E of 2e has the codes of Q_E of e, its step doubled, unless bits drop."""
    values = data.draw(st.lists(st.integers(-2**29, 2**29), min_size=1, max_size=20))
    e = np.array(values, np.int32)
    results = []
    for x in (e, 2 * e):
        largest = kernels.max_abs(x)
        n = shiftexp(largest) if largest else 7
        results.append(narrowed(kernels, x, n - 7, Rounding.HALF_EVEN, -127, 127))
    assert results[0] == results[1]


def test_shiftexp_below_2_20():
    """Acceptance (c). m is rounded up from the first integer above sqrt(2) * 2**f on."""
    above = [isqrt(2 ** (2 * f + 1)) + 1 for f in range(21)]
    m = np.arange(1, 1 << 20)
    np.testing.assert_array_equal([shiftexp(v) for v in m.tolist()],
                                  np.searchsorted(above, m, side="right"))


@pytest.mark.parametrize("f", range(62))
def test_shiftexp_near_its_bounds(f):
    """Acceptance (c) up to 2**62: n = shiftexp(m) is the one with 2**(2n-1) < m*m < 2**(2n+1)."""
    near = isqrt(2 ** (2 * f + 1))
    for m in {max(1, near + d) for d in (-2, -1, 0, 1, 2)} | {1 << f}:
        n = shiftexp(m)
        assert Fraction(2) ** (2 * n - 1) < m * m < 2 ** (2 * n + 1)


@every_backend
def test_stochastic_is_refused(kernels):
    out, acc = np.zeros(3, np.int8), np.zeros(3, np.int32)
    with pytest.raises(UsageError, match="stochastic_update"):
        kernels.requantize(out, acc, 3, Rounding.STOCHASTIC, -127, 127)


def test_the_reference_checks():
    acc = np.zeros(3, np.int32)
    with pytest.raises(RangeError, match="128 does not fit int8"):
        REFERENCE.requantize(np.zeros(3, np.int8), acc, 1, Rounding.FLOOR, -127, 128)
    with pytest.raises(RangeError, match="expects lo"):
        REFERENCE.requantize(np.zeros(3, np.int8), acc, 1, Rounding.FLOOR, 5, 4)
    with pytest.raises(ShapeError):
        REFERENCE.requantize(np.zeros(2, np.int8), acc, 1, Rounding.FLOOR, -127, 127)
