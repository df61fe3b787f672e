"""Maxima, sums of squares and counts, as Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.kernels import load

from kernels.cases import LARGE, backends

every_backend = pytest.mark.parametrize("kernels", **backends(2))
WIDTHS = st.sampled_from([8, 32, 64])
BOUNDS = st.integers(-2**70, 2**70) | st.integers(-6, 6)


@st.composite
def arrays(draw):
    bits = draw(WIDTHS)
    lo, hi = -2**(bits - 1), 2**(bits - 1) - 1
    values = st.integers(lo, hi) | st.sampled_from([lo, hi, 0]) | st.integers(-5, 5)
    return np.array(draw(st.lists(values, max_size=40)), f"i{bits // 8}")


@every_backend
@given(x=arrays(), lo=BOUNDS, hi=BOUNDS)
def test_against_python_integers(kernels, x, lo, hi):
    values = x.tolist()
    assert kernels.max_abs(x) == max(map(abs, values), default=0)
    assert kernels.sum_squares(x) == sum(v * v for v in values)
    assert kernels.count_outside(x, lo, hi) == sum(not lo <= v <= hi for v in values)


@every_backend
@pytest.mark.parametrize("dtype", ["i1", "i4", "i8"])
def test_smallest_code(kernels, dtype):
    """|-2**(bits-1)| does not fit the width; results are Python integers."""
    smallest = int(np.iinfo(dtype).min)
    x = np.full(33, smallest, dtype)
    assert kernels.max_abs(x) == -smallest
    assert kernels.sum_squares(x) == 33 * smallest * smallest
    assert kernels.count_outside(x, smallest + 1, 0) == 33
    results = kernels.max_abs(x), kernels.sum_squares(x), kernels.count_outside(x, 0, 0)
    assert [type(result) for result in results] == [int] * 3


@pytest.mark.parametrize("place", [0, LARGE // 2 - 1, LARGE // 2, LARGE - 1])
@pytest.mark.parametrize("threads", [1, 2, 7])
def test_no_share_is_forgotten(place, threads):
    x = np.zeros(LARGE, np.int32)
    x[place] = -1000
    kernels = load("auto", threads)
    assert (kernels.max_abs(x), kernels.count_outside(x, -999, 999)) == (1000, 1)
