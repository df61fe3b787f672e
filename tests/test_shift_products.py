"""Products by shifts: the definition against Python integers, every backend's products against it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.products import Convolution, convolutions, product_kernels

from intflow import Trainer, ops
from intflow.errors import RangeError, ShapeError
from intflow.formats import PowerOfTwo
from intflow.kernels import load
from intflow.kernels.reference import shift_products
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential,
)

import oracle_power

KERNELS = product_kernels()
each_backend = pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)
TINY = [
    Convolution(1, 1, 2, 3, 2),
    Convolution(3, 4, 2, 2, 3, kernel=(3, 3), padding=(1, 1, 1, 1)),
    Convolution(5, 4, 1, 2, 1, kernel=(2, 3), stride=(2, 1), padding=(0, 1, 2, 0)),
    Convolution(5, 5, 1, 1, 2, kernel=(2, 2), dilation=(2, 3), groups=3),
]


def shapes(case):
    """Of x, w and e."""
    return ((case.height, case.width, case.images, case.group_inputs * case.groups),
            (*case.kernel, case.group_inputs, case.group_outputs * case.groups),
            (*case.output_size, case.images, case.group_outputs * case.groups))


def drawn_words(rng, bits, shape):
    """Words but -0, zero among them."""
    legal = [word for word in range(1 << bits) if word != 1 << bits - 1]
    return rng.choice(np.array(legal, np.uint8), shape)


def operands(case, seed, x_bits, w_bits):
    """x, w, e: words where there are bits, else integers of 8 bits."""
    rng = np.random.default_rng(seed)

    def one(shape, bits):
        return drawn_words(rng, bits, shape) if bits else rng.integers(-127, 128, shape).astype(np.int8)

    return [one(shape, bits) for shape, bits in zip(shapes(case), (x_bits, w_bits, 0))]


def by_shifts(case, x, w, e, x_bits, w_bits):
    """[forward, error or None, gradient or None]: those that have an operand of powers."""
    y, below, g = (np.empty(t.shape, np.int64) for t in (e, x, w))
    window, found = case.window, [y, None, None]
    shift_products.shift_forward(y, x, w, x_bits, w_bits, **window)
    if w_bits:
        shift_products.shift_error(below, e, w, w_bits, **window)
        found[1] = below
    if x_bits:
        shift_products.shift_gradient(g, x, e, x_bits, **window)
        found[2] = g
    return found


def integers(words, bits):
    return PowerOfTwo(bits).codes(words) if bits else words


BITS = [(4, 4), (0, 3), (5, 0), (2, 5)]
each_bits = pytest.mark.parametrize("x_bits, w_bits", BITS)


@each_bits
@pytest.mark.parametrize("case", TINY)
def test_the_definition_is_the_sum_of_products(case, x_bits, w_bits):
    x, w, e = operands(case, 1, x_bits, w_bits)
    a, b, r = ([oracle_power.value(int(v), bits) if bits else int(v) for v in t.ravel()]
               for t, bits in ((x, x_bits), (w, w_bits), (e, 0)))
    sums = [np.zeros(t.shape, object) for t in (e, x, w)]
    for at_x, at_w, at_y in oracle_power.terms(x.shape, w.shape, e.shape, **case.window):
        u, v, s = (values[np.ravel_multi_index(at, t.shape)]
                   for values, at, t in ((a, at_x, x), (b, at_w, w), (r, at_y, e)))
        sums[0][at_y] += u * v
        sums[1][at_x] += s * v
        sums[2][at_w] += u * s
    for got, want in zip(by_shifts(case, x, w, e, x_bits, w_bits), sums):
        assert got is None or got.tolist() == want.tolist()


def assert_backend(kernels, case, seed, x_bits, w_bits):
    """The integers of the words multiply to the same sums."""
    x, w, e = operands(case, seed, x_bits, w_bits)
    a, b = integers(x, x_bits), integers(w, w_bits)
    w_max = PowerOfTwo(w_bits).maximum if w_bits else 127
    results = [np.empty(t.shape, np.int64) for t in (e, x, w)]
    kernels.conv2d_forward(results[0], a, b, **case.window, w_max=w_max)
    kernels.conv2d_error(results[1], e, b, **case.window, w_max=w_max)
    kernels.conv2d_gradient(results[2], a, e, **case.window)
    for got, want in zip(results, by_shifts(case, x, w, e, x_bits, w_bits)):
        assert want is None or np.array_equal(got, want)


@each_bits
@each_backend
def test_every_backend_equals_the_shifts(kernels, x_bits, w_bits):
    for seed, case in enumerate([*TINY, Convolution(6, 5, 3, 17, 9, (3, 2), padding=(1, 1, 0, 1)),
                                 Convolution(1, 1, 5, 70, 33)]):
        assert_backend(kernels, case, seed, x_bits, w_bits)


@settings(max_examples=12)
@given(case=convolutions(), bits=st.sampled_from(BITS), seed=st.integers(0, 99))
def test_any_convolution(case, bits, seed):
    assert_backend(KERNELS["portable"], case, seed, *bits)


# whole steps -----------------------------------------------------------------------------------


def net():
    """Sums of powers and wide codes, a mean of powers, a norm behind them, a matrix product."""
    return Sequential(
        Conv2d(4, 3, padding=1), BatchNorm2d(), ReLU(), Requantize(),
        Residual(Conv2d(4, 3, padding=1), BatchNorm2d()), ReLU(), Requantize(),
        BatchNorm2d(), ReLU(), Requantize(), MaxPool2d(2), AvgPool2d(2),
        Flatten(), Linear(5), ReLU(), Requantize(), Linear(3),
    )


@pytest.mark.parametrize("bits", ["4-4-16-16", "2-5-6-6", "1-4-32-8", "3-1-32-32"])
def test_a_training_by_shifts_has_the_same_digest(bits):
    rng, digests = np.random.default_rng(0), []
    images, labels = rng.integers(0, 256, (6, 2, 8, 8), np.uint8), rng.integers(0, 3, 6)
    kernels = load("portable", 1)
    for products in (ops.Products, ops.ShiftProducts):
        trainer = Trainer(net(), bits, "qnn", input_shape=(2, 8, 8), batch_size=6, seed=1,
                          options="quantizer=log", kernels=kernels)
        trainer.network.products = products(kernels)
        for _ in range(2):
            trainer.step(images, labels)
        outputs = trainer.evaluate(images, labels)[0]
        digests.append((trainer.digest(), outputs.tolist()))
    assert digests[0] == digests[1]


def test_widths_of_sums_are_proven_from_the_powers():
    """100 products of 64 by 64 take 20 bits, sign included; as codes of 8 bits they would take 22."""
    powers = PowerOfTwo(4)
    assert ops.bound_bits(powers, powers, 100) == (100 * 64 * 64).bit_length() + 1 == 20
    assert ops.accumulator(powers, powers, 100).bits == (100 * 127 * 127).bit_length() + 1 == 22


@pytest.mark.parametrize("word", [8, 16])
def test_words_that_are_none(word):
    w = np.array([[[[word]]]], np.uint8)
    out, x = np.empty((1, 1, 1, 1), np.int64), np.ones((1, 1, 1, 1), np.int8)
    with pytest.raises(RangeError, match="a word has 4 bits and -0 is none"):
        shift_products.shift_forward(out, x, w, 0, 4, **Convolution(1, 1, 1, 1, 1).window)


def test_integers_on_both_sides_are_refused():
    x = np.ones((1, 1, 1, 1), np.int8)
    with pytest.raises(ShapeError, match="words on one side at least"):
        shift_products.shift_forward(
            np.empty((1, 1, 1, 1), np.int64), x, x, 0, 0, **Convolution(1, 1, 1, 1, 1).window)
