"""Sums of channels, moments, and statistics corrected by them."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from intflow.formats import Fixed, Tensor
from intflow.pretrained.statistics import channel_sums, corrected, moments


@given(st.lists(st.tuples(*[st.integers(-(1 << 31) + 1, (1 << 31) - 1)] * 2), min_size=1, max_size=20))
def test_sums_are_exact_whatever_the_width(rows):
    total, squares = channel_sums(np.array(rows, np.int64))
    assert total == [sum(column) for column in zip(*rows)]
    assert squares == [sum(c * c for c in column) for column in zip(*rows)]


def test_moments_by_hand():
    x = Tensor(np.array([[1, -4], [3, 4]], np.int32), Fixed(20, 1), "NC")
    mean, variance = moments(x)
    assert mean.tolist() == [1, 0] and variance.tolist() == [0.25, 4]


def test_statistics_move_by_what_quantisation_moved():
    codes = np.array([2, 4, 10, 8], np.int32).reshape(2, 1, 2, 1)      # HWNC: mean 6, variance 10
    x = Tensor(codes, Fixed(20, 1), "HWNC")                             # mean 3, variance 2.5
    real = np.array([1, 2, 3, 4], np.float32).reshape(2, 1, 2, 1)       # mean 2.5, variance 1.25
    own = {"gamma": np.ones(1), "beta": np.ones(1), "mean": np.ones(1), "variance": np.ones(1) * 3}
    new = corrected(own, x, real)
    assert new["mean"].tolist() == [1.5] and new["variance"].tolist() == [6]
    assert new["gamma"] is own["gamma"]


def test_channels_that_never_vary_keep_their_variance():
    x = Tensor(np.full((1, 1, 3, 2), 7, np.int32), Fixed(20, 0), "HWNC")
    own = {"mean": np.zeros(2), "variance": np.array([2.0, 3.0])}
    assert corrected(own, x, np.zeros((3, 2, 1, 1), np.float32))["variance"].tolist() == [2, 3]
    assert Fraction(corrected(own, x, np.zeros((3, 2, 1, 1), np.float32))["mean"][0]) == 7
