"""ReLU, masks and aligned sums: small domains whole, in place, and the ends of the widths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError
from intflow.kernels import load

from kernels.cases import LARGE, backends

every_backend = pytest.mark.parametrize("kernels", **backends(2))
EVERY_S8 = np.arange(-128, 128, dtype=np.int8)


@every_backend
@pytest.mark.parametrize("dtype", ["i1", "i4"])
def test_relu_of_every_byte(kernels, dtype):
    x = EVERY_S8.astype(dtype)
    out, mask = np.full_like(x, 85), np.full(256, 85, np.uint8)
    kernels.relu(out, mask, x)
    assert out.tolist() == [max(int(v), 0) for v in x]
    assert mask.tolist() == [int(v > 0) for v in x]


@every_backend
@pytest.mark.parametrize("size", [256, LARGE])
def test_mask_in_place(kernels, size):
    e = np.resize(EVERY_S8, size)
    mask = (np.arange(size) % 3 == 0).astype(np.uint8)
    wanted = np.where(mask, e, 0)
    kernels.apply_mask(e, e, mask)
    np.testing.assert_array_equal(e, wanted)


@every_backend
def test_any_mask_but_zero_passes(kernels):
    e = np.full(256, 7, np.int8)
    kernels.apply_mask(e, e.copy(), np.arange(256, dtype=np.uint8))
    assert e.tolist() == [0] + [7] * 255


@every_backend
@given(data=st.data())
def test_aligned_sums_are_exact(kernels, data):
    """Any s32 operands and shifts whose sums fit s64."""
    s32 = st.integers(-2**31, 2**31 - 1)
    pairs = data.draw(st.lists(st.tuples(s32, s32), min_size=1, max_size=9))
    left, right = data.draw(st.tuples(st.integers(0, 31), st.integers(0, 30)))
    a, b = (np.array(column, np.int32) for column in zip(*pairs))
    out = np.zeros(len(a), np.int64)
    kernels.add_aligned(out, a, left, b, right)
    assert out.tolist() == [(x << left) + (y << right) for x, y in pairs]


@every_backend
def test_zeros_align_by_any_shift(kernels):
    out, zeros, b = np.zeros(9, np.int32), np.zeros(9, np.int32), np.arange(9, dtype=np.int32)
    kernels.add_aligned(out, zeros, 99, b, 0)
    assert out.tolist() == b.tolist()


def test_the_reference_checks():
    reference = load("reference")
    x = np.full(3, 2**30, np.int32)
    with pytest.raises(RangeError, match="2147483648 does not fit int32"):
        reference.add_aligned(np.zeros(3, np.int32), x, 0, x, 0)
    with pytest.raises(ShapeError):
        reference.relu(np.zeros(3, np.int32), np.zeros(2, np.uint8), x)
    with pytest.raises(ShapeError):
        reference.apply_mask(np.zeros(3, np.int32), x, np.zeros(2, np.uint8))


def test_sizes_that_disagree_are_refused_by_every_backend():
    kernels = load("auto", 1)
    with pytest.raises(ValueError):
        kernels.relu(np.zeros(3, np.int32), np.zeros(2, np.uint8), np.zeros(3, np.int32))
