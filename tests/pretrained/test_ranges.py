"""Ranges, steps and multipliers against plain Fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.formats import Fixed, Tensor
from intflow.kernels import load
from intflow.quantizers import ranges
from oracle import round_fraction

KERNELS = load("reference")
CODES = st.lists(st.integers(-(1 << 40), 1 << 40), min_size=1, max_size=40)
SMALL = st.lists(st.integers(-5000, 5000), min_size=1, max_size=30)


def tensor(codes, frac_bits=20, bits=62):
    return Tensor(np.array(codes, np.int64), Fixed(bits, frac_bits, symmetric=True), "C")


@given(CODES, st.sampled_from([0, Fraction(1, 4), Fraction(1, 10)]))
def test_top_is_the_least_that_leaves_out_no_more_than_asked(codes, share):
    top = ranges.top_of(KERNELS, tensor(codes), share)
    outside = [sum(abs(code) >= 2 ** t for code in codes) <= share * len(codes) for t in range(64)]
    assert top == outside.index(True)


@given(CODES, st.integers(2, 16))
def test_the_finest_step_at_which_nothing_saturates(codes, bits):
    fmt = ranges.format_that_holds(KERNELS, tensor(codes), bits)
    largest = Fraction(max(map(abs, codes)), 2 ** 20)
    if not largest:
        assert fmt == Fixed(bits, bits - 1, symmetric=True)
        return

    def fits(frac_bits):
        return round_fraction(largest * Fraction(2) ** frac_bits, "half_even") < 2 ** (bits - 1)

    assert fits(fmt.frac_bits) and not fits(fmt.frac_bits + 1)


def test_format_of_a_range():
    x = tensor([1], frac_bits=12)
    assert ranges.format_for(x, 14, 8, False) == Fixed(8, 6, signed=False)      # below 4
    assert ranges.format_for(x, 14, 8, True) == Fixed(8, 5, symmetric=True)
    assert ranges.format_for(x, 0, 8, False) == Fixed(8, 8, signed=False)       # nothing but zeros


@given(SMALL, st.integers(2, 6), st.booleans())
def test_least_squares_is_the_best_of_all(codes, bits, signed):
    codes = codes if signed else [abs(code) for code in codes]
    candidates = ranges.finer(Fixed(bits, 2, signed, signed), 5)

    def loss(fmt):
        return sum(error(Fraction(code, 2 ** 10), fmt) ** 2 for code in codes)

    found = ranges.least_squares(KERNELS, tensor(codes, 10), candidates)
    assert found == min(candidates, key=loss)


def error(value, fmt):
    code = round_fraction(value / fmt.step, "half_even")
    return value - min(max(code, fmt.minimum), fmt.maximum) * fmt.step


def test_least_squares_rounds_what_lies_far_below_the_steps():
    x = tensor([(3 << 30) + 1, -(1 << 28)], 32)
    assert ranges.least_squares(KERNELS, x, ranges.finer(Fixed(4, 1), 3)).frac_bits == 2


@given(st.lists(st.integers(-(1 << 50), 1 << 50), min_size=1, max_size=8), st.integers(2, 12))
def test_multipliers_have_few_significant_bits_at_one_step(codes, significant):
    a = ranges.multipliers(KERNELS, tensor(codes, 50), 16, significant)
    short = [significant_part(Fraction(code, 2 ** 50), significant - 1) for code in codes]
    expected = [round_fraction(value / a.format.step, "half_even") for value in short]
    assert a.codes.tolist() == expected and a.codes.dtype == np.int16


def significant_part(value, bits):
    """The nearest number of so many significant bits; ties go to the even one."""
    if not value:
        return value
    unit = Fraction(2) ** 60
    while abs(value) / unit < 2 ** (bits - 1):
        unit /= 2
    # What has fewer bits than that at the step of the codes keeps them all.
    unit = max(unit, Fraction(1, 2 ** 50))
    return round_fraction(value / unit, "half_even") * unit


@pytest.mark.parametrize("significant, expected", [(8, [83, 19]), (3, [96, 16])])
def test_multipliers_by_hand(significant, expected):
    a = ranges.multipliers(KERNELS, tensor([1300, 300], 10), 8, significant)
    # 1.27 and 0.293 in units of 2**-6: 81.25 and 18.75, with 7 bits; with 2 bits 1.5 and 0.25.
    assert a.format.frac_bits == 6 and significant in (3, 8)
    assert a.codes.tolist() == ([81, 19] if significant == 8 else expected)
