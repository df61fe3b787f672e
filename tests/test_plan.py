"""The memory that a plan names is the memory that steps take, under every scheme.

To the byte, but for three things that only the data tell, of which a plan takes the most: whether
sums of errors that meet have 32 or 64 bits; whether a stochastic rounding of errors drops bits, and
so draws; how many digits minifloat weights have. It then is at most twice what is taken. In nets of
texts the data tell a few copies more, and a plan holds within a tenth.
"""

import json

import numpy as np
import pytest

from command_line import call
from intflow import Trainer
from intflow.formats import Rounding
from intflow.kernels import load
from intflow.kernels.buffers import Pool, using
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Dropout, Embedding, Flatten, Gru, Linear, Lstm,
    MaxPool2d, ReLU, Requantize, Residual, Rnn, Sequential,
)
from intflow.quantizers import make_scheme
from intflow.training.network import Network
from intflow.training.plan import BATCH as IMAGES
from intflow.training.plan import plan_memory

SHAPE, CLASSES = (3, 12, 12), 5


def row():
    """Pools with and without overlap, a product without a Requantize."""
    return Sequential(
        Conv2d(16, 3, padding="same"), MaxPool2d(2), ReLU(), Requantize(),
        Conv2d(20, 3, bias=True), MaxPool2d(3, 1), ReLU(), Requantize(),
        Flatten(), Linear(CLASSES))


def normed():
    """Batch norms, and numbers left out."""
    return Sequential(
        Conv2d(24, 3), BatchNorm2d(), ReLU(), Requantize(),
        MaxPool2d(2), Dropout("1/4"), Requantize(), Flatten(), Linear(CLASSES), BatchNorm2d())


def residual():
    """Errors that meet at different steps."""
    return Sequential(
        Conv2d(16, 3), BatchNorm2d(), ReLU(), Requantize(),
        Residual(Conv2d(16, 3, padding=1), BatchNorm2d(), ReLU(), Requantize(),
                 Conv2d(16, 1), BatchNorm2d()), ReLU(), Requantize(),
        Concatenate([Conv2d(12, 1), ReLU(), Requantize()], [Conv2d(8, 3, padding=1), Requantize()]),
        AvgPool2d(2), Requantize(), Flatten(), Linear(CLASSES))


def scheme_of(name, bits):
    scheme = make_scheme(name, bits)
    if scheme.tunes:
        scheme.tune()
    return scheme


def planned(layers, scheme, bits, batch_size):
    network = Network(layers, SHAPE, scheme_of(scheme, bits), None, 1, batch_size)
    return plan_memory(network, "softmax", "portable", 1)


def measured(layers, scheme, bits, batch_size, evaluates):
    """Bytes of the arena after some steps or evaluations of random images."""
    rng = np.random.default_rng(1)
    with using(Pool()) as pool:
        trainer = Trainer(layers, scheme=scheme_of(scheme, bits), input_shape=SHAPE,
                          batch_size=batch_size, seed=3, kernels=load("portable", 1))
        for parameter in trainer.network.parameters:
            if parameter.role == "weight" and not parameter.master.codes.any():
                codes = rng.integers(0, 100, parameter.master.codes.shape)
                parameter.master.codes[...] = codes
        for _ in range(6):
            images = rng.integers(0, 256, (batch_size, *SHAPE), np.uint8)
            labels = rng.integers(0, CLASSES, batch_size)
            (trainer.evaluate if evaluates else trainer.step)(images, labels)
        return pool.extent


TRAINED = [("wage", "2888"), ("wrpn", "2-4-16-16"), ("wrpn", "1-2-32-8"), ("faq", "4-4-16-16"),
           ("qnn", "1-1-32-8"), ("qnn", "2-4-6-6")]
EVALUATED = [("float-weight", "s8"), ("wage", "2888"), ("wrpn", "2-4-16-16"), ("faq", "4-4-16-16"),
             ("qnn", "1-1-32-8")]


@pytest.mark.parametrize("scheme, bits", TRAINED)
@pytest.mark.parametrize("layers", [row, normed])
def test_training(layers, scheme, bits):
    plan = planned(layers(), scheme, bits, 16)["training"]
    taken = measured(layers(), scheme, bits, 16, evaluates=False)
    draws = make_scheme(scheme, bits).rounding["error"] is Rounding.STOCHASTIC
    assert taken <= plan["arena"] <= (2 * taken if draws else taken)
    assert sum(plan["kinds"].values()) == plan["arena"]
    assert plan["total"] == sum(plan[part] for part in ("arena", "master", "state", "data"))


@pytest.mark.parametrize("scheme, bits", TRAINED)
def test_sums_of_errors(scheme, bits):
    plan = planned(residual(), scheme, bits, 16)["training"]["arena"]
    taken = measured(residual(), scheme, bits, 16, evaluates=False)
    # The wider sums leave other gaps between arrays, which may take a little less.
    assert 50 * taken <= 51 * plan <= 102 * taken


@pytest.mark.parametrize("scheme, bits", EVALUATED)
@pytest.mark.parametrize("layers", [row, residual])
def test_evaluation(layers, scheme, bits):
    plan = planned(layers(), scheme, bits, 1)["evaluation"]
    assert plan["arena"] == measured(layers(), scheme, bits, IMAGES, evaluates=True)


def test_digits():
    plan = planned(row(), "float-weight", "e4m3", 1)["evaluation"]["arena"]
    taken = measured(row(), "float-weight", "e4m3", IMAGES, evaluates=True)
    assert taken <= plan <= 2 * taken


STREAMS, STEPS, WORDS = 8, 9, 200


def of_a_text(layer):
    return Sequential(Embedding(WORDS, 40), layer(48), Linear(WORDS, bias=True))


@pytest.mark.parametrize("layer, bits", [
    (Lstm, "W4A4G16E16"), (Gru, "W16A16G32E16"), (Rnn, "W3A4G6E8")])
@pytest.mark.parametrize("mode, streams", [("training", STREAMS), ("evaluation", IMAGES)])
def test_texts(layer, bits, mode, streams):
    scheme = make_scheme("qnn", bits, recurrent=True)
    network = Network(of_a_text(layer), (STEPS,), scheme, None, 1, STREAMS)
    plan = plan_memory(network, "softmax", "portable", 1)[mode]
    rng, carried = np.random.default_rng(1), {}
    with using(Pool()) as pool:
        trainer = Trainer(of_a_text(layer), scheme=scheme, input_shape=(STEPS,), loss="softmax",
                          batch_size=STREAMS, seed=3, kernels=load("portable", 1))
        for _ in range(6):
            tokens, told = rng.integers(0, WORDS, (2, streams, STEPS))
            if mode == "training":
                trainer.step(tokens, told)
            else:
                trainer.evaluate(tokens, told, carried=carried)
        # Where the data leave a copy out, or choose wider sums, arrays find other gaps.
        assert 9 * pool.extent <= 10 * plan["arena"] <= 11 * pool.extent
    assert sum(plan["kinds"].values()) == plan["arena"] > 100_000
    assert plan["master"] == sum(p.master.codes.nbytes for p in trainer.network.parameters)


def test_summary_of_a_text(capsys):
    command = "summary", "--model", "ptb-lstm", "--scheme", "qnn", "--width", "1/8", "--json"
    memory = json.loads(call(capsys, *command)[1])["memory"]
    assert list(memory) == ["training", "evaluation"]


def test_a_larger_batch_takes_more():
    small, large = (planned(row(), "wage", "2888", n)["training"]["arena"] for n in (8, 64))
    assert small < large


@pytest.mark.parametrize("scheme, modes", [
    ("wage", ["training", "evaluation"]), ("faq", ["training", "evaluation"]),
    ("float-weight", ["evaluation"])])
def test_summary_has_a_line_a_mode(capsys, scheme, modes):
    command = "summary", "--model", "resnet20", "--scheme", scheme, "--batch-size", "8"
    code, out, _ = call(capsys, *command)
    lines = [line for line in out.splitlines() if line.startswith("memory, ")]
    assert code == 0 and [line.split()[1].rstrip(":") for line in lines] == modes
    assert max(map(len, lines)) <= 80
    report = json.loads(call(capsys, *command, "--json")[1])["memory"]
    assert list(report) == modes
    assert all(f"{-(-report[mode]['total'] // 10**6):,} MB" in line
               for mode, line in zip(modes, lines))
