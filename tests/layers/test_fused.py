"""Layers run together give the bits of layers run one by one: outputs, weights, what is counted."""

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow import Trainer
from intflow.kernels import load
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize,
    Residual, Sequential, layer,
)
from intflow.layers.blocks import find_runs
from intflow.quantizers import make_scheme

KERNELS = load("portable", 1)
IMAGES, STEPS, CLASSES = 5, 3, 3


@st.composite
def blocks(draw):
    """Layers that go together, or almost: something stands between, or is not there."""
    product = Conv2d(draw(st.integers(1, 9)), draw(st.sampled_from([1, 3])), padding="same",
                     stride=draw(st.integers(1, 2)))
    between = [draw(st.sampled_from([None, BatchNorm2d()])),
               draw(st.sampled_from([None, MaxPool2d(2, ceil=True), MaxPool2d(3, 2, padding=1)])),
               draw(st.sampled_from([None, ReLU()]))]
    if draw(st.booleans()):
        between.reverse()
    return [product, *(part for part in between if part is not None), Requantize()]


@st.composite
def networks(draw):
    """Blocks in a row, beside each other, and around a short cut."""
    layers = draw(blocks())
    form = draw(st.sampled_from(["row", "residual", "concatenate"]))
    if form == "residual":
        channels = layers[0].out_channels
        layers += [Residual(Conv2d(channels, 3, padding=1), ReLU(), Requantize(),
                            Conv2d(channels, 1)), ReLU(), Requantize()]
    elif form == "concatenate":
        layers += [Concatenate([Conv2d(3, 1), ReLU(), Requantize()],
                               [Conv2d(8, 3, padding=1), Requantize()])]
    else:
        layers += draw(blocks())
    if draw(st.booleans()):
        layers.append(AvgPool2d())
    last = [Requantize()] if draw(st.booleans()) else []
    return lambda: deepcopy(Sequential(*layers, Flatten(), Linear(CLASSES), *last))


def trained(make, seed, measure):
    """(digest, loss, saturated of every step, outputs of an evaluation)."""
    trainer = Trainer(make(), input_shape=(2, 7, 6), batch_size=IMAGES, kernels=KERNELS, seed=seed)
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (STEPS, IMAGES, 2, 7, 6), np.uint8)
    labels = rng.integers(0, CLASSES, (STEPS, IMAGES))
    steps = []
    for batch in zip(images, labels):
        result = trainer.step(*batch, measure=measure)
        steps.append((result.loss, result.saturated))
    return trainer.digest(), steps, trainer.evaluate(images[0], labels[0])[0].tolist()


@settings(max_examples=15)
@given(make=networks(), seed=st.integers(0, 99), measure=st.booleans())
def test_equals_layer_by_layer(make, seed, measure):
    assert trained(make, seed, measure) == one_by_one(make, seed, measure)


def one_by_one(make, seed, measure):
    """`trained` with no run of layers fused."""
    fuses = layer.Run.fuses
    layer.Run.fuses = False
    try:
        return trained(make, seed, measure)
    finally:
        layer.Run.fuses = fuses


def with_biases():
    return Sequential(
        Conv2d(9, 3, padding=1, bias=True), BatchNorm2d(), MaxPool2d(2), ReLU(), Requantize(),
        Conv2d(8, 1), ReLU(), Requantize(), Flatten(), Linear(4, bias=True), Requantize())


def outputs_of(layers, seed):
    """Of an evaluation under a scheme that keeps biases, with any numbers in its parameters."""
    trainer = Trainer(layers, scheme="faq", input_shape=(2, 7, 6), kernels=KERNELS)
    rng = np.random.default_rng(seed)
    for parameter in trainer.network.parameters:
        parameter.master.codes[...] = rng.integers(-99, 100, parameter.master.shape)
    images = rng.integers(0, 256, (4, 2, 7, 6), np.uint8)
    return trainer.evaluate(images, np.zeros(4, np.int64))[0].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_evaluation_with_biases(seed, monkeypatch):
    fused = outputs_of(with_biases(), seed)
    monkeypatch.setattr(layer.Run, "fuses", False)
    assert fused == outputs_of(with_biases(), seed)
    assert any(any(row) for row in fused)


@pytest.mark.parametrize("roundings, fuses", [
    ({}, True), ({"activation": "stochastic"}, False), ({"error": "stochastic"}, False),
    ({"error": "half_away"}, True),
])
def test_what_is_fused(roundings, fuses):
    scheme = make_scheme("wage", "2888", roundings)
    trainer = Trainer(Sequential(Flatten(), Linear(4)), scheme=scheme, input_shape=(1, 2, 2),
                      kernels=KERNELS)
    assert trainer.network.run().fuses is fuses
    assert not trainer.network.run(recorder=object()).fuses


class Identity(BatchNorm2d):
    """A batch norm that is left out."""

    is_identity = True


def test_runs():
    """Whole runs alone: what a stranger interrupts stays a layer each."""
    conv = Conv2d(1, 1)
    found = find_runs([conv, Identity(), MaxPool2d(2), ReLU(), Requantize(), Flatten(), Linear(1)])
    assert [[part.kind for part in run] for run in found] == [
        ["conv2d", "batch_norm2d", "max_pool2d", "relu", "requantize"], ["flatten"], ["linear"]]
    found = find_runs([conv, ReLU(), MaxPool2d(2), Requantize(), conv, AvgPool2d(), Requantize()])
    assert [[part.kind for part in run] for run in found] == [
        ["conv2d"], ["relu"], ["max_pool2d", "requantize"], ["conv2d"], ["avg_pool2d"],
        ["requantize"]]
    found = find_runs([ReLU(), Requantize(), Requantize()])
    assert [len(run) for run in found] == [2, 1]
