"""Tensors to layers: names, shapes, and one line where they do not fit."""

from fractions import Fraction

import numpy as np
import pytest

from intflow.errors import WeightsError
from intflow.layers import (
    BatchNorm2d, Concatenate, Conv2d, Flatten, Linear, ReLU, Requantize, Sequential, named,
)
from intflow.models import MODELS, find_model, make_layers
from intflow.pretrained import match
from intflow.pretrained.match import expected, plain_names
from intflow.quantizers import make_scheme
from intflow.training.network import Network


def layers():
    """A built network of every kind of layer that holds published numbers."""
    made = Sequential(
        named("features.0", Conv2d(6, 3, bias=True)), named("features.1", BatchNorm2d()),
        ReLU(), Requantize(),
        Concatenate([named("left", Conv2d(2, 1))], [named("right", Conv2d(4, 1, groups=2))]),
        Requantize(), Flatten(), named("fc", Linear(5, bias=True)),
    )
    Network(made, (3, 4, 4), make_scheme("wage", "2888"), None, 1, 1)
    return made


SHAPES = {
    "features.0.weight": (6, 3, 3, 3), "features.0.bias": (6,),
    "features.1.weight": (6,), "features.1.bias": (6,),
    "features.1.running_mean": (6,), "features.1.running_var": (6,),
    "left.weight": (2, 6, 1, 1), "right.weight": (4, 3, 1, 1),
    "fc.weight": (5, 24), "fc.bias": (5,),
}
TENSORS = {name: np.full(shape, i, np.float32) for i, (name, shape) in enumerate(SHAPES.items())}


def values(found):
    """{layer: {role: the number that fills the array}}."""
    return {layer: {role: array.flat[0] for role, array in roles.items()}
            for layer, roles in found.items()}


EXPECTED = {
    "conv2d_1": {"weight": 0, "bias": 1},
    "batch_norm2d_1": {"gamma": 2, "beta": 3, "mean": 4, "variance": 5},
    "conv2d_2": {"weight": 6}, "conv2d_3": {"weight": 7},
    "linear_1": {"weight": 8, "bias": 9},
}


@pytest.mark.parametrize("rename", [
    lambda name: name, lambda name: "module." + name, lambda name: name.replace(".", "/")])
def test_every_layer_gets_its_own(rename):
    assert values(match(layers(), {rename(n): t for n, t in TENSORS.items()})) == EXPECTED


def test_counters_and_heads_for_training_are_left_out():
    extra = {"features.1.num_batches_tracked": np.float32(3) * np.ones(()),
             "aux1.conv.weight": np.ones(3, np.float32),
             "AuxLogits.fc.bias": np.ones(3, np.float32)}
    assert values(match(layers(), TENSORS | extra)) == EXPECTED
    with pytest.raises(WeightsError, match="unexpected: aux1.conv.weight"):
        match(layers(), TENSORS | extra, ignore=("AuxLogits.",))


def test_a_prefix_that_not_all_have_stays():
    names = plain_names({"module.a.weight": 1, "b.weight": 2})
    assert names == {"module.a.weight": 1, "b.weight": 2}


def test_old_names_of_densenet():
    old = "features.denseblock1.denselayer12.norm.1.running_var"
    assert plain_names({old: 1}) == {"features.denseblock1.denselayer12.norm1.running_var": 1}
    new = "features.denseblock1.denselayer12.norm1.running_var"
    assert plain_names({new: 1}) == {new: 1}


def without(*names):
    return {name: tensor for name, tensor in TENSORS.items() if name not in names}


@pytest.mark.parametrize("tensors, message", [
    (without("fc.bias"), "missing: fc.bias;"),
    ({}, r"missing: .*, \.\.\. \(10 in all\)"),
    (TENSORS | {"more.weight": np.ones(3, np.float32)}, "unexpected: more.weight;"),
    (TENSORS | {"fc.weight": np.ones((7, 24), np.float32)},
     r"of another shape: fc.weight \(7, 24\) instead of \(5, 24\)"),
    (TENSORS | {"fc.weight": np.ones((24, 5), np.float32)}, "of another shape"),
    (TENSORS | {"left.weight": np.full((2, 6, 1, 1), np.nan, np.float32)}, "not finite"),
    ({("x" + name): tensor for name, tensor in TENSORS.items()}, "missing: .*; unexpected: "),
])
def test_one_line(tensors, message):
    with pytest.raises(WeightsError, match=message) as caught:
        match(layers(), tensors)
    assert len(str(caught.value)) < 700 and "\n" not in str(caught.value)


def test_a_model_without_published_weights():
    made = Sequential(Flatten(), Linear(5))
    Network(made, (3, 4, 4), make_scheme("wage", "2888"), None, 1, 1)
    with pytest.raises(WeightsError, match="no layer that published weights belong to"):
        match(made, TENSORS)


PUBLISHED = [name for name, model in MODELS.items() if model.preprocessing is not None]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_model(name):
    """Each product and batch norm has a source of its own, and takes tensors of that name."""
    made = make_layers(name, 10, Fraction(1, 8))
    Network(made, find_model(name).input_shape, make_scheme("wage", "2888"), None, 1, 1)
    takers = [layer for layer in made.walk() if layer.kind in ("conv2d", "linear", "batch_norm2d")]
    sources = [layer.source for layer in takers]
    assert None not in sources and len(set(sources)) == len(sources)
    tensors = {f"{layer.source}.{suffix}": np.zeros(shape, np.float32)
               for layer in takers for suffix, shape in expected(layer).values()}
    assert set(match(made, tensors)) == {layer.name for layer in takers}
