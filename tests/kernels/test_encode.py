"""All 256 pixels through both encodings, the layout, and resizing against Fractions."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.data.encode import symmetric_table, unit_table
from intflow.errors import RangeError, ShapeError
from intflow.kernels import load

from kernels.cases import backends

every_backend = pytest.mark.parametrize("kernels", **backends(1))
EVERY_PIXEL = np.arange(256, dtype=np.uint8).reshape(2, 2, 4, 16)


def encoded(kernels, table, dtype):
    """pixel -> code, from an image that holds every pixel once."""
    out = np.zeros((4, 16, 2, 2), dtype)
    kernels.encode_images(out, EVERY_PIXEL, table)
    return dict(zip(EVERY_PIXEL.transpose(2, 3, 0, 1).ravel().tolist(), out.ravel().tolist()))


@every_backend
@pytest.mark.parametrize("dtype", ["i1", "i2"])
def test_symmetric_codes(kernels, dtype):
    """Acceptance (a): a = clip(u - 128 + [u >= 128], -127, 127) for all 256 u."""
    wanted = {u: min(max(u - 128 + (u >= 128), -127), 127) for u in range(256)}
    assert encoded(kernels, symmetric_table(8), dtype) == wanted


@every_backend
def test_unit_codes(kernels):
    """Acceptance (a): min(half_even(u / 2), 127)."""
    wanted = {u: min(round(Fraction(u, 2)), 127) for u in range(256)}
    assert encoded(kernels, unit_table(8), "i1") == wanted


@every_backend
@settings(max_examples=40)
@given(shape=st.tuples(*[st.integers(1, 4)] * 2, st.integers(1, 9), st.integers(1, 70)))
def test_layout(kernels, shape):
    """out[h, w, n, c] of images[n, c, h, w]."""
    images = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    out = np.zeros((*shape[2:], *shape[:2]), np.int16)
    kernels.encode_images(out, images, np.arange(-100, 156, dtype=np.int16))
    np.testing.assert_array_equal(out, images.transpose(2, 3, 0, 1).astype(np.int16) - 100)


@every_backend
def test_centres(kernels):
    """out[h, w, n, c] = images[n, c, h, w] - centres[c], every pixel at once."""
    centres = np.array([124, 0], np.int16)
    out = np.zeros((4, 16, 2, 2), np.int16)
    kernels.centre_images(out, EVERY_PIXEL, centres)
    wanted = EVERY_PIXEL.astype(int) - centres.reshape(1, 2, 1, 1)
    np.testing.assert_array_equal(out, wanted.transpose(2, 3, 0, 1))


def resized(kernels, images, size):
    images = np.asarray(images, np.uint8)
    out = np.full((*images.shape[:2], *size), 85, np.uint8)
    kernels.resize_bilinear(out, images)
    return out


def sample(row, size, place):
    """Weights of a row's pixels at output `place` of `size`: the formula, one pixel at a time."""
    position = Fraction(2 * place + 1) * len(row) / (2 * size) - Fraction(1, 2)
    position = min(max(Fraction(floor(position * 2**16), 2**16), 0), len(row) - 1)
    first = floor(position)
    return first, min(first + 1, len(row) - 1), position - first


@every_backend
@settings(max_examples=40)
@given(st.tuples(*[st.integers(1, 6)] * 4), st.integers(0, 2**32 - 1))
def test_resize_against_fractions(kernels, sizes, seed):
    high, wide, *size = sizes
    image = np.random.default_rng(seed).integers(0, 256, (high, wide)).tolist()
    got = resized(kernels, [[image]], size)[0, 0].tolist()
    for y in range(size[0]):
        for x in range(size[1]):
            (i, j, f), (k, m, g) = sample(image, size[0], y), sample(image[0], size[1], x)
            top = image[i][k] * (1 - g) + image[i][m] * g
            bottom = image[j][k] * (1 - g) + image[j][m] * g
            assert got[y][x] == floor(top * (1 - f) + bottom * f + Fraction(1, 2))


@every_backend
def test_resize_examples(kernels):
    row = [[[[0, 100]]]]
    assert resized(kernels, row, (1, 4)).ravel().tolist() == [0, 25, 75, 100]
    assert resized(kernels, row, (1, 1)).item() == 50
    assert resized(kernels, row, (3, 2)).ravel().tolist() == [0, 100] * 3


@every_backend
def test_same_size_is_the_same_image(kernels):
    images = np.random.default_rng(2).integers(0, 256, (2, 3, 17, 40), np.uint8)
    np.testing.assert_array_equal(resized(kernels, images, (17, 40)), images)


@every_backend
@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_a_flat_image_stays_flat(kernels, value):
    assert (resized(kernels, np.full((1, 1, 7, 5), value), (13, 28)) == value).all()


def test_the_reference_checks():
    reference = load("reference")
    with pytest.raises(RangeError, match="128 does not fit int8"):
        encoded(reference, np.full(256, 128, np.int16), "i1")
    with pytest.raises(ShapeError, match=r"out \(4, 16, 2, 2\)"):
        wrong, table = np.zeros((2, 2, 4, 16), np.int8), np.zeros(256, np.int16)
        reference.encode_images(wrong, EVERY_PIXEL, table)
    with pytest.raises(RangeError, match="255 does not fit int8"):
        reference.centre_images(np.zeros((4, 16, 2, 2), np.int8), EVERY_PIXEL, np.zeros(2, np.int16))
    with pytest.raises(ShapeError, match=r"centres \(2,\)"):
        reference.centre_images(np.zeros((4, 16, 2, 2), np.int16), EVERY_PIXEL, np.zeros(3, np.int16))
    with pytest.raises(ShapeError):
        resized(reference, np.zeros((1, 1, 0, 4)), (2, 2))
