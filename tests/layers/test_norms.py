"""Batch norms: integer statistics and frozen ones, forwards, backwards, behind Linear and on pixels."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bridge
import oracle_norm as oracle
from intflow.errors import FormatError, ShapeError
from intflow.formats import Bits, Fixed, Tensor
from intflow.layers import BatchNorm2d, Build, Run, Spec
from intflow.ops import Products
from intflow.ops.normalise import rdiv, short
from intflow.quantizers import Wrpn
from intflow.training.network import name_layers
from layers.schemes import Affine

backends = pytest.mark.parametrize("backend", ("reference", bridge.BACKENDS[-1]))
some = settings(max_examples=15, derandomize=True, deadline=None)
formats = st.sampled_from([Fixed(17, 9, symmetric=True), Fixed(8, 8, signed=False),
                           Fixed(25, -3, symmetric=True), Fixed(32, 20, symmetric=True)])
shapes = st.one_of(st.tuples(st.integers(1, 9), st.integers(1, 3)),
                   st.tuples(*[st.integers(1, 3)] * 4))
seeds = st.integers(0, 2**32 - 1)
EPSILON = "1/100000"


class Net:
    """A batch norm alone: its layer, its run, and random codes in all of its parameters."""

    def __init__(self, scheme, shape, fmt, backend, rng):
        self.layer, self.fmt, self.shape = BatchNorm2d(EPSILON), fmt, shape
        name_layers(self.layer)
        kernels = bridge.kernels(backend)
        build = Build(scheme, kernels, 1, shape[0])
        self.spec = self.layer.build(Spec(shape[1:], fmt), build)
        self.run = Run(kernels, scheme, Products(kernels))
        for parameter in (self.layer.scale, self.layer.bias):
            top = parameter.master.format.maximum
            parameter.master.codes[...] = rng.integers(-top, top, parameter.master.shape)

    def tensor(self, rng, fmt):
        """(Tensor, [codes of every channel]); some channels constant, some of few codes."""
        bits = rng.integers(1, fmt.bits + 1)
        codes = rng.integers(fmt.minimum, fmt.maximum, self.shape, np.int64, endpoint=True)
        codes >>= fmt.bits - bits
        if rng.integers(0, 3) == 0:
            codes[:, 0] = codes.flat[0]
        order = (2, 3, 0, 1) if codes.ndim == 4 else (0, 1)
        inside = np.ascontiguousarray(codes.transpose(order).astype(fmt.dtype))
        return Tensor(inside, fmt, "HWNC" if codes.ndim == 4 else "NC"), by_channel(codes)


def by_channel(codes):
    return np.moveaxis(codes, 1, 0).reshape(codes.shape[1], -1).tolist()


def channels(tensor):
    return by_channel(tensor.logical())


@backends
@some
@given(shape=shapes, fmt=formats, seed=seeds)
def test_integer_statistics(shape, fmt, seed, backend):
    rng = np.random.default_rng(seed)
    net = Net(Wrpn(Bits(2, 4, 16, 16)), shape, fmt, backend, rng)
    (x, codes), layer = net.tensor(rng, fmt), net.layer
    gamma, beta = layer.scale.master.codes.tolist(), layer.bias.master.codes.tolist()
    statistics = [oracle.of_batch(c, EPSILON, fmt.frac_bits, oracle.guard_of(fmt.bits)) for c in codes]
    y, saved = layer.forward(x, net.run)
    assert channels(y.check()) == [oracle.forward(c, s, g, b, 12)
                                   for c, s, g, b in zip(codes, statistics, gamma, beta)]
    assert y.format == net.spec.format == Fixed(28, 12, symmetric=True)
    check_running(net, statistics)
    check_backward(net, saved, codes, statistics, gamma, rng)
    check_evaluation(net, x, codes, gamma, beta)


def check_running(net, statistics):
    """Nothing moves before the step is whole; then an eighth of the way."""
    layer, before = net.layer, stored(net.layer)
    assert before[0] == [0] * layer.channels and len(set(before[1])) == 1
    net.run.finish()
    new = [[oracle.half_up(s.mean * 2**s.guard) for s in statistics], [s.variance for s in statistics]]
    after = [[oracle.moved(a, b, Fraction(1, 8)) for a, b in zip(*pair)] for pair in zip(before, new)]
    assert stored(layer) == after


def stored(layer):
    """Codes of the running statistics."""
    return [p.master.codes.tolist() for p in (layer.running_mean, layer.running_variance)]


def check_backward(net, saved, codes, statistics, gamma, rng):
    e_format = Fixed(int(rng.integers(2, 17)), int(rng.integers(0, 30)), symmetric=True)
    e, errors = net.tensor(rng, e_format)
    below = net.layer.backward(e, saved, net.run)
    largest = e_format.maximum, max(abs(net.fmt.minimum), net.fmt.maximum)
    expected, T = oracle.backward(errors, codes, statistics, gamma, 12, *largest)
    assert channels(below.check()) == expected
    assert below.format.frac_bits == e_format.frac_bits - net.fmt.frac_bits + T
    check_values(e, saved[0], below, gamma, statistics)
    pairs = [oracle.gradients(*c) for c in zip(errors, codes, statistics)]
    got = net.layer.scale.gradient, net.layer.bias.gradient
    assert list(zip(*(g.codes.tolist() for g in got))) == pairs
    assert [g.format.frac_bits for g in got] == [e_format.frac_bits + 8, e_format.frac_bits]
    check_formula(errors, codes, statistics, gamma, largest, expected, T)


def check_values(e, x, below, gamma, statistics):
    """In real values: e' = gamma / deviation * (e - mean(e) - (x - mean) * cov(e, x) / variance), within
    2**-10 of its largest, by squares: (e' * deviation)**2 against the square of the rest."""
    steps = e.format.step, x.format.step, below.format.step
    for es, xs, got, g, s in zip(channels(e), channels(x), channels(below), gamma, statistics):
        es, xs, got = ([Fraction(v) * step for v in t] for t, step in zip((es, xs, got), steps))
        n, variance = len(es), s.spread * Fraction(1, 4) ** s.guard * steps[1] ** 2
        mean_e, mean_x = sum(es) / n, sum(xs) / n
        slope = sum((u - mean_e) * (v - mean_x) for u, v in zip(es, xs)) / n / variance
        rest = [Fraction(g, 4096) * (u - mean_e - (v - mean_x) * slope) for u, v in zip(es, xs)]
        wanted = max(v * v for v in rest)
        found = max(v * v for v in got) * variance
        slack = (2 * below.format.step) ** 2 * variance
        assert abs(found - wanted) <= wanted / 2**10 + slack + 2 * Fraction(
            isqrt(int(slack * wanted * 4**200)) + 1, 2**200)


def check_formula(errors, codes, statistics, gamma, largest, got, T):
    """A proof of the formula: the exact gradient of the normalisation lies within one step of it
    (and what 16 bits of gamma / sqrt(V) are short of)."""
    for e, x, s, g, rounded in zip(errors, codes, statistics, gamma, got):
        row = oracle.prepare(e, x, s, g, 12, *largest)
        for exact, v in zip(oracle.exact_error(e, x, s, row), rounded):
            assert abs(exact * Fraction(2) ** T - v) <= 1
        # A**2 * 4**-t is gamma**2 / V within 2**-14.
        square = g * g * Fraction(4) ** (row.t + s.guard - 12)
        assert abs(row.a**2 * s.spread - square) * 2**14 <= square


def check_evaluation(net, x, codes, gamma, beta):
    net.run.keep = False
    layer = net.layer
    settings = EPSILON, net.fmt.frac_bits, oracle.guard_of(net.fmt.bits)
    running = [oracle.running(*pair, *settings) for pair in zip(*stored(layer))]
    y, _ = layer.forward(x, net.run)
    assert channels(y.check()) == [oracle.forward(c, s, g, b, 12)
                                   for c, s, g, b in zip(codes, running, gamma, beta)]


@backends
@some
@given(shape=shapes, seed=seeds)
def test_frozen(shape, seed, backend):
    """e' = e A, exact; the gradients are sums of e x and of e."""
    rng = np.random.default_rng(seed)
    scheme = Affine(Bits(8, 8, 8, 8))
    scheme.trained = ("weight", "scale", "bias")
    net = Net(scheme, shape, Fixed(17, 5, symmetric=True), backend, rng)
    (x, codes), (e, errors) = net.tensor(rng, net.fmt), net.tensor(rng, Fixed(16, 9, symmetric=True))
    y, saved = net.layer.forward(x, net.run)
    below = net.layer.backward(e, saved, net.run)
    scale = net.layer.scale.master.codes.tolist()
    assert channels(below.check()) == [[a * v for v in c] for a, c in zip(scale, errors)]
    assert below.format.frac_bits == 9 + 14
    sums = [[sum(c) for c in errors], [sum(u * v for u, v in zip(*c)) for c in zip(errors, codes)]]
    for parameter, expected, frac_bits in zip((net.layer.bias, net.layer.scale), sums, (9, 9 + 5)):
        assert parameter.gradient.codes.tolist() == expected
        assert parameter.gradient.format.frac_bits == frac_bits


def test_by_hand():
    """Codes 1 and 3: mean 2, variance 1, gamma 1."""
    net = Net(Wrpn(Bits(2, 4, 16, 16)), (2, 1), Fixed(17, 0, symmetric=True), "reference",
              np.random.default_rng(0))
    net.layer.scale.master.codes[:], net.layer.bias.master.codes[:] = 4096, 0
    x = Tensor(np.array([[1], [3]], np.int32), net.fmt, "NC")
    assert net.layer.forward(x, net.run)[0].codes.tolist() == [[-4096], [4096]]


def test_helpers_by_hand():
    assert [rdiv(5, 2), rdiv(-5, 2)] == [3, -2]
    assert short(1000, 4) == (8, 7) and short(-15, 4) == (-15, 0)


def test_what_does_not_fit_is_refused_with_the_layers_name():
    rng, scheme = np.random.default_rng(0), Wrpn(Bits(2, 4, 16, 16))
    with pytest.raises(ShapeError, match="batch_norm2d_1 expects sums of at most 32 bits"):
        Net(scheme, (1, 2, 3, 3), Fixed(40, 3, symmetric=True), "reference", rng)
    with pytest.raises(ShapeError, match="16777216 numbers a channel"):
        Net(scheme, (2**13, 2, 64, 64), Fixed(17, 3, symmetric=True), "reference", rng)
    with pytest.raises(FormatError, match="batch_norm2d_1: .* need 64 bits for one product"):
        net = Net(scheme, (1, 2), Fixed(32, 3, symmetric=True), "reference", rng)
        x = net.tensor(rng, net.fmt)[0]
        net.layer.backward(Tensor(x.codes.astype(np.int64), Fixed(31, 0), "NC"),
                           net.layer.forward(Tensor(x.codes, Fixed(32, 0), "NC"), net.run)[1],
                           net.run)
