"""Rounding of the reference against Fractions; checks that make it a definition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError, UsageError
from intflow.formats.rounding import Rounding
from intflow.kernels.jit import primitives as jit
from intflow.kernels.reference import primitives

from kernels.rounded import ROUNDED

WIDE = st.integers(-2**63, 2**63 - 1)


@pytest.mark.parametrize("rounding", ROUNDED)
@given(values=st.lists(WIDE, min_size=1, max_size=5), denominator=st.integers(1, 2**70))
def test_round_divide(rounding, values, denominator):
    got = primitives.round_divide(np.array(values), denominator, rounding)
    assert list(got) == [ROUNDED[rounding](Fraction(v, denominator)) for v in values]


@pytest.mark.parametrize("rounding", ROUNDED)
def test_round_divide_small_domain(rounding):
    numerators = np.arange(-60, 61)
    for denominator in range(1, 25):
        got = primitives.round_divide(numerators, denominator, rounding)
        assert list(got) == [ROUNDED[rounding](Fraction(int(v), denominator)) for v in numerators]


@given(values=st.lists(WIDE, min_size=1, max_size=5), rshift=st.integers(-80, 80))
def test_round_shift(values, rshift):
    got = primitives.round_shift(np.array(values), rshift, Rounding.HALF_EVEN)
    assert list(got) == [round(v * Fraction(2) ** -rshift) for v in values]


def test_stochastic_is_no_requantize():
    with pytest.raises(UsageError, match="stochastic_update"):
        primitives.round_divide(np.array([1]), 2, Rounding.STOCHASTIC)


@pytest.mark.parametrize("values", [[128], [-129], [0, 2**70]])
def test_store_refuses_what_does_not_fit(values):
    out = np.zeros(len(values), np.int8)
    with pytest.raises(RangeError, match="does not fit int8"):
        primitives.store("kernel", out, np.array(values))


def test_same_shape():
    with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
        primitives.same_shape("kernel", np.zeros(2), np.zeros(3))


@pytest.mark.parametrize("x, bits", [
    ([0], 0), ([1, -1], 1), ([-128, 127], 8), ([], 0), ([-2**63], 64)])
def test_bits_of(x, bits):
    assert primitives.bits_of(np.array(x, np.int64)) == bits


def test_outputs_are_never_copies():
    x = np.zeros((4, 6), np.int8)
    assert np.shares_memory(jit.flat(x, 24), x)
    with pytest.raises(ValueError, match="contiguous"):
        jit.flat(x[:, ::2], 12)
    with pytest.raises(ValueError):
        jit.flat(x, 23)


@given(n=st.integers(0, 2**40), ntask=st.integers(1, 40))
def test_shares_cover_everything_once(n, ntask):
    parts = [jit.share.py_func(n, task, ntask) for task in range(ntask)]
    assert parts[0][0] == 0 and parts[-1][1] == n
    assert all(stop == start for (_, stop), (start, _) in zip(parts, parts[1:]))
    assert max(stop - start for start, stop in parts) <= math.ceil(Fraction(n, ntask))
