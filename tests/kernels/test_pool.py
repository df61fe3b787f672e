"""Pooling against loops over single numbers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError
from intflow.kernels import load

from kernels.cases import backends

every_backend = pytest.mark.parametrize("kernels", **backends(2))
NO_PADDING = 0, 0, 0, 0


@st.composite
def windows(draw):
    """(input H and W, kernel_size, stride, padding): at least one window, none all padding."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k - 1)) for k in (kernel[0],) * 2 + (kernel[1],) * 2)
    size = tuple(draw(st.integers(k, k + 5)) for k in kernel)
    return size, kernel, stride, padding


def outputs(size, kernel, stride, padding):
    padded = size[0] + padding[0] + padding[1], size[1] + padding[2] + padding[3]
    return tuple((s - k) // t + 1 for s, k, t in zip(padded, kernel, stride))


def taps(place, size, kernel, stride, padding):
    """(number, h, w) inside the image, for one output pixel."""
    for number in range(kernel[0] * kernel[1]):
        h = place[0] * stride[0] + number // kernel[1] - padding[0]
        w = place[1] * stride[1] + number % kernel[1] - padding[2]
        if 0 <= h < size[0] and 0 <= w < size[1]:
            yield number, h, w


@every_backend
@settings(max_examples=40)
@given(window=windows(), seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([1, 3, 2**30]))
def test_max_pool(kernels, window, seed, spread):
    """The largest, the first of equals; errors go there and add up. Few codes make many ties."""
    size, kernel, stride, padding = window
    rng = np.random.default_rng(seed)
    x = rng.integers(-spread - 3, spread - 3, (*size, 2, 3)).astype(np.int32)
    shape = (*outputs(size, kernel, stride, padding), 2, 3)
    out, winner = np.zeros(shape, np.int32), np.zeros(shape, np.uint8)
    e = rng.integers(-127, 128, shape).astype(np.int8)
    below = np.full(x.shape, 85, np.int16)
    kernels.max_pool2d(out, winner, x, kernel, stride, padding)
    kernels.max_pool2d_backward(below, e, winner, kernel, stride, padding)

    wanted = np.zeros(x.shape, np.int64)
    for oh, ow, n, c in np.ndindex(*shape):
        inside = list(taps((oh, ow), size, kernel, stride, padding))
        # max() keeps the first of equal ones
        number, h, w = max(inside, key=lambda tap: int(x[tap[1], tap[2], n, c]))
        assert (out[oh, ow, n, c], winner[oh, ow, n, c]) == (x[h, w, n, c], number)
        wanted[h, w, n, c] += int(e[oh, ow, n, c])
    np.testing.assert_array_equal(below, wanted)


@every_backend
@settings(max_examples=40)
@given(window=windows(), seed=st.integers(0, 2**32 - 1), lshift=st.integers(0, 12))
def test_avg_pool(kernels, window, seed, lshift):
    size, kernel, stride, padding = window
    count = kernel[0] * kernel[1]
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, (*size, 2, 3)).astype(np.int32)
    shape = (*outputs(size, kernel, stride, padding), 2, 3)
    out, e = np.zeros(shape, np.int32), rng.integers(-127, 128, shape).astype(np.int8)
    below = np.full(x.shape, 85, np.int32)
    kernels.avg_pool2d(out, x, kernel, stride, padding, lshift)
    kernels.avg_pool2d_backward(below, e, kernel, stride, padding, lshift)

    wanted = np.zeros(x.shape, np.int64)
    for oh, ow, n, c in np.ndindex(*shape):
        inside = list(taps((oh, ow), size, kernel, stride, padding))
        total = sum(int(x[h, w, n, c]) for _, h, w in inside)
        assert out[oh, ow, n, c] == round(Fraction(total << lshift, count))
        for _, h, w in inside:
            wanted[h, w, n, c] += round(Fraction(int(e[oh, ow, n, c]) << lshift, count))
    np.testing.assert_array_equal(below, wanted)


@every_backend
def test_padding_never_wins(kernels):
    x = np.full((2, 2, 1, 1), -2**31, np.int32)
    out, winner = np.zeros((2, 2, 1, 1), np.int32), np.zeros((2, 2, 1, 1), np.uint8)
    kernels.max_pool2d(out, winner, x, (3, 3), (1, 1), (1, 1, 1, 1))
    assert (out == -2**31).all()
    assert winner.ravel().tolist() == [4, 3, 1, 0]


@every_backend
@pytest.mark.parametrize("values, mean", [
    ((1, 2, 3, 4), 2), ((1, 2, 3, 8), 4), ((-1, -2, -3, -4), -2), ((-1, -2, -3, -8), -4),
    ((2**31 - 1,) * 4, 2**31 - 1), ((-2**31,) * 4, -2**31)])
def test_means_round_half_even(kernels, values, mean):
    x, out = np.array(values, np.int32).reshape(2, 2, 1, 1), np.zeros((1, 1, 1, 1), np.int32)
    kernels.avg_pool2d(out, x, (2, 2), (2, 2), NO_PADDING, 0)
    assert out.item() == mean


def test_the_reference_checks():
    reference = load("reference")
    x = np.zeros((4, 4, 1, 1), np.int8)
    small, winner = np.zeros((2, 2, 1, 1), np.int8), np.zeros((2, 2, 1, 1), np.uint8)
    with pytest.raises(ShapeError, match=r"windows \(3, 3, 1, 1\), got \(2, 2, 1, 1\)"):
        reference.max_pool2d(small, winner, x, (2, 2), (1, 1), NO_PADDING)
    with pytest.raises(ShapeError, match="padding alone"):
        reference.max_pool2d(np.zeros((6, 4, 1, 1), np.int8), np.zeros((6, 4, 1, 1), np.uint8), x,
                             (1, 1), (1, 1), (1, 1, 0, 0))
    below, e = np.zeros((3, 3, 1, 1), np.int8), np.full((2, 2, 1, 1), 100, np.int8)
    winner = np.array([3, 2, 1, 0], np.uint8).reshape(2, 2, 1, 1)
    with pytest.raises(RangeError, match="400 does not fit int8"):
        reference.max_pool2d_backward(below, e, winner, (2, 2), (1, 1), NO_PADDING)
    with pytest.raises(RangeError, match="does not fit int8"):
        reference.avg_pool2d_backward(below, e, (2, 2), (1, 1), NO_PADDING, 2)
