"""Packed binary tensors and masks: words stand for codes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError, ShapeError
from intflow.formats import Binary, BitMask, Fixed, Packed
from intflow.formats.packed import packed, unpacked

import oracle_bits


@given(st.lists(st.integers(0, 1), min_size=1, max_size=200))
def test_words_of_bits(bits):
    words = packed(np.array([bits], np.uint8))
    assert words.tolist() == [oracle_bits.words(bits)]
    assert unpacked(words, len(bits)).tolist() == [bits]


@pytest.mark.parametrize("axes, shape", [
    ("HWNC", (2, 3, 4, 70)), ("NC", (5, 64)), ("HWIO", (3, 2, 65, 7)), ("IO", (1, 9))])
def test_stands_for_its_codes(axes, shape):
    codes = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), shape)
    at = axes.index("C" if "C" in axes else "I")
    words = np.moveaxis(packed(np.moveaxis(codes > 0, at, -1)), -1, at)
    tensor = Packed(words, shape[at], Binary(), axes)
    assert tensor.shape == shape and tensor.codes.dtype == np.int8
    np.testing.assert_array_equal(tensor.codes, codes)
    order = {"HWNC": (2, 3, 0, 1), "NC": (0, 1), "HWIO": (3, 2, 0, 1), "IO": (1, 0)}[axes]
    np.testing.assert_array_equal(tensor.logical(), codes.transpose(order))
    assert tensor.check() is tensor


def test_a_mask_counts_its_elements():
    mask = BitMask(packed(np.array([[1, 0, 1], [1, 1, 1]], np.uint8)), 3)
    assert (mask.size, mask.ones()) == (6, 5)
    assert mask.unpack().tolist() == [[1, 0, 1], [1, 1, 1]]


def test_what_packed_refuses():
    words = np.zeros((2, 1), np.uint64)
    with pytest.raises(FormatError, match="u64 words of binary codes, got s8"):
        Packed(words, 3, Fixed(8, 0), "NC")
    with pytest.raises(FormatError, match="in int64; binarize first"):
        Packed(words.astype(np.int64), 3, Binary(), "NC")
    with pytest.raises(ShapeError, match="65 bits take 2 words along axis 1"):
        Packed(words, 65, Binary(), "NC")
    with pytest.raises(ShapeError, match="HWNC, NC, HWIO, IO.*got CN"):
        Packed(words, 3, Binary(), "CN")


def test_frac_bits_of_a_binary_format():
    assert Binary().frac_bits == 0
    assert Binary(Fraction(1, 8)).frac_bits == 3 and Binary(Fraction(4)).frac_bits == -2
    with pytest.raises(FormatError, match="no power of two"):
        Binary(Fraction(1, 3)).frac_bits
