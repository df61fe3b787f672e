"""Predicted operations and bytes against a step that counts itself, and against figures by hand."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import intflow
from costs.counted import counted_trainer
from intflow.costs import FLOATS, OPERATIONS, ROLES, Floats, count_step, slots_of, totals
from intflow.costs.layers import BACKWARD, FORWARD
from intflow.costs.losses import LOSS_COSTS
from intflow.costs.slots import SLOTS
from intflow.layers import (
    LAYERS, AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Flatten, Linear, LocalResponseNorm,
    MaxPool2d, ReLU, Requantize, Residual, Sequential, Subsample,
)
from intflow.losses import LOSSES
from intflow.models import make_layers
from intflow.quantizers import SCHEMES


def block(*layers):
    return [*layers, ReLU(), Requantize()]


def lenet():
    return make_layers("lenet", 3, Fraction(1, 16))


def branches():
    """Sums, branches of different steps, groups, dilation, overlapping pools, short cuts."""
    return Sequential(
        *block(Conv2d(4, 3, padding="same", groups=2), BatchNorm2d(), MaxPool2d(3, 2, padding=1)),
        Residual(*block(Conv2d(4, 3, padding=1)), Conv2d(4, 3, padding=2, dilation=2)),
        ReLU(), Requantize(),
        Concatenate(
            MaxPool2d(3, 1, padding=1), block(Conv2d(3, 1)), Conv2d(1, 2, padding="same")),
        Requantize(),
        Residual(Conv2d(10, 3, stride=2, padding=1), shortcut=Subsample(2, before=1, after=1)),
        AvgPool2d(2, 1, padding=1), Requantize(),
        AvgPool2d(3, 1), Requantize(),
        Flatten(), Linear(3),
    )


def branches_at_the_images():
    """Nobody needs the errors of layers that see the images."""
    return Sequential(
        Concatenate([MaxPool2d(2, 1), Conv2d(2, 1)], Conv2d(2, 2), MaxPool2d(2, 1)),
        Requantize(),
        Residual(Conv2d(6, 3, padding=1)), Requantize(), Flatten(), Linear(3),
    )


CASES = {
    "lenet": (lenet, (1, 16, 16), "2888", {}),
    "branches": (branches, (2, 9, 9), "2888", {}),
    "wide branches": (branches, (2, 9, 9), "W4A8G12E10", {"lr": "3/5"}),
    "branches at the images": (branches_at_the_images, (2, 5, 5), "W3A6G8E16", {"lr": "3"}),
}


@pytest.fixture(params=CASES)
def case(request):
    """(trainer of kernels, batch of images and labels)"""
    layers, shape, bits, options = CASES[request.param]

    def trainer_of(kernels):
        return intflow.Trainer(layers(), bits, input_shape=shape, batch_size=2, loss="sse", seed=3,
                               kernels=kernels, **options)

    images = np.random.default_rng(5).integers(0, 256, (2, *shape), dtype=np.uint8)
    return trainer_of, images, np.array([0, 2])


def loss_outside_of_kernels(trainer, images):
    """NumPy's part of the loss: 1 from the label's output, the largest output, y read twice."""
    y = trainer.network.output.format
    width, n = str(8 * y.dtype.itemsize), images * 3
    return Counter({("add", "64"): images, ("compare", width): n - images}), \
        2 * n * y.dtype.itemsize, 8 * n


def assert_predicted(rows, tally):
    """Every layer, every pass: the same operations and the same bytes."""
    predicted = {(layer, name): counts for layer, row in rows.items()
                 for name, counts in row.items() if counts.operations or counts.bytes}
    assert set(predicted) == set(tally.read) | set(tally.operations)
    for at, counts in predicted.items():
        assert counts.operations == tally.operations[at], at
        assert counts.read == tally.read[at], at
        assert counts.written == tally.written[at], at


def test_a_counted_step_counts_what_is_predicted(case, monkeypatch):
    trainer_of, images, labels = case
    trainer, tally, kernels = counted_trainer(trainer_of, monkeypatch)
    trainer.step(images, labels)
    rows = count_step(trainer.network, slots_of(trainer.scheme), 2, "sse", trainer.rate)
    operations, read, written = loss_outside_of_kernels(trainer, 2)
    at = "loss", "error"
    tally.operations[at] += operations
    tally.read[at]["activations"] += read
    tally.written[at]["errors"] += written
    assert_predicted(rows, tally)
    assert {"conv2d_forward", "conv2d_error", "conv2d_gradient", "max_pool2d", "requantize_masked",
            "stochastic_update", "max_abs"} <= kernels.called


def published():
    """Biases, a batch norm that stays, local response normalisation, centred images."""
    return Sequential(
        Conv2d(4, 3, bias=True), BatchNorm2d(), ReLU(), Requantize(),
        LocalResponseNorm(3, k=2), MaxPool2d(2, ceil=True), Requantize(), Flatten(),
        Linear(3, bias=True),
    )


def test_a_counted_inference_counts_what_is_predicted(monkeypatch):
    def trainer_of(kernels):
        return intflow.Trainer(published(), "4-6-16-16", "faq", input_shape=(2, 7, 7), loss="softmax",
                               encoding="centred:124,116", kernels=kernels)

    random = np.random.default_rng(7)
    trainer, tally, kernels = counted_trainer(trainer_of, monkeypatch)
    for parameter in trainer.network.parameters:
        parameter.master.codes[...] = random.integers(-7, 8, parameter.master.codes.shape)
    trainer.evaluate(random.integers(0, 256, (2, 2, 7, 7), dtype=np.uint8), np.array([0, 2]))
    assert_predicted(count_step(trainer.network, slots_of(trainer.scheme), 2), tally)
    assert {"scale_channels", "local_response_norm", "centre_images"} <= kernels.called


def test_all_names_are_declared(case):
    trainer_of, _, _ = case
    trainer = trainer_of(None)
    for slots in (slots_of(trainer.scheme), *map(Floats, FLOATS.values())):
        for counts in totals(count_step(trainer.network, slots, 2, "softmax", workers=2)).values():
            assert {name for name, _ in counts.operations} <= set(OPERATIONS)
            assert set(counts.read) | set(counts.written) <= set(ROLES)


def test_floats_multiply_as_often(case):
    """The same products, and an update of one multiply-accumulate a weight."""
    trainer_of, _, _ = case
    network = trainer_of(None).network
    integers = totals(count_step(network, slots_of(network.scheme), 2, "softmax"))
    floats = totals(count_step(network, Floats(FLOATS["fp32"]), 2, "softmax"))
    for name in ("error", "gradient"):
        assert floats[name].total("mac") == integers[name].total("mac")
    pixels = 2 * int(np.prod(network.input_shape))
    assert floats["forward"].total("mac") == integers["forward"].total("mac") + pixels
    assert floats["update"].operations == {("mac", "fp32xfp32+fp32"): network.count_weights()}


def test_every_table_has_its_lines():
    assert set(FORWARD) == set(BACKWARD) == set(LAYERS)
    assert set(LOSS_COSTS) == set(LOSSES)
    assert set(SLOTS) == set(SCHEMES)
