"""Whole QNN steps equal those in Python integers, bit for bit."""

from fractions import Fraction

import numpy as np
import pytest

import bridge
import oracle
import oracle_qnn
from intflow import Trainer
from intflow.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Sequential

NETS = {
    "mlp": lambda: Sequential(Flatten(), Linear(9), ReLU(), Requantize(), Linear(4)),
    "conv": lambda: Sequential(
        Conv2d(3, 3, padding=1), BatchNorm2d(), ReLU(), Requantize(),
        Conv2d(4, 3), MaxPool2d(2), ReLU(), Requantize(),
        Flatten(), Linear(5), Requantize(), Linear(4)),
}  # fmt: skip
KINDS = {"conv2d": "conv", "linear": "linear", "max_pool2d": "pool", "batch_norm2d": "norm",
         "requantize": "act", "flatten": "flatten"}
SHAPE, CLASSES, IMAGES = (2, 6, 6), 4, 5


def described(trainer):
    """The engine's layers, with copies of what they keep, for the oracle."""
    net = []
    for layer in trainer.network.layers.layers:
        if layer.kind == "relu":
            continue                                # the identity under QNN
        row = {"kind": KINDS[layer.kind], "layer": layer}
        if layer.kind == "conv2d":
            row["pad"] = layer.window.padding[0]
        if layer.kind in ("conv2d", "linear"):
            row["w"] = layer.weight.master.logical().tolist()
        if layer.kind == "batch_norm2d":
            row.update({role: [0] * layer.channels for role in ("beta", "mean", "variance")})
        net.append(row)
    return net


def batch(number):
    """Pixels and labels that differ from step to step."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (IMAGES, *SHAPE), np.uint8), rng.integers(0, CLASSES, IMAGES)


def codes_of(images):
    """2u - 255 by place."""
    return {place: 2 * int(u) - 255 for place, u in np.ndenumerate(images)}


def assert_state(net, what):
    """Everything that a run keeps."""
    for row in net:
        layer = row["layer"]
        if "w" in row:
            assert layer.weight.master.logical().tolist() == row["w"], (layer.name, what)
            assert_averages(layer.weight, row["state"], what)
        if row["kind"] == "norm":
            kept = zip((layer.bias, layer.running_mean, layer.running_variance), ("beta", "mean", "variance"))
            for parameter, role in kept:
                assert parameter.master.codes.tolist() == row[role], (parameter.name, what)
            assert_averages(layer.bias, row["state"], what)


def assert_averages(parameter, state, what):
    for name in "mv":
        codes = parameter.state[name]
        logical = codes.transpose([parameter.master.axes.index(a) for a in
                                   parameter.master.logical_axes]) if codes.ndim > 1 else codes
        expected = {(p if isinstance(p, tuple) else (p,)): v for p, v in state[name].items()}
        assert dict(np.ndenumerate(logical)) == expected, (parameter.name, name, what)
    assert parameter.state["unit"].tolist() == [state["unit"]]


def assert_outputs(y, expected):
    got = {(n, o, 0, 0): int(code) for (n, o), code in np.ndenumerate(y)}
    assert got == expected.codes


def compare(name, bits, options="", backend="auto", steps=3, threads=1, rate="1/64"):
    """Step both, then evaluate both."""
    trainer = Trainer(NETS[name](), bridge.bits_name(bits), "qnn", input_shape=SHAPE, seed=7,
                      batch_size=IMAGES, threads=threads, backend=backend, options=options, lr=rate)
    net, log = described(trainer), "log" in options
    exponent = 1 - Fraction(rate).denominator.bit_length()
    projection = "division" if "division" in options else "published"
    for number in range(steps):
        images, labels = batch(number)
        result = trainer.step(images, labels)
        y, loss = oracle_qnn.train_step(net, codes_of(images), labels.tolist(), bits, exponent, log,
                                        projection, "code" in options, IMAGES)
        assert result.loss == (loss, 17)
        assert_state(net, f"step {number}")
    images, labels = batch(99)
    y, _ = oracle_qnn.forward(net, codes_of(images), bits, log, training=False, batch=IMAGES)
    assert_outputs(trainer.evaluate(images, labels)[0], y)


@pytest.mark.parametrize("bits", [(1, 1, 32, 32), (1, 1, 6, 6), (1, 2, 32, 8), (4, 4, 16, 16)],
                         ids=bridge.bits_name)
@pytest.mark.parametrize("name", NETS)
def test_nets(name, bits):
    compare(name, bits)


@pytest.mark.parametrize("backend", bridge.BACKENDS)
def test_backends(backend):
    compare("conv", (1, 1, 6, 6), backend=backend, threads=2, steps=2)


@pytest.mark.parametrize("options", ["projection=division", "adamax=code", "quantizer=log",
                                     "projection=division,adamax=code,quantizer=log"])
@pytest.mark.parametrize("bits", [(1, 1, 32, 8), (3, 4, 6, 6)], ids=bridge.bits_name)
def test_options(options, bits):
    compare("conv", bits, options, steps=2)


def test_twenty_steps():
    """Long enough for weights to reach their clip and statistics to settle."""
    compare("mlp", (2, 1, 32, 8), steps=20, rate="1/8")


def test_initial_weights():
    """Uniform over [-2**12, 2**12], by the stream."""
    trainer = Trainer(NETS["mlp"](), None, "qnn", input_shape=SHAPE, seed=2**40 + 3)
    for parameter in trainer.network.parameters:
        if parameter.role == "weight":
            flat = parameter.master.codes.ravel().tolist()
            expected = [(oracle.random_u32(2**40 + 3, "init", 0, parameter.index, i) * 8193 >> 32)
                        - 4096 for i in range(len(flat))]  # fmt: skip
            assert flat == expected
