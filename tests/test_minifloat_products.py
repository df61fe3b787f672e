"""Minifloat weights times activations: three schedules, every backend, against Fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.products import Convolution, convolutions, product_kernels

from intflow import ops
from intflow.errors import FormatError
from intflow.formats import Fixed, Tensor, parse_format
from intflow.kernels import load
from intflow.ops.minifloat import by_digits, by_exponent, shift_each, signed_digits

KERNELS = {"reference": load("reference"), **product_kernels()}
PAIRS = {"reference": load("reference"), **product_kernels(threads=2)}
FORMATS = ["e4m3", "1-4-3", "e2m1nz", "e5m2", "e3m0", "e4m10", "e6m1ftz", "e1m2"]
each_backend = pytest.mark.parametrize("backend", KERNELS)


def tensors(case, name, unsigned, seed, narrow=False):
    """x and w of a convolution; narrow takes neighbouring exponents only."""
    rng = np.random.default_rng(seed)
    fmt = parse_format(name)
    inputs = case.group_inputs * case.groups
    shape = (case.height, case.width, case.images, inputs)
    x_format = Fixed(8, 5, signed=not unsigned, symmetric=not unsigned)
    x = rng.integers(x_format.minimum, x_format.maximum + 1, shape).astype(x_format.dtype)
    legal = np.array([c for c in range(1 << min(fmt.bits, 12)) if fmt.contains(c)])
    if narrow or fmt.exponent_bits > 5:
        legal = legal[len(legal) // 4: len(legal) // 4 + 9]
    w = rng.choice(legal, (*case.kernel, case.group_inputs, case.group_outputs * case.groups))
    window = ops.Window.of(case.kernel, case.stride, case.padding, case.dilation, case.groups)
    return Tensor(x, x_format, "HWNC"), Tensor(w.astype(fmt.dtype), fmt, "HWIO"), window


def by_fractions(x, w, window, output, unit=None):
    """{index: value} of the output, from decoded values alone; every product cut to `unit`."""
    top, _, left, _ = window.padding
    height, width, images, _ = x.codes.shape
    kh, kw, inputs, outputs = w.codes.shape
    values = {code: w.format.decode(code) for code in np.unique(w.codes).tolist()}
    y = {}
    for h, v, n, o in np.ndindex(*output, images, outputs):
        total = Fraction(0)
        for a, b, i in np.ndindex(kh, kw, inputs):
            ih = h * window.stride[0] - top + a * window.dilation[0]
            iw = v * window.stride[1] - left + b * window.dilation[1]
            if 0 <= ih < height and 0 <= iw < width:
                c = o // (outputs // window.groups) * inputs + i
                code = int(x.codes[ih, iw, n, c])
                product = code * x.format.step * values[int(w.codes[a, b, i, o])]
                total += product if unit is None else product // unit * unit
        y[h, v, n, o] = total
    return y


def check(got, want):
    for index, value in want.items():
        assert int(got.codes[index]) * got.format.step == value, index
        assert got.format.contains(int(got.codes[index]))


SMALL = Convolution(3, 4, 2, 2, 2, kernel=(2, 3), padding=(1, 0, 1, 1), stride=(1, 2))


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_every_schedule_is_the_definition(name, unsigned):
    x, w, window = tensors(SMALL, name, unsigned, 3)
    want = by_fractions(x, w, window, SMALL.output_size)
    for schedule in (shift_each, by_exponent, by_digits):
        check(schedule(KERNELS["reference"], x, w, window), want)


@pytest.mark.parametrize("rshift", [1, 7, 30])
@pytest.mark.parametrize("backend", ["reference", "portable"])
def test_an_accumulator_without_low_bits(backend, rshift):
    x, w, window = tensors(SMALL, "e4m3", False, 4)
    exact = shift_each(KERNELS[backend], x, w, window)
    got = shift_each(KERNELS[backend], x, w, window, rshift)
    unit = exact.format.step * 2**rshift
    assert got.format.step == unit
    check(got, by_fractions(x, w, window, SMALL.output_size, unit))


@each_backend
@settings(max_examples=25)
@given(case=convolutions(), name=st.sampled_from(FORMATS), unsigned=st.booleans(),
       narrow=st.booleans(), seed=st.integers(0, 99))
def test_backends_and_schedules_agree(backend, case, name, unsigned, narrow, seed):
    x, w, window = tensors(case, name, unsigned, seed, narrow)
    want = shift_each(KERNELS["vnni-emulated"], x, w, window)
    for got in (by_digits(KERNELS[backend], x, w, window),
                ops.conv2d(KERNELS[backend], x, w, window)):
        assert got.format == want.format
        np.testing.assert_array_equal(got.codes, want.codes)
    got = by_exponent(KERNELS[backend], x, w, window)
    np.testing.assert_array_equal(got.codes, want.codes)


@each_backend
def test_threads_and_linear(backend):
    """A layer large enough for two tasks, as (N, C)."""
    rng = np.random.default_rng(5)
    fmt = parse_format("e4m3")
    x = Tensor(rng.integers(0, 256, (40, 700)).astype(np.uint8), Fixed(8, 6, signed=False), "NC")
    w = Tensor(rng.integers(0, 256, (700, 70)).astype(np.uint8), fmt, "IO")
    window = ops.Window((1, 1))
    two = PAIRS[backend]
    want = shift_each(KERNELS["portable" if "emulated" in backend else backend], x, w, window)
    for schedule in (by_digits, shift_each):
        np.testing.assert_array_equal(schedule(two, x, w, window).codes, want.codes)
    assert want.codes.shape == (40, 70) and want.codes.dtype == np.int64


def test_kept_digits_follow_their_weight():
    """A weight changed in place is cut anew; an equal one is not."""
    x, w, window = tensors(SMALL, "e4m3", False, 6)
    products = ops.Products(KERNELS["portable"])
    first = products.forward("conv2d_1", x, w, window)
    kept = products._digits.of("conv2d_1", w, 1)
    assert products._digits.of("conv2d_1", w, 1) is kept
    w.codes[...] = np.roll(w.codes, 1, axis=-1)
    second = products.forward("conv2d_1", x, w, window)
    np.testing.assert_array_equal(second.codes, shift_each(KERNELS["portable"], x, w, window).codes)
    assert not np.array_equal(first.codes, second.codes)


@given(st.lists(st.integers(-2**61, 2**61), min_size=1))
def test_digits(values):
    digits = signed_digits(np.array(values, np.int64))
    assert [sum(int(d[i]) << 7 * k for k, d in enumerate(digits)) for i in range(len(values))] == values
    assert all(d.dtype == np.int8 and d.min() >= -127 for d in digits)
    assert len(digits) == 1 or max(map(abs, values)) > 127


def test_by_hand():
    """x = 3/4, w = 1.5 and -2**-6 in 1-4-3: 9/8 and -3/256."""
    x = Tensor(np.array([[3]], np.int8), Fixed(8, 2, symmetric=True), "NC")
    w = Tensor(np.array([[60, 136]], np.uint8), parse_format("1-4-3"), "IO")
    y = ops.conv2d(KERNELS["reference"], x, w, ops.Window((1, 1)))
    assert [Fraction(int(c)) * y.format.step for c in y.codes[0]] == [
        Fraction(9, 8), Fraction(-3, 256)]
    assert y.codes.tolist() == [[3 * 768, -3 * 8]] and y.format.frac_bits == 11


def test_sums_beyond_64_bits_are_refused():
    fmt = parse_format("e6m1")
    w = Tensor(np.array([[1], [127]], np.uint8), fmt, "IO")
    x = Tensor(np.full((1, 2), 32767, np.int16), Fixed(16, 0, symmetric=True), "NC")
    with pytest.raises(FormatError, match="fewer exponent bits"):
        ops.conv2d(KERNELS["reference"], x, w, ops.Window((1, 1)))
