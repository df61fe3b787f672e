"""Fused products equal the chain of reference kernels, on every backend."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import ShapeError
from intflow.formats import Rounding
from intflow.kernels import load

from kernels.products import Convolution, convolutions, product_kernels

REFERENCE = load("reference")
KERNELS, PAIRS = product_kernels(), product_kernels(threads=2)
each_backend = pytest.mark.parametrize("backend", KERNELS)
DETERMINISTIC = [how for how in Rounding if how is not Rounding.STOCHASTIC]


class After(NamedTuple):
    """What follows the product."""

    pool: tuple = None
    relu: bool = True
    bias: bool = False
    rshift: int = 7
    rounding: Rounding = Rounding.HALF_EVEN
    bits: int = 8
    backward: bool = True


def requantized(kernels, case, after, x, w):
    """(out, passed, winner), each over something else."""
    oh, ow = case.output_size
    if after.pool:
        (kh, kw), (sh, sw), (top, bottom, left, right) = after.pool
        oh, ow = (oh + top + bottom - kh) // sh + 1, (ow + left + right - kw) // sw + 1
    shape = (oh, ow, case.images, w.shape[3])
    most = 2 ** (after.bits - 1) - 1
    out = np.full(shape, 85, np.int8 if after.bits <= 8 else np.int16)
    passed = winner = None
    if after.backward:
        passed = np.full((1 + after.relu, *shape[:3], -(-shape[3] // 8)), 85, np.uint8)
        winner = np.full(shape, 85, np.uint8) if after.pool else None
    bias = np.arange(shape[3], dtype=np.int32) * 37 - 300 if after.bias else None
    kernels.conv2d_requantized(
        out, passed, winner, x, w, **case.window, pool=after.pool, relu=after.relu, bias=bias,
        rshift=after.rshift, rounding=after.rounding, minimum=-most, maximum=most,
        w_max=case.w_max, wide=case.wide or case.bounds[0] + 2**20 >= 2**31)
    return out, passed, winner


def masked(kernels, case, e, w, passed):
    """(out, largest)."""
    shape = (case.height, case.width, case.images, case.group_inputs * case.groups)
    wide = case.wide or case.bounds[1] >= 2**31
    out = np.full(shape, 85, np.int64 if wide else np.int32)
    largest = kernels.conv2d_error_masked(out, e, w, **case.window, passed=passed,
                                          w_max=case.w_max)
    return out, largest


def same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def random_bits(rng, shape):
    """A packed mask of elements of this shape, bits past the last channel 0."""
    return np.packbits(rng.integers(0, 2, shape, np.uint8), axis=-1, bitorder="little")


@st.composite
def afters(draw, case):
    """Something to follow a convolution; half the pools are 2x2 with stride 2."""
    oh, ow = case.output_size
    kernel = (draw(st.integers(1, min(3, oh))), draw(st.integers(1, min(3, ow))))
    pool = draw(st.sampled_from([None, "disjoint", "any"]))
    if pool == "disjoint":
        pool = (kernel, kernel, (0, 0, 0, 0))
    elif pool == "any":
        stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        sides = [draw(st.integers(0, k - 1)) for k in kernel for _ in range(2)]
        pool = (kernel, stride, tuple(sides))
    return After(pool, *draw(st.tuples(st.booleans(), st.booleans())), draw(st.integers(-2, 26)),
                 draw(st.sampled_from(DETERMINISTIC)), draw(st.sampled_from([2, 8, 12])),
                 draw(st.booleans()))


@each_backend
@settings(max_examples=25)
@given(data=st.data(), case=convolutions(), seed=st.integers(0, 99))
def test_requantized_equals_the_chain(backend, data, case, seed):
    after = data.draw(afters(case))
    x, w, _ = case.operands(seed)
    got = requantized(KERNELS[backend], case, after, x, w)
    want = requantized(REFERENCE, case, after, x, w)
    same([a for a in got if a is not None], [a for a in want if a is not None])


@each_backend
@settings(max_examples=15)
@given(case=convolutions(), seed=st.integers(0, 99), everything=st.booleans())
def test_masked_error_equals_the_chain(backend, case, seed, everything):
    x, w, e = case.operands(seed)
    passed = None if everything else random_bits(np.random.default_rng(seed), x.shape)
    same(masked(KERNELS[backend], case, e, w, passed), masked(REFERENCE, case, e, w, passed))


POOL = ((2, 2), (2, 2), (0, 0, 0, 0))
CORNERS = {
    "vgg": (Convolution(6, 6, 20, 24, 40, kernel=(3, 3), padding=(1,) * 4, w_max=1), After(POOL)),
    "odd pixels": (Convolution(7, 5, 19, 16, 33, kernel=(3, 3), padding=(1,) * 4),
                   After(POOL, bias=True)),
    "pool of 3": (Convolution(8, 10, 17, 9, 12, kernel=(2, 2)), After(((3, 4), (3, 4), (0,) * 4))),
    "first layer": (Convolution(11, 9, 33, 3, 20, kernel=(5, 5), stride=(2, 1)),
                    After(((2, 1), (2, 1), (0,) * 4), relu=False)),
    "linear": (Convolution(1, 1, 33, 300, 70, w_max=1), After(rshift=9)),
    "classes": (Convolution(1, 1, 9, 30, 10), After(relu=False, bias=True, bits=16)),
    "groups": (Convolution(4, 4, 9, 8, 16, kernel=(3, 3), groups=3), After(bias=True)),
    "groups between bytes": (Convolution(4, 4, 9, 8, 12, groups=3), After(bias=True)),
    "unsigned": (Convolution(4, 4, 19, 33, 35, kernel=(3, 3), padding=(1,) * 4, unsigned=True),
                 After(POOL)),
    "no shift": (Convolution(3, 3, 5, 4, 9, x_max=3, w_max=3), After(rshift=0)),
    "s64": (Convolution(5, 4, 10, 70, 40, kernel=(3, 3), wide=True), After(POOL, bias=True)),
    "overlapping": (Convolution(7, 7, 5, 8, 9), After(((3, 3), (2, 2), (1, 1, 0, 1)))),
}


@each_backend
@pytest.mark.parametrize("name", CORNERS)
def test_corners(backend, name, monkeypatch):
    """Two tasks, and every blocking at work."""
    from intflow.kernels.jit import product_sizes

    monkeypatch.setattr(product_sizes, "SMALL", 0)
    for limit in ("CHUNK_BYTES", "ROWS_BYTES"):
        monkeypatch.setattr(product_sizes, limit, 3000)
    case, after = CORNERS[name]
    x, w, e = case.operands(1)
    passed = random_bits(np.random.default_rng(2), x.shape)
    got = requantized(PAIRS[backend], case, after, x, w)
    want = requantized(REFERENCE, case, after, x, w)
    same([a for a in got if a is not None], [a for a in want if a is not None])
    same(masked(PAIRS[backend], case, e, w, passed), masked(REFERENCE, case, e, w, passed))


@pytest.mark.parametrize("how", DETERMINISTIC)
@pytest.mark.parametrize("rshift", [0, 1, 2, 5])
def test_every_sum_is_rounded_as_by_requantize(how, rshift):
    """All sums from -300 to 300: one product by 1 each."""
    case = Convolution(1, 1, 1, 1, 601, w_max=300)
    x, w = np.ones((1, 1, 1, 1), np.int8), np.arange(-300, 301).astype(np.int16)
    after = After(relu=False, rshift=rshift, rounding=how, bits=4)
    w = w.reshape(1, 1, 1, 601)
    same(requantized(KERNELS["portable"], case, after, x, w)[:2],
         requantized(REFERENCE, case, after, x, w)[:2])


@each_backend
def test_gradient_tells_its_largest(backend):
    case = Convolution(3, 3, 5, 9, 17, kernel=(2, 2))
    x, w, e = case.operands(3)
    for kernels in (KERNELS[backend], REFERENCE):
        out = np.zeros(w.shape, np.int32)
        largest = kernels.conv2d_gradient(out, x, e, **case.window, largest=True)
        assert largest == np.abs(out).max()
        assert kernels.conv2d_gradient(out, x, e, **case.window) is None


def test_by_hand():
    x = np.array([1, 2], np.int8).reshape(1, 1, 1, 2)
    w = np.array([[300], [-4]], np.int16).reshape(1, 1, 2, 1)
    out, passed = np.zeros((1, 1, 1, 1), np.int8), np.zeros((2, 1, 1, 1, 1), np.uint8)
    window = Convolution(1, 1, 1, 1, 1).window
    for kernels in (REFERENCE, *KERNELS.values()):
        kernels.conv2d_requantized(
            out, passed, None, x, w, **window, pool=None, relu=True, bias=np.array([9], np.int32),
            rshift=3, rounding=Rounding.HALF_EVEN, minimum=-127, maximum=127)
        assert out.item() == 38 and passed.ravel().tolist() == [1, 1]
        e, w3 = np.full((1, 1, 1, 1), 5, np.int8), np.array([[3], [-4]], np.int8)
        error = np.zeros(x.shape, np.int32)
        largest = kernels.conv2d_error_masked(
            error, e, w3.reshape(w.shape), **window, passed=np.full((1, 1, 1, 1), 2, np.uint8))
        assert largest == 20 and error.ravel().tolist() == [0, -20]


@each_backend
def test_wrong_masks_are_refused(backend):
    case = Convolution(3, 3, 5, 9, 17)
    x, w, e = case.operands()
    with pytest.raises(ShapeError, match="mask"):
        masked(KERNELS[backend], case, e, w, np.zeros((3, 3, 5, 9), np.uint8))
