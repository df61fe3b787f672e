"""Requantisation by a multiplier: by hand, against the public definitions, at the corners."""

from fractions import Fraction
from math import floor, trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.device.requantize import (
    double_rounding, doubling_high_multiply, rounding_divide_by_pot, single_rounding,
)
from intflow.errors import RangeError
from intflow.formats import Rounding, round_shift

LO, HI = -2**31, 2**31 - 1
HALF, THREE_QUARTERS = 2**30, 3 * 2**29             # in Q31
s32 = st.integers(LO, HI) | st.integers(-300, 300) | st.sampled_from([LO, LO + 1, HI])
multipliers = st.integers(0, HI) | st.sampled_from([0, 1, HALF, THREE_QUARTERS, HI])
rshifts = st.integers(-30, 31)


def saturated(x):
    return min(max(x, LO), HI)


def high(a, b):
    """gemmlowp: a nudge by the sign of the product, then C's division by 2**31."""
    if a == b == LO:
        return HI
    return trunc(Fraction(a * b + (2**30 if a * b >= 0 else 1 - 2**30), 2**31))


def by_pot(x, exponent):
    """gemmlowp: the rest above a threshold that is one higher below zero."""
    mask = 2**exponent - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


# Worked by hand from the definitions: x, multiplier, rshift, double, single.
BY_HAND = [
    (1, HALF, 1, 1, 0),             # 1/4: 0.5 up to 1, 0.5 away to 1        | 0.25 to 0
    (-1, HALF, 1, 0, 0),            # -1/4: -0.5 up to 0, 0                  | -0.25 to 0
    (-3, HALF, 1, -1, -1),          # -3/4: -1.5 up to -1, -0.5 away to -1   | -0.75 to -1
    (-2, HALF, 1, -1, 0),           # -1/2: -1, -0.5 away to -1              | -0.5 up to 0
    (5, HALF, 1, 2, 1),             # 5/4: 2.5 up to 3, 1.5 away to 2        | 1.25 to 1
    (-5, HALF, 1, -1, -1),          # -5/4: -2.5 up to -2, -1                | -1.25 to -1
    (6, HALF, 1, 2, 2),             # 3/2: 3, 1.5 away to 2                  | 1.5 up to 2
    (-6, HALF, 1, -2, -1),          # -3/2: -3, -1.5 away to -2              | -1.5 up to -1
    (3, HALF, 0, 2, 2),             # 3/2 up to 2
    (-3, HALF, 0, -1, -1),          # -3/2 up to -1
    (10, THREE_QUARTERS, 2, 2, 2),  # 15/8: 7.5 up to 8, 2                   | 1.875 to 2
    (2, THREE_QUARTERS, 2, 1, 0),   # 3/8: 1.5 up to 2, 0.5 away to 1        | 0.375 to 0
    (7, HALF, -3, 28, 28),          # 7 * 8 / 2
    (100, 0, 5, 0, 0),
    (1, HALF, 31, 0, 0),
    (HI, HI, 0, HI - 1, HI - 1),    # (2**31 - 1)**2 / 2**31 = 2**31 - 2 + 2**-31
    (LO, HI, 0, LO + 1, LO + 1),    # -(2**31 - 1)
    (LO, HALF, 0, -2**30, -2**30),
    (HI, HALF, -2, 2**30, HI),      # saturates before the product, or after it
]


@pytest.mark.parametrize("x, multiplier, rshift, double, single", BY_HAND)
def test_by_hand(x, multiplier, rshift, double, single):
    assert double_rounding(x, multiplier, rshift) == double
    assert single_rounding(x, multiplier, rshift) == single


@pytest.mark.parametrize("a, b, expected", [
    (3, HALF, 2), (-3, HALF, -1), (1, HALF, 1), (-1, HALF, 0), (LO, HALF, -2**30),
    (LO, HI, LO + 1), (HI, HI, HI - 1), (LO, LO, HI), (LO, 1, -1), (HI, 1, 1), (2**30 - 1, 1, 0),
])
def test_high_multiply_by_hand(a, b, expected):
    """The smallest number times itself is the one product that saturates."""
    assert doubling_high_multiply(a, b) == expected


@pytest.mark.parametrize("x, exponent, expected", [
    (3, 1, 2), (-3, 1, -2), (5, 2, 1), (6, 2, 2), (-6, 2, -2), (-5, 2, -1), (9, 0, 9),
    (HI, 31, 1), (LO, 31, -1), (LO + 2**30 + 1, 31, 0), (-2**30, 31, -1), (2**30, 31, 1),
])
def test_divide_by_pot_by_hand(x, exponent, expected):
    assert rounding_divide_by_pot(x, exponent) == expected


@given(s32, s32, st.integers(0, 31))
def test_the_two_functions(a, b, exponent):
    assert doubling_high_multiply(a, b) == high(a, b)
    assert rounding_divide_by_pot(a, exponent) == by_pot(a, exponent)


@given(st.lists(s32, min_size=1, max_size=6), multipliers, rshifts)
def test_the_two_modes(values, multiplier, rshift):
    x = np.array(values, np.int32)
    double = [by_pot(high(saturated(v << max(-rshift, 0)), multiplier), max(rshift, 0))
              for v in values]
    exact = [v * multiplier / Fraction(2) ** (31 + rshift) for v in values]
    single = [saturated(floor(e + Fraction(1, 2))) for e in exact]
    got = double_rounding(x, multiplier, rshift), single_rounding(x, multiplier, rshift)
    assert [g.tolist() for g in got] == [double, single]
    assert all(g.dtype == np.int32 for g in got)


@given(s32, st.integers(1, 32))
def test_the_roundings_of_the_slots_are_these(x, n):
    """A right shift by n is the multiplier one half and rshift n - 1."""
    assert round_shift(x, n, Rounding.GEMMLOWP) == double_rounding(x, HALF, n - 1)
    assert round_shift(x, n, Rounding.parse("tflite_single")) == single_rounding(x, HALF, n - 1)


def test_one_multiplier_a_channel():
    x = np.full((2, 3), 6, np.int32)
    got = double_rounding(x, np.array([HALF, HALF, THREE_QUARTERS]), np.array([0, 1, 1]))
    assert got.tolist() == [[3, 2, 3]] * 2          # 3; 1.5; 4.5 up to 5, 2.5 away to 3


@pytest.mark.parametrize("call, message", [
    (lambda: double_rounding(2**31, HALF, 0), "x lies in"),
    (lambda: double_rounding(1, -1, 0), "multiplier lies in 0.."),
    (lambda: single_rounding(1, HALF, 32), "rshift lies in -30..31, got 32"),
    (lambda: single_rounding(np.array([0.5]), HALF, 0), "x holds integers"),
    (lambda: rounding_divide_by_pot(1, -1), "exponent lies in 0..31"),
])
def test_refusals(call, message):
    with pytest.raises(RangeError, match=message):
        call()


def test_nothing_in_nothing_out():
    assert double_rounding(np.zeros((0, 3), np.int32), HALF, 2).shape == (0, 3)
