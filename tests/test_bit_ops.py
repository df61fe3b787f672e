"""Signs, masks and products by bits as operations on tensors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow import ops
from intflow.errors import FormatError, ShapeError
from intflow.formats import Binary, Fixed, Packed, Tensor
from intflow.kernels import load
from intflow.ops import bit_products
from intflow.random_streams import Address

import oracle_bits

KERNELS = load("auto", 1)
REFERENCE = load("reference")
SUMS = Fixed(32, 2, symmetric=True)                 # 1 is the code 4


def tensor(codes, fmt=SUMS, axes="NC", dtype=np.int32):
    return Tensor(np.array(codes, dtype), fmt, axes)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=70))
def test_signs_and_masks(row):
    x = tensor([row])
    signs, mask = ops.binarize_masked(KERNELS, x)
    want = [[oracle_bits.sign(code) for code in row]]
    assert signs.codes.tolist() == want == ops.binarize(KERNELS, x).codes.tolist()
    assert mask.unpack().tolist() == [[int(abs(code) <= 4) for code in row]]
    error = ops.mask_error(KERNELS, tensor([row]), mask)
    assert error.codes.tolist() == [[code if abs(code) <= 4 else 0 for code in row]]
    assert ops.pack(KERNELS, ops.unpack(KERNELS, signs)).words.tolist() == signs.words.tolist()


@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("threshold", range(-4, 5))
def test_every_threshold(threshold, flip):
    """x >= t, for every x around t; the sign is the threshold 0."""
    x = tensor([[code] for code in range(-6, 7)])
    got = ops.binarize_above(KERNELS, x, np.array([threshold]), np.array([flip], np.uint8))
    want = [[oracle_bits.sign(code - threshold) * (-1 if flip else 1)] for code in range(-6, 7)]
    assert got.codes.tolist() == want


@pytest.mark.parametrize("kernels", [KERNELS, REFERENCE], ids=["auto", "reference"])
def test_stochastic_signs_draw_by_address(kernels):
    """+1 where x + 4 > R, R the three top bits of the element's draw."""
    codes = np.resize(np.arange(-5, 6), (7, 66))
    drawn = np.empty(7 * 66, np.uint32)
    kernels.random_u32(drawn, 11, "binarize", 5, 2, 3 * 66)
    address = Address(11, "binarize", 5, 2, first=3)
    signs, mask = ops.binarize_drawn(kernels, tensor(codes), address)
    want = [oracle_bits.sign(x + 4 - (int(r) >> 29) - 1) for x, r in zip(codes.ravel(), drawn)]
    assert signs.codes.ravel().tolist() == want
    assert mask.unpack().tolist() == (abs(codes) <= 4).astype(int).tolist()


def test_stochastic_signs_of_weights():
    """Draws run over the weight as it lies in memory."""
    master = np.random.default_rng(6).integers(-5, 6, (66, 3)).astype(np.int16)
    drawn = np.empty(master.size, np.uint32)
    KERNELS.random_u32(drawn, 1, "weight", 2, 3)
    weight, address = Tensor(master, Fixed(4, 2), "IO"), Address(1, "weight", 2, 3)
    w, mask = ops.binarize_drawn(KERNELS, weight, address)
    want = [oracle_bits.sign(x + 4 - (int(r) >> 29) - 1)
            for x, r in zip(master.ravel().tolist(), drawn)]
    assert mask is None and w.codes.ravel().tolist() == want


def binary(seed, shape, axes):
    codes = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), shape)
    return Tensor(codes, Binary(), axes)


@pytest.mark.parametrize("quick", [(1, 1 << 60), (1 << 60, 1)], ids=["bits", "bytes"])
@pytest.mark.parametrize("fmt", [Binary(), Fixed(2, 0), Fixed(3, 1, signed=False), Fixed(8, 0)])
def test_bits_and_bytes_are_the_same_product(monkeypatch, quick, fmt):
    """Whatever the chooser says, for packed operands and for bytes."""
    monkeypatch.setattr(bit_products, "speeds", lambda kernels: quick)
    rng = np.random.default_rng(1)
    x = rng.choice([-1, 1], (4, 5, 2, 70)) if fmt.bits == 1 else rng.integers(
        fmt.minimum, fmt.maximum, (4, 5, 2, 70), endpoint=True)
    x = Tensor(x.astype(fmt.dtype), fmt, "HWNC")
    if fmt == Fixed(8, 0):
        x.codes[x.codes == -128] = 0
    w, window = binary(2, (3, 3, 70, 20), "HWIO"), ops.Window.of(3, padding=1)
    want = oracle_bits.convolve(x.codes.tolist(), w.codes.tolist(), (4, 5), (1, 1), (1, 1, 1, 1),
                                (1, 1), 1)
    for weight in (w, ops.pack(KERNELS, w)):
        y = ops.conv2d(KERNELS, x, weight, window)
        assert y.codes.tolist() == want and y.format.frac_bits == fmt.frac_bits


def test_error_and_gradient_of_packed_operands():
    x, w = binary(1, (6, 70), "NC"), binary(2, (70, 9), "IO")
    e = tensor(np.random.default_rng(3).integers(-127, 128, (6, 9)), Fixed(8, 7, symmetric=True),
               dtype=np.int8)
    small, few, window = ops.pack(KERNELS, x), ops.pack(KERNELS, w), ops.Window((1, 1))
    error = ops.conv2d_error(KERNELS, e, few, window, small.shape)
    gradient = ops.conv2d_gradient(KERNELS, small, e, window, few.shape)
    wide = e.codes.astype(np.int64)
    np.testing.assert_array_equal(error.codes, wide @ w.codes.T)
    np.testing.assert_array_equal(gradient.codes, x.codes.T.astype(np.int64) @ wide)


def test_weights_are_packed_along_their_inputs():
    master = np.random.default_rng(4).integers(-3, 4, (3, 2, 65, 5)).astype(np.int16)
    w = ops.binarize_weight(KERNELS, Tensor(master, Fixed(13, 12), "HWIO"))
    assert isinstance(w, Packed) and w.words.shape == (3, 2, 2, 5)
    np.testing.assert_array_equal(w.codes, np.where(master >= 0, 1, -1))


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 70))
def test_flatten_keeps_bits(height, width, images, channels):
    x = binary(5, (height, width, images, channels), "HWNC")
    flat = ops.flatten_bits(KERNELS, ops.pack(KERNELS, x))
    assert isinstance(flat, Packed)
    np.testing.assert_array_equal(flat.codes, ops.flatten(x).codes)


def test_sizes_in_memory():
    """One bit an activation and one a mask element: 1/32 of fp32 each."""
    x = tensor(np.zeros((10, 2048)))
    signs, mask = ops.binarize_masked(KERNELS, x)
    assert signs.words.nbytes * 32 == mask.words.nbytes * 32 == 10 * 2048 * 4


def test_what_is_refused():
    with pytest.raises(FormatError, match="pack takes binary codes, got s32"):
        ops.pack(KERNELS, tensor([[1]], Fixed(32, 0)))
    with pytest.raises(FormatError, match="steps of 1 to 2\\*\\*-31"):
        ops.binarize_drawn(KERNELS, tensor([[1]], Fixed(32, 32)), None)
    with pytest.raises(FormatError, match="no code for 1"):
        ops.binarize_masked(KERNELS, tensor([[1]], Fixed(32, -1)))
    with pytest.raises(ShapeError, match="packed along C"):
        ops.binarize(KERNELS, tensor([[1]], axes="IO"))
