"""The layers that published networks need beyond WAGE's: forward and error against Python integers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bridge
import oracle_layers as oracle
from intflow import ops
from intflow.errors import FormatError, IntflowError, RangeError, UsageError
from intflow.formats import Bits, Fixed, Tensor
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Build, Conv2d, Linear, LocalResponseNorm, MaxPool2d, ReLU, Requantize,
    Residual, Run, Sequential, Spec, Subsample,
)
from intflow.ops import Products
from intflow.ops.lrn import integer_root, power_table
from intflow.training.network import name_layers
from layers.schemes import Affine, Folded

backends = pytest.mark.parametrize("backend", bridge.BACKENDS)
some = settings(max_examples=12, derandomize=True)
U8, S8, S32 = Fixed(8, 5, signed=False), Fixed(8, 5, symmetric=True), Fixed(32, 12, symmetric=True)
formats = st.sampled_from([U8, S8, S32])
shapes = st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 5), st.integers(1, 5))
seeds = st.integers(0, 2**32 - 1)
BITS = Bits(8, 8, 8, 8)


def tensor(rng, shape, fmt):
    """Codes of the whole range, the ends among them, as a Tensor HWNC and as nested lists NCHW."""
    codes = rng.integers(fmt.minimum, fmt.maximum, shape, np.int64, endpoint=True)
    codes.flat[0] = fmt.maximum
    codes.flat[-1] = fmt.minimum
    inside = np.ascontiguousarray(codes.transpose(2, 3, 0, 1).astype(fmt.dtype))
    return Tensor(inside, fmt, "HWNC"), codes.tolist()


def built(layer, shape, fmt, backend, scheme=Affine, nonnegative=False, batch=2):
    """(Run, output Spec) of a layer built for images of shape[1:]."""
    kernels = bridge.kernels(backend)
    name_layers(layer)
    build = Build(scheme(BITS), kernels, 1, batch)
    spec = layer.build(Spec(shape[1:], fmt, nonnegative=nonnegative), build)
    return Run(kernels, build.scheme, Products(kernels)), spec


def forward(layer, x, run, spec):
    """(codes NCHW as lists, saved), after a look at shape and format."""
    y, saved = layer.forward(x, run)
    y.check()
    assert y.format == spec.format and y.logical().shape[1:] == spec.shape
    return y.logical().tolist(), saved


def put(parameter, rng, bits=None):
    """Random codes into a parameter, as a list of Python integers."""
    fmt = parameter.master.format
    top = fmt.maximum if bits is None else (1 << bits) - 1
    parameter.master.codes[...] = rng.integers(-top, top, parameter.master.shape, endpoint=True)
    parameter.master.codes[0] = fmt.maximum
    return parameter.master.codes.tolist()


@backends
@some
@given(shape=shapes, fmt=formats, seed=seeds)
def test_batch_norm2d(shape, fmt, seed, backend):
    rng = np.random.default_rng(seed)
    layer = BatchNorm2d()
    run, spec = built(layer, shape, fmt, backend)
    scale, bias = put(layer.scale, rng), put(layer.bias, rng)
    x, codes = tensor(rng, shape, fmt)
    assert forward(layer, x, run, spec)[0] == oracle.affine(codes, scale, bias)
    assert spec.format.frac_bits == fmt.frac_bits + 14


@backends
def test_a_batch_norm_by_hand(backend):
    layer = BatchNorm2d()
    run, spec = built(layer, (1, 1, 1, 1), Fixed(8, 3, symmetric=True), backend)
    layer.scale.master.codes[0], layer.bias.master.codes[0] = 3, -20
    x = Tensor(np.full((1, 1, 1, 1), 100, np.int8), Fixed(8, 3, symmetric=True), "HWNC")
    assert forward(layer, x, run, spec)[0] == [[[[280]]]]


@pytest.mark.parametrize("make", [lambda bias: Conv2d(5, 3, padding=1, bias=bias),
                                  lambda bias: Linear(5, bias=bias)])
@backends
def test_a_bias_is_added_exactly(make, backend):
    rng = np.random.default_rng(4)
    layers, outputs = [make(True), make(False)], []
    flat = layers[0].kind == "linear"
    shape = (2, 6) if flat else (2, 6, 4, 3)
    x = rng.integers(-127, 128, (2, 6) if flat else (4, 3, 2, 6)).astype(np.int8)
    x = Tensor(x, S8, "NC" if flat else "HWNC")
    for layer in layers:
        run, spec = built(layer, shape, S8, backend)
        outputs.append(layer.forward(x, run)[0])
        if layer.bias:
            bias = put(layer.bias, rng)
            outputs[-1] = layer.forward(x, run)[0]
            assert outputs[-1].format == spec.format
            assert layer.bias.master.format == Fixed(31, outputs[-1].format.frac_bits, symmetric=True)
    with_bias, without = (y.codes.astype(object) for y in outputs)
    assert (with_bias - without == np.array(bias, object)).all()
    assert outputs[0].codes.dtype == np.int32


def test_a_bias_may_lie_at_any_step():
    rng = np.random.default_rng(1)
    for frac_bits in (2, 30):
        layer = Linear(3, bias=True)
        name_layers(layer)
        scheme = Affine(BITS)
        scheme.formats["linear_1.bias"] = Fixed(12, frac_bits, symmetric=True)
        kernels = bridge.kernels("reference")
        spec = layer.build(Spec((4,), S8), Build(scheme, kernels, 1, 1))
        bias = put(layer.bias, rng)
        x = Tensor(rng.integers(-127, 128, (1, 4)).astype(np.int8), S8, "NC")
        y = layer.forward(x, Run(kernels, scheme, Products(kernels)))[0]
        w = scheme.weight(kernels, layer.weight)
        for o in range(3):
            products = sum(int(a) * int(b) for a, b in zip(x.codes[0], w.codes[:, o]))
            value = products * S8.step * w.format.step + bias[o] * Fraction(2) ** -frac_bits
            assert y.format.value(int(y.codes[0, o])) == value
        assert y.format == spec.format


def test_schemes_decide_about_biases_and_batch_norms():
    def parameters(scheme):
        net = Sequential(Conv2d(4, 3), BatchNorm2d(), ReLU(), BatchNorm2d())
        name_layers(net)
        build = Build(scheme, None, 1, 1)
        net.build(Spec((3, 8, 8), U8), build)
        return [p.name for p in build.parameters], net.layers

    wage = Affine.__base__(BITS)
    assert parameters(wage)[0] == ["conv2d_1.weight"]
    names, layers = parameters(Folded(BITS))
    assert names == ["conv2d_1.weight", "conv2d_1.bias", "batch_norm2d_2.scale", "batch_norm2d_2.bias"]
    assert layers[1].folded_into is layers[0] and layers[0].folds is layers[1]
    assert layers[3].folded_into is None
    assert parameters(Affine(BITS))[0] == [
        "conv2d_1.weight", "batch_norm2d_1.scale", "batch_norm2d_1.bias", "batch_norm2d_2.scale",
        "batch_norm2d_2.bias"]


def test_weights_keep_their_random_numbers():
    """Biases and multipliers take no place in the random stream."""
    masters = []
    for scheme in (Affine, Affine.__base__):
        net = Sequential(Conv2d(4, 3, bias=True), BatchNorm2d(), Requantize(), Conv2d(4, 3))
        name_layers(net)
        net.build(Spec((3, 8, 8), S8), Build(scheme(BITS), bridge.kernels("reference"), 7, 1))
        masters.append([net.layers[i].weight.master.codes.tolist() for i in (0, 3)])
    assert masters[0] == masters[1]


constants = st.tuples(
    st.integers(1, 6), st.sampled_from(["1/10000", "1", "3/7", "5"]),
    st.sampled_from(["3/4", "1/2", "2/3", "1"]), st.sampled_from(["1", "2", "1/3", "37/4"]),
)


@backends
@some
@given(shape=shapes, constants=constants, seed=seeds,
       fmt=st.sampled_from([U8, Fixed(8, 0, signed=False), Fixed(16, 12, symmetric=True)]))
def test_local_response_norm(shape, fmt, constants, seed, backend):
    size, alpha, beta, k = constants
    layer = LocalResponseNorm(size, alpha, beta, k)
    run, spec = built(layer, shape, fmt, backend, nonnegative=not fmt.signed)
    x, codes = tensor(np.random.default_rng(seed), shape, fmt)
    expected = oracle.local_response_norm(
        codes, fmt.frac_bits, size, Fraction(alpha), Fraction(beta), Fraction(k))
    assert forward(layer, x, run, spec)[0] == expected
    assert spec.format.frac_bits == fmt.frac_bits + 20 and spec.nonnegative == (not fmt.signed)


def test_the_table_of_powers():
    """Every entry is the exact power, rounded; the root under it is exact."""
    table = power_table(22, 27, Fraction(3, 4))
    for n, row in enumerate(table.tolist(), 22):
        for i in range(0, 257, 16):
            t = Fraction(256 + i, 256) * Fraction(2) ** (n - 24)
            assert row[i] == oracle.power(t, Fraction(3, 4))
    assert table[2, 0] == 2**20 and table[2, 256] == 623487
    assert [integer_root(n, 4) for n in (0, 1, 15, 16, 80, 81, 2**200)] == [0, 1, 1, 2, 2, 3, 2**50]


def test_a_response_lies_near_the_exact_power():
    """Dropped bits, lines between knots and the roundings stay below 2**-15 of the power."""
    alpha, beta = Fraction(1, 10000), Fraction(3, 4)
    for total in (0, 1, 77, 5000, 123_456, 9_999_999):
        got = Fraction(oracle.response(total, 3, 5, alpha, beta, 1), 2**20)
        t = 1 + alpha / 5 * Fraction(total, 64)
        for factor, below in ((1 + Fraction(1, 2**15), True), (1 - Fraction(1, 2**15), False)):
            assert ((got / factor) ** 4 < t ** -3) == below


def test_local_response_norm_refuses():
    def build(fmt, *constants):
        layer = LocalResponseNorm(*constants)
        return built(layer, (1, 4, 2, 2), fmt, "reference")

    with pytest.raises(FormatError, match="local_response_norm_1: .* 16 bits, got 32; put a Requantize"):
        build(S32)
    with pytest.raises(RangeError, match="local_response_norm_1: .* too large"):
        build(Fixed(16, -20, symmetric=True))
    with pytest.raises(RangeError, match="alpha and beta above 0"):
        build(U8, 5, "0")
    with pytest.raises(RangeError, match="denominator up to 64"):
        build(U8, 5, "1", "1/65")


@backends
@some
@given(shape=shapes, fmt=formats, stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
       zeros=st.tuples(st.integers(0, 3), st.integers(0, 3)), seed=seeds)
def test_subsample(shape, fmt, stride, zeros, seed, backend):
    rng = np.random.default_rng(seed)
    layer = Subsample(stride, *zeros)
    run, spec = built(layer, shape, fmt, backend)
    x, codes = tensor(rng, shape, fmt)
    y, saved = forward(layer, x, run, spec)
    assert y == oracle.subsample(codes, stride, *zeros)
    e, error = tensor(rng, (shape[0], *spec.shape), S8)
    below = layer.backward(e, saved, run)
    assert below.logical().tolist() == oracle.subsample_error(error, stride, zeros[0], shape)


@st.composite
def pools(draw):
    """(kernel_size, stride, padding) of a window that fits 5 to 8 pixels."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k - 1)) for k in (kernel[0],) * 2 + (kernel[1],) * 2)
    return kernel, stride, padding


sizes = st.tuples(st.just(2), st.just(3), st.integers(5, 8), st.integers(5, 8))


@backends
@some
@given(shape=sizes, fmt=formats, window=pools(), ceil=st.booleans(), seed=seeds)
def test_max_pool_with_incomplete_windows(shape, fmt, window, ceil, seed, backend):
    layer = MaxPool2d(*window, ceil=ceil)
    run, spec = built(layer, shape, fmt, backend)
    x, codes = tensor(np.random.default_rng(seed), shape, fmt)
    assert forward(layer, x, run, spec)[0] == oracle.pool(codes, *window, ceil, max)


@backends
@some
@given(shape=sizes, fmt=st.sampled_from([U8, S32]), window=pools(),
       guard_bits=st.sampled_from([0, 3, 6]), seed=seeds)
def test_avg_pool_with_padding_and_guard_bits(shape, fmt, window, guard_bits, seed, backend):
    layer = AvgPool2d(*window, guard_bits)
    run, spec = built(layer, shape, fmt, backend)
    x, codes = tensor(np.random.default_rng(seed), shape, fmt)
    mean = oracle.average(window[0][0] * window[0][1], guard_bits)
    assert forward(layer, x, run, spec)[0] == oracle.pool(codes, *window, False, mean)
    assert spec.format.frac_bits == fmt.frac_bits + guard_bits


def test_an_average_of_8_by_8_is_the_sum():
    layer = AvgPool2d(guard_bits=6)
    run, spec = built(layer, (1, 2, 8, 8), U8, "reference", nonnegative=True)
    x, codes = tensor(np.random.default_rng(3), (1, 2, 8, 8), U8)
    assert forward(layer, x, run, spec)[0] == [[[[sum(map(sum, plane))]] for plane in codes[0]]]
    assert spec.format == Fixed(14, 11, signed=False) and spec.nonnegative


def test_which_tensors_are_nonnegative():
    def after(*layers, nonnegative=False):
        net = Sequential(*layers)
        return built(net, (1, 4, 8, 8), S8, "reference", nonnegative=nonnegative)[1].nonnegative

    assert after(ReLU()) and after(ReLU(), MaxPool2d(2)) and after(ReLU(), AvgPool2d())
    assert after(ReLU(), Subsample(2, 1, 1)) and after(ReLU(), LocalResponseNorm())
    assert after(Residual(ReLU()), nonnegative=True) and not after(Residual(ReLU()))
    assert not after(ReLU(), Conv2d(3, 1)) and not after(ReLU(), BatchNorm2d())


@backends
@pytest.mark.parametrize("second", [U8, Fixed(8, 3, signed=False), S8, Fixed(8, 9, symmetric=True), S32])
def test_sums_and_neighbours_of_unsigned_codes_are_exact(second, backend):
    """Whatever the signs and steps, the values are those of the parts."""
    rng, kernels = np.random.default_rng(2), bridge.kernels(backend)
    shape = (1, 2, 3, 3)
    a, b = tensor(rng, shape, U8)[0], tensor(rng, shape, second)[0]
    total, beside = ops.add(kernels, a, b), ops.concatenate(kernels, [a, b])
    assert (total.check().values() == a.values() + b.values()).all()
    assert total.format == ops.sum_format(U8, second)
    assert (beside.check().values() == np.concatenate([a.values(), b.values()], axis=-1)).all()
    assert beside.format == ops.common_format([U8, second])


@backends
def test_errors_that_add_up_beyond_64_bits_are_rounded(backend):
    """Both to the step at which the sum takes 63 bits; exact before that."""
    rng = np.random.default_rng(6)
    for frac_bits, other, dropped in ((9, 9, (0, 0)), (9, 8, (4, 3))):
        a, b = (Tensor(rng.integers(-2**62, 2**62, (1, 1, 5, 9), np.int64, endpoint=True),
                       Fixed(bits, f, symmetric=True), "HWNC")
                for bits, f in ((63, frac_bits), (64, other)))
        if dropped == (0, 0):
            b = Tensor(b.codes, Fixed(63, other, symmetric=True), "HWNC")
        y = ops.add(bridge.kernels(backend), a, b)
        y.check()
        expected = [round(Fraction(int(v), 2**dropped[0])) + round(Fraction(int(u), 2**dropped[1]))
                    for v, u in zip(a.codes.ravel(), b.codes.ravel())]
        assert y.codes.ravel().tolist() == expected
        assert y.format.frac_bits == frac_bits - dropped[0] and y.format.bits <= 64


def test_sums_too_wide_are_refused_with_the_layers_name():
    with pytest.raises(FormatError, match="batch_norm2d_1: a sum needs"):
        built(BatchNorm2d(), (1, 2, 3, 3), Fixed(60, 3, symmetric=True), "reference")
    with pytest.raises(FormatError, match="avg_pool2d_1: .* needs more than 62"):
        built(AvgPool2d(guard_bits=20), (1, 2, 3, 3), Fixed(40, 3, symmetric=True), "reference")


@pytest.mark.parametrize("layer", [LocalResponseNorm()])
def test_no_error_comes_out_of_what_cannot_be_trained(layer):
    run, _ = built(layer, (1, 2, 3, 3), U8, "reference")
    with pytest.raises(UsageError, match=f"{layer.kind}_1 has no backward pass here"):
        layer.backward(None, None, run)
    assert issubclass(UsageError, IntflowError)
