"""Whole training steps through `intflow.Trainer` equal the oracle's, bit for bit."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bridge
import oracle
import strategies

backends = pytest.mark.parametrize("backend", bridge.BACKENDS)

A = {"kind": "requantize"}
RELU = {"kind": "relu"}
POOL = {"kind": "max_pool2d", "kernel_size": (2, 2), "stride": (2, 2)}
SAME = {"kernel_size": (3, 3), "padding": "same"}


def conv(out_channels, **options):
    return {"kind": "conv2d", "out_channels": out_channels, **options}


def linear(out_features):
    return {"kind": "linear", "out_features": out_features}


NETS = {
    "mlp": [{"kind": "flatten"}, linear(7), RELU, A, linear(4)],
    "lenet": [conv(3, kernel_size=(3, 3)), POOL, RELU, A, conv(4, kernel_size=(2, 1)), RELU, A,
              {"kind": "flatten"}, linear(6), RELU, A, linear(4)],
    "strides": [conv(4, kernel_size=(3, 3), stride=(2, 2), padding=(0, 1, 1, 0)), RELU, A,
                conv(4, kernel_size=(2, 2), dilation=(1, 2), groups=2, padding=(1, 0, 2, 0)),
                {"kind": "max_pool2d", "kernel_size": (3, 3), "stride": (2, 2),
                 "padding": (1, 1, 1, 1)},
                RELU, A, {"kind": "flatten"}, linear(4)],
    "residual": [conv(3, **SAME), RELU, A,
                 {"kind": "residual", "body": [conv(3, **SAME), RELU, A, conv(3, **SAME)]},
                 RELU, A,
                 {"kind": "residual", "body": [conv(2, stride=(2, 2), **SAME)],
                  "shortcut": [conv(2, kernel_size=(1, 1), stride=(2, 2))]},
                 RELU, A, {"kind": "avg_pool2d", "kernel_size": None}, {"kind": "flatten"},
                 linear(4)],
    "concatenate": [conv(3, **SAME), RELU, A,
                    {"kind": "concatenate", "branches": [
                        [conv(2, kernel_size=(1, 1)), RELU, A],
                        [conv(1, kernel_size=(1, 1)), RELU, A, conv(2, **SAME), RELU, A],
                        [{"kind": "avg_pool2d", "kernel_size": (3, 3), "stride": (1, 1)},
                         conv(1, kernel_size=(1, 1), padding=(1, 1, 1, 1)), RELU, A],
                    ]},
                    {"kind": "sequential", "body": [conv(4, **SAME), POOL, RELU, A]},
                    {"kind": "flatten"}, linear(4)],
    "fire": [conv(3, **SAME), RELU, A,
             {"kind": "max_pool2d", "kernel_size": (3, 3), "stride": (2, 2)},
             conv(2, kernel_size=(1, 1)), RELU, A,
             {"kind": "concatenate", "branches": [[conv(2, kernel_size=(1, 1))],
                                                  [conv(3, **SAME)]]},
             RELU, A, conv(4, kernel_size=(1, 1)),
             {"kind": "avg_pool2d", "kernel_size": None}, {"kind": "flatten"}],
}  # fmt: skip
BITS = [
    (2, 8, 8, 8), (4, 8, 12, 10), (2, 4, 8, 6), (3, 8, 8, 8), (8, 8, 16, 8), (16, 16, 16, 16),
    (2, 8, 32, 8), (32, 32, 32, 32), (2, 2, 3, 2), (4, 4, 4, 4), (8, 8, 4, 8), (2, 16, 8, 16),
]  # fmt: skip


def batch(shape, classes, number, images=3):
    """Pixels and labels that differ from step to step."""
    stream = [oracle.random_u32(77, "augment", number, 0, i) for i in range(images)]
    count = shape[0] * shape[1] * shape[2]
    pixels = [(r >> 8) * (p * p + 3) // 7 % 256 for r in stream for p in range(count)]
    return oracle.folded(pixels, (images, *shape)), [r % classes for r in stream]


def compare(net, bits, backend, shape=(2, 6, 5), steps=3, threads=1, seed=1, **options):
    """Step both and compare: every tensor of the first step, then the weights, then all again."""
    kG = bits[2]
    options = {"loss": "sse", "encoding": "symmetric", "lr": Fraction(2) ** (kG - 5)} | options
    twin = bridge.TwinTrainer(
        net, bits, shape, backend, seed=seed, threads=threads, batch_size=3, **options
    )
    for number in range(steps):
        images, labels = batch(shape, twin.trainer.network.classes, number)
        twin.assert_step(images, labels, record=number % 2 == 0)


@pytest.mark.parametrize("bits", BITS, ids=bridge.bits_name)
@pytest.mark.parametrize("net", NETS)
def test_nets_under_all_bits(net, bits):
    compare(NETS[net], bits, "auto", lr=min(Fraction(2) ** (bits[2] - 5), Fraction(2) ** 26))


@backends
@pytest.mark.parametrize("bits", [(2, 8, 8, 8), (4, 8, 12, 10)], ids=bridge.bits_name)
@pytest.mark.parametrize("net", NETS)
def test_nets_on_all_backends(net, bits, backend):
    compare(NETS[net], bits, backend, threads=2)


@pytest.mark.parametrize("loss", ["sse", "softmax"])
@pytest.mark.parametrize("encoding", ["symmetric", "unit"])
@pytest.mark.parametrize("lr", ["8", "1", "1/8", "5/3", "3/1000"])
def test_losses_encodings_and_rates(loss, encoding, lr):
    options = {"loss": loss, "encoding": encoding, "lr": Fraction(lr)}
    for bits in (2, 8, 8, 8), (4, 6, 10, 9):
        compare(NETS["lenet"], bits, "auto", seed=2**63 + 5, **options)


def test_twenty_steps():
    """Long enough for weights to cross thresholds and reach their clip."""
    compare(NETS["residual"], (2, 8, 8, 8), "auto", shape=(1, 4, 4), steps=20, lr=Fraction(8))


@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(
    net=strategies.nets(), bits=strategies.engine_bits, seed=strategies.seeds,
    loss=st.sampled_from(["sse", "softmax"]), encoding=st.sampled_from(["symmetric", "unit"]),
    backend=st.sampled_from(bridge.BACKENDS), data=st.data(),
)  # fmt: skip
def test_any_net(net, bits, seed, loss, encoding, backend, data):
    shape, layers = net
    lr = data.draw(strategies.rates(bits[2]))
    compare(
        layers, bits, backend, shape, 2, data.draw(st.sampled_from([1, 2])), seed,
        loss=loss, encoding=encoding, lr=lr,
    )  # fmt: skip
