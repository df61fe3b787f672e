"""Every layer kind, every backend: forward, error, gradient, update equal the oracle's exactly."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bridge
import oracle
import strategies
from intflow.layers import LAYERS
from intflow.optimizers import SGD
from oracle import Tensor

backends = pytest.mark.parametrize("backend", bridge.BACKENDS)
some = settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip

bits_2888 = 2, 8, 8, 8
exponents = st.integers(-6, 20)


def draw_tensor(data, shape, bits, frac_bits=None):
    """Codes over the whole range of `bits`, small ranges and ends included."""
    codes = data.draw(strategies.symmetric(shape, bits))
    return Tensor(codes, data.draw(exponents) if frac_bits is None else frac_bits, bits)


def draw_weights(data, twin):
    """Any master weights within their clip, the same in both."""
    kW, _, kG, _ = twin.bits
    bound = oracle.master_bound(kW, kG)
    for parameter, layer in zip(twin.parameters, oracle.parameters(twin.layers), strict=True):
        bridge.assert_codes(parameter.master, layer["master"], "initial weight")
        shape = oracle.shape_of(layer["master"])
        layer["master"] = data.draw(strategies.codes(shape, -bound, bound))
        bridge.put_codes(parameter.master, layer["master"])


def assert_update(data, twin, bits):
    """One update of every weight at some rate, seed and step."""
    kW, _, kG, _ = twin.bits
    lr, seed = data.draw(strategies.rates(kG)), data.draw(strategies.seeds)
    step = data.draw(st.integers(0, 2**32 - 1))
    SGD().step(twin.kernels, twin.scheme, twin.parameters, lr, seed, step)
    for parameter, layer in zip(twin.parameters, oracle.parameters(twin.layers), strict=True):
        new, update = oracle.update(
            layer["master"], layer["gradient"], kW, kG, lr, seed, step, layer["tensor"]
        )
        bridge.assert_codes(parameter.update, update, "update")
        bridge.assert_codes(parameter.master, new, "weight")


def check(data, description, bits, shape, backend, x_bits=None, x_frac_bits=None, e_bits=None):
    """Draw weights, input and error; compare both directions and the update."""
    x_bits = x_bits or bridge.oracle_bits(bits)[1]
    x = draw_tensor(data, shape, x_bits, x_frac_bits)
    twin = bridge.Twin(description, bits, x, backend, data.draw(strategies.seeds))
    draw_weights(data, twin)
    y = twin.assert_forward(x)
    e = draw_tensor(data, oracle.shape_of(y.codes), e_bits or twin.bits[3])
    twin.assert_backward(e)
    assert_update(data, twin, bits)


def test_every_layer_kind_is_compared():
    here = Path(__file__).parent
    tests = "".join(p.read_text() for p in [Path(__file__), *here.glob("layers/test_*.py")])
    whole = {"embedding", "rnn", "lstm", "gru"}         # windows of text, in test_recurrent.py
    assert [kind for kind in LAYERS if f"def test_{kind}(" not in tests] == sorted(
        whole, key=list(LAYERS).index)


@backends
@some
@given(case=strategies.convolution_settings(), bits=strategies.engine_bits, data=st.data())
def test_conv2d(case, bits, data, backend):
    shape, description = case
    check(data, description, bits, shape, backend)


@backends
@some
@given(case=strategies.convolution_settings(), bits=strategies.engine_bits, data=st.data())
def test_conv2d_narrows_wide_errors_first(case, bits, data, backend):
    """Behind an average or a sum the error is wider than a product takes: [E] once more."""
    shape, description = case
    wide = data.draw(st.sampled_from([17, 20, 32]))
    check(data, description, bits, shape, backend, e_bits=wide)


@backends
@some
@given(N=st.integers(1, 5), I=st.integers(1, 40), O=st.integers(1, 20),
       bits=strategies.engine_bits, data=st.data())  # fmt: skip
def test_linear(N, I, O, bits, data, backend):
    description = {"kind": "linear", "out_features": O}
    check(data, description, bits, (N, I), backend)


wide_bits = st.sampled_from([2, 8, 13, 16, 20, 32])


@backends
@some
@given(case=strategies.pooling_settings("max_pool2d"), x_bits=wide_bits,
       e_bits=st.integers(2, 28), data=st.data())  # fmt: skip
def test_max_pool2d(case, x_bits, e_bits, data, backend):
    shape, description = case
    check(data, description, bits_2888, shape, backend, x_bits, e_bits=e_bits)


@backends
@some
@given(case=strategies.pooling_settings("avg_pool2d"), x_bits=wide_bits,
       e_bits=st.integers(2, 32), data=st.data())  # fmt: skip
def test_avg_pool2d(case, x_bits, e_bits, data, backend):
    shape, description = case
    check(data, description, bits_2888, shape, backend, x_bits, e_bits=e_bits)


@backends
@some
@given(shape=strategies.shape_NCHW(), flat=st.booleans(), x_bits=wide_bits, e_bits=wide_bits,
       data=st.data())  # fmt: skip
def test_relu(shape, flat, x_bits, e_bits, data, backend):
    shape = shape[:2] if flat else shape
    check(data, {"kind": "relu"}, bits_2888, shape, backend, x_bits, e_bits=e_bits)


@backends
@some
@given(shape=strategies.shape_NCHW(), x_bits=wide_bits, data=st.data())
def test_flatten(shape, x_bits, data, backend):
    check(data, {"kind": "flatten"}, bits_2888, shape, backend, x_bits=x_bits)


@backends
@some
@given(shape=strategies.shape_NCHW(), flat=st.booleans(), bits=strategies.engine_bits,
       x_bits=wide_bits, rshift=st.integers(-6, 40), e_bits=wide_bits, data=st.data())  # fmt: skip
def test_requantize(shape, flat, bits, x_bits, rshift, e_bits, data, backend):
    shape = shape[:2] if flat else shape
    frac_bits = bridge.oracle_bits(bits)[1] - 1 + rshift
    check(data, {"kind": "requantize"}, bits, shape, backend, x_bits, frac_bits, e_bits)


@backends
@some
@given(N=st.integers(1, 4), C=st.integers(1, 5), kA=strategies.any_bits, s=st.integers(1, 14),
       data=st.data())  # fmt: skip
def test_requantize_at_ties_and_bounds(N, C, kA, s, data, backend):
    """Odd multiples of half a step, and accumulators next to the clip."""
    top = oracle.largest(kA) << s
    near = [sign * (m + d) for m in (0, top) for d in (-1, 0, 1) for sign in (-1, 1)]
    ties = [sign * ((2 * q + 1) << (s - 1)) for q in (0, 1, 2, 3) for sign in (-1, 1)]
    special = st.sampled_from(near + ties + [2**31 - 1, 1 - 2**31])
    row = st.lists(special, min_size=C, max_size=C)
    x = Tensor(data.draw(st.lists(row, min_size=N, max_size=N)), kA - 1 + s, 32)
    twin = bridge.Twin({"kind": "requantize"}, (2, kA, 8, 8), x, backend)
    twin.assert_forward(x)
    twin.assert_backward(draw_tensor(data, (N, C), 32))


@backends
@some
@given(shape=strategies.shape_NCHW(), bits=strategies.engine_bits, data=st.data())
def test_sequential(shape, bits, data, backend):
    body = [
        {"kind": "conv2d", "out_channels": 3, "kernel_size": (3, 2), "padding": "same"},
        {"kind": "relu"},
        {"kind": "requantize"},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 4},
    ]
    kA = bridge.oracle_bits(bits)[1]
    check(data, {"kind": "sequential", "body": body}, bits, shape, backend, kA, kA - 1)


@backends
@some
@given(shape=strategies.shape_NCHW(), bits=strategies.engine_bits,
       shortcut=st.sampled_from(["identity", "conv2d", "narrow"]), data=st.data())  # fmt: skip
def test_residual(shape, bits, shortcut, data, backend):
    C = shape[1]
    conv = {"kind": "conv2d", "out_channels": C, "kernel_size": (3, 3), "padding": (1, 1, 1, 1)}
    ways = {
        "identity": [],
        "conv2d": [{"kind": "conv2d", "out_channels": C, "kernel_size": (1, 1)}],
        "narrow": [{"kind": "relu"}, {"kind": "requantize"}],
    }
    description = {"kind": "residual", "body": [conv], "shortcut": ways[shortcut]}
    kA = bridge.oracle_bits(bits)[1]
    check(data, description, bits, shape, backend, kA, kA - 1)


@backends
@some
@given(shape=strategies.shape_NCHW(), bits=strategies.engine_bits,
       ends=st.sampled_from(["narrow", "wide", "mixed"]), data=st.data())  # fmt: skip
def test_concatenate(shape, bits, ends, data, backend):
    end = [{"kind": "relu"}, {"kind": "requantize"}]
    one = {"kind": "conv2d", "out_channels": 2, "kernel_size": (1, 1)}
    three = {"kind": "conv2d", "out_channels": 3, "kernel_size": (3, 3), "padding": "same"}
    branches = {
        "narrow": [[one, *end], [three, *end]],
        "wide": [[one], [three]],
        "mixed": [[one, *end], [], [three]],
    }[ends]
    kA = bridge.oracle_bits(bits)[1]
    check(data, {"kind": "concatenate", "branches": branches}, bits, shape, backend, kA, kA - 1)


@backends
@pytest.mark.parametrize(
    "description",
    [
        {"kind": "requantize"},
        {"kind": "linear", "out_features": 3},
        {"kind": "conv2d", "out_channels": 2, "kernel_size": (1, 1)},
        {"kind": "residual", "body": [{"kind": "requantize"}]},
    ],
    ids=lambda description: description["kind"],
)
def test_zero_errors_stay_zero(description, backend):
    shape = (2, 3) if description["kind"] == "linear" else (2, 3, 2, 2)
    x = Tensor(oracle.filled(shape, 5), 7, 8)
    twin = bridge.Twin(dict(description), bits_2888, x, backend)
    y = twin.assert_forward(x)
    twin.assert_backward(Tensor(oracle.filled(oracle.shape_of(y.codes)), 4, 8))
    for parameter in twin.parameters:
        before = parameter.master.logical().tolist()
        SGD().step(twin.kernels, twin.scheme, [parameter], Fraction(8), 1, 0)
        assert parameter.master.logical().tolist() == before
