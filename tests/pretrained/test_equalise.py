"""Filters of one range: exact factors, and never a worse step than the plain one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intflow.pretrained.equalise import equalised

FILTERS = arrays(np.float64, (3, 2, 2, 1), elements=st.integers(-1000, 1000).map(float))


def test_eight_bits_by_hand():
    weight, factor = equalised(np.array([[127.0, -1], [2, 254], [0, 0]]), 8)
    assert weight.tolist() == [[254, -2], [2, 254], [0, 0]]
    assert factor.tolist()[:2] == [2, 1] and factor[2] > 0


@given(FILTERS)
def test_at_eight_bits_nothing_is_lost(filters):
    weight, factor = equalised(filters, 8)
    np.testing.assert_allclose(weight / factor.reshape(-1, 1, 1, 1), filters, rtol=1e-12, atol=0)


@pytest.mark.parametrize("bits", [2, 4, 7])
@given(FILTERS)
def test_below_no_filter_loses_more_than_at_the_step_of_its_largest(bits, filters):
    weight, factor = equalised(filters, bits)
    top = 2 ** (bits - 1) - 1
    # The largest reach one power of two times the top; so one step serves all filters.
    step = 2.0 ** np.round(np.log2(np.abs(weight).max() / top)) if weight.any() else 1
    for row, own, original in zip(weight, factor, filters):
        assert np.rint(np.abs(row).max() / step) in (0, top)
        nearest = np.rint(row / step) * step / own
        plain = np.abs(original).max() / top
        worst = np.rint(original / plain) * plain if plain else original
        assert ((nearest - original) ** 2).sum() <= ((worst - original) ** 2).sum() * (1 + 1e-9) + 1e-18
