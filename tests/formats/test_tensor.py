"""Tensor: refuses floats, knows its axes, checks its codes."""

from fractions import Fraction

import numpy as np
import pytest

from intflow.errors import FormatError, RangeError, ShapeError
from intflow.formats import Binary, Fixed, Minifloat, Tensor

Q07 = Fixed(8, 7)


def numbered(*shape, dtype=np.int16):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


@pytest.mark.parametrize("axes, shape, logical_axes", [
    ("HWNC", (5, 6, 2, 3), "NCHW"), ("HWIO", (3, 2, 4, 5), "OIHW"), ("NC", (4, 3), "NC"),
    ("IO", (4, 3), "OI"), ("NCHW", (2, 3, 5, 6), "NCHW"), ("C", (7,), "C"), ("", (), "")])
def test_logical_order(axes, shape, logical_axes):
    tensor = Tensor(numbered(*shape), Fixed(16, 0), axes)
    logical = tensor.logical()
    assert tensor.logical_axes == logical_axes and logical.flags.c_contiguous
    for index in np.ndindex(shape):
        place = dict(zip(axes, index))
        assert logical[tuple(place[axis] for axis in logical_axes)] == tensor.codes[index]


def test_values():
    tensor = Tensor(np.array([[64, -128]], np.int8), Q07, "NC")
    assert tensor.values().tolist() == [[Fraction(1, 2), Fraction(-1)]]
    eights = Tensor(np.array([60, 188], np.uint8), Minifloat(4, 3), "C")
    assert eights.values().tolist() == [Fraction(3, 2), Fraction(-3, 2)]
    assert Tensor(np.zeros((0, 3), np.int8), Q07, "NC").values().shape == (0, 3)


def test_strided_codes():
    tensor = Tensor(numbered(4, 6)[::2, ::3], Fixed(16, 1), "NC")
    assert tensor.values().tolist() == [[0, Fraction(3, 2)], [6, Fraction(15, 2)]]


@pytest.mark.parametrize("codes", [
    np.zeros((1, 1), np.float32), np.zeros((1, 1)), np.zeros((1, 1), bool),
    np.zeros((1, 1), complex), np.zeros((1, 1), object), [[1]], 1.0, np.float64(1), None])
def test_no_float_enters(codes):
    with pytest.raises(FormatError, match="integer codes, got"):
        Tensor(codes, Q07, "NC")


@pytest.mark.parametrize("axes", ["N", "NCH", "NN", ""])
def test_axes_must_fit(axes):
    with pytest.raises(ShapeError, match="shape"):
        Tensor(np.zeros((1, 1), np.int8), Q07, axes)


def test_check():
    codes = np.array([[0, 1], [-1, 5]], np.int16)
    good = Tensor(codes, Fixed(4, 0), "NC")
    assert good.check() is good
    with pytest.raises(RangeError, match=r"code 5 at \(1, 1\) of axes NC is none of s3"):
        Tensor(codes, Fixed(3, 0), "NC").check()
    with pytest.raises(RangeError, match=r"code 0 at \(0, 0\)"):
        Tensor(codes, Binary(), "NC").check()
    with pytest.raises(RangeError, match="code 127 at"):
        Tensor(np.array([127], np.uint8), Minifloat(4, 3, specials="fn"), "C").check()
    Tensor(np.zeros((0, 2), np.int8), Binary(), "NC").check()


def test_frozen_and_shown():
    tensor = Tensor(numbered(4, 3, dtype=np.int8), Q07, "NC")
    assert repr(tensor) == "Tensor(N=4 C=3, int8, Q0.7)" and tensor.shape == (4, 3)
    with pytest.raises(AttributeError):
        tensor.format = Fixed(8, 6)
