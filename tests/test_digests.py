"""One seed, one digest: whatever the threads, the backend, or an interruption."""

import numpy as np
import pytest

from intflow import Trainer
from intflow.errors import CheckpointError
from intflow.kernels import available
from intflow.layers import (
    AvgPool2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential,
)

BACKENDS = [name for name, (ok, _) in available().items() if ok]
STEPS = 4


def branching():
    """Residual and Concatenate, overlapping pools, groups, a global average."""
    return Sequential(
        Conv2d(8, 3, padding="same"), MaxPool2d(3, 2), ReLU(), Requantize(),
        Residual(Conv2d(8, 3, padding=1, groups=2), ReLU(), Requantize(), Conv2d(8, 3, padding=1)),
        ReLU(), Requantize(),
        Concatenate(
            [Conv2d(6, 1), ReLU(), Requantize()],
            [Conv2d(6, 3, padding=2, dilation=2), ReLU(), Requantize()],
        ),
        AvgPool2d(), Flatten(), Linear(5),
    )


def lenet():
    return "lenet"


def make(model, backend="auto", threads=1, seed=5):
    shape = (1, 28, 28) if model is lenet else (3, 12, 12)
    return Trainer(model(), input_shape=shape, classes=5, width=1, seed=seed, batch_size=6,
                   backend=backend, threads=threads)


def run(trainer, first=0, last=STEPS):
    random = np.random.default_rng(0)
    shape = (STEPS, 6, *trainer.network.input_shape)
    images, labels = random.integers(0, 256, shape, np.uint8), random.integers(0, 5, (STEPS, 6))
    for step in range(first, last):
        trainer.step(images[step], labels[step])
    return trainer.digest()


@pytest.fixture(scope="module")
def expected():
    return {model: run(make(model, "portable")) for model in (lenet, branching)}


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", [lenet, branching])
def test_backends_and_threads(model, backend, threads, expected):
    if backend == "reference" and (model is lenet or threads > 1):
        pytest.skip("the reference is slow and has no threads; it runs the smaller net")
    assert run(make(model, backend, threads)) == expected[model]


@pytest.mark.parametrize("model", [lenet, branching])
def test_saved_and_loaded(model, expected, tmp_path):
    trainer = make(model)
    run(trainer, last=2)
    trainer.save(tmp_path / "middle.h5")
    other = make(model, seed=5, threads=2)
    other.load(tmp_path / "middle.h5")
    assert run(other, first=2) == expected[model]


def test_recording_changes_nothing(expected):
    trainer = make(branching)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (STEPS, 6, 3, 12, 12), np.uint8)
    labels = random.integers(0, 5, (STEPS, 6))
    for step in range(STEPS):
        result = trainer.step(images[step], labels[step], record=True, measure=True)
    assert trainer.digest() == expected[branching]
    kinds = {"input", "output", "error_in", "error_out"}
    weighted = kinds | {"weight", "weight_q", "gradient", "update", "weight_new"}
    for layer in trainer.network.layers.walk():
        if layer.kind in ("sequential", "residual", "concatenate"):
            continue
        assert set(result.recorder.layers[layer.name]) == (
            weighted if layer.parameters() else kinds
        ), layer.name
    for tensors in result.recorder.layers.values():
        assert all(t.codes.dtype.kind == "i" for t in tensors.values())


def test_seed_and_step_matter(expected):
    assert run(make(branching, seed=6)) != expected[branching]
    assert run(make(branching), last=STEPS - 1) != expected[branching]


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    make(lenet).save(tmp_path / "lenet.h5")
    with pytest.raises(CheckpointError, match="this network needs"):
        make(branching).load(tmp_path / "lenet.h5")
