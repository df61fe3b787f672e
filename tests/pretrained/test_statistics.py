"""Sums of channels, moments, and statistics corrected by them."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pretrained import networks

from intflow.formats import Fixed, Tensor
from intflow.kernels import load
from intflow.layers import Build, Spec
from intflow.models import MODELS, make_layers
from intflow.pretrained.calibrate import Flow, Measurement
from intflow.pretrained.fold import input_format
from intflow.pretrained.statistics import ManyBits, channel_sums, corrected, moments
from intflow.training.encoder import Encoder
from intflow.training.network import name_layers


@given(st.lists(st.tuples(*[st.integers(-(1 << 58), 1 << 58)] * 2), min_size=1, max_size=20))
def test_sums_are_exact_whatever_the_width(rows):
    total, squares = channel_sums(np.array(rows, np.int64))
    assert total == [sum(column) for column in zip(*rows)]
    assert squares == [sum(c * c for c in column) for column in zip(*rows)]


def test_moments_by_hand():
    x = Tensor(np.array([[1, -4], [3, 4]], np.int32), Fixed(20, 1), "NC")
    mean, variance = moments(x)
    assert mean.tolist() == [1, 0] and variance.tolist() == [0.25, 4]


def test_moments_of_filters_that_were_multiplied():
    x = Tensor(np.array([[2, -4], [6, 4]], np.int32), Fixed(20, 1), "NC")
    mean, variance = moments(x, np.array([2.0, 0.5]))
    assert mean.tolist() == [1, 0] and variance.tolist() == [0.25, 16]


def test_statistics_move_by_what_quantisation_moved():
    own = {"gamma": np.ones(1), "beta": np.ones(1), "mean": np.ones(1), "variance": np.ones(1) * 3}
    here, published = (np.array([3.0]), np.array([2.5])), (np.array([2.5]), np.array([1.25]))
    new = corrected(own, here, published)
    assert new["mean"].tolist() == [1.5] and new["variance"].tolist() == [6]
    assert new["gamma"] is own["gamma"]


def test_channels_that_never_vary_keep_their_variance():
    own = {"mean": np.zeros(4), "variance": np.array([2.0, 3.0, 1.0, 1.0])}
    here = np.array([7.0, 7, 7, 7]), np.array([0.0, 1, 1000, 1])
    new = corrected(own, here, (np.zeros(4), np.array([1.0, 0, 1, 1000])))
    assert new["mean"].tolist() == [7, 7, 7, 7]
    assert new["variance"].tolist() == [2, 3, 16, 1 / 16]           # and none runs away


def test_the_network_of_many_bits_measures_what_the_published_one_makes(monkeypatch):
    """Filters of 127/128 on whole pixels: 15 bits hold them, so the moments are those of Fractions."""
    monkeypatch.setitem(MODELS, "exact", networks.EXACT)
    tensors = networks.random_weights("exact", 2)
    tensors["conv.weight"] = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1) * np.float32(127 / 128)
    images = networks.images(4, (3, 4, 4))
    layers, kernels, scheme = make_layers("exact", 2), load("portable", 1), ManyBits("many")
    name_layers(layers)
    fmt = scheme.keep("input", input_format(networks.GREY))
    x = Encoder(networks.GREY.encoding, fmt).encode(kernels, images)
    walk = Measurement(match_of("exact", tensors), networks.GREY, Build(scheme, kernels, 1, 4), {})
    walk.visit(layers, Flow(Spec((3, 4, 4), fmt, True), x))
    pixels = images.transpose(1, 0, 2, 3).reshape(3, -1).tolist()
    for channel, row in enumerate(pixels):
        values = [Fraction(127 * pixel, 128) for pixel in row]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        found = walk.moments["batch_norm2d_1"]
        assert (found[0][channel], found[1][channel]) == (float(mean), float(variance))


def match_of(model, tensors):
    """The tensors by the names of the model's layers."""
    from intflow.pretrained import match

    return match(networks.plan(model, 2).layers, tensors)
