"""Wide to narrow by given draws: against Python integers, the mean of all draws, the checks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError
from intflow.kernels import load

from kernels.cases import backends

every_backend = pytest.mark.parametrize("kernels", **backends(2))
REFERENCE = load("reference")


def narrowed(kernels, acc, rshift, lo, hi, draws, bits, out="i1"):
    """(codes, mask) as lists."""
    out, mask = np.full(len(acc), 85, out), np.full(len(acc), 85, "u1")
    draws = np.array(draws, np.uint32)
    kernels.requantize_drawn(out, mask, acc, rshift, lo, hi, draws, bits)
    alone = np.full(len(acc), 85, out.dtype)
    kernels.requantize_drawn(alone, mask[:0], acc, rshift, lo, hi, draws, bits)
    np.testing.assert_array_equal(out, alone)
    return out.tolist(), mask.tolist()


def expected(value, rshift, lo, hi, draw, bits):
    whole, rest = divmod(abs(value), 2**rshift)
    size = whole + (draw < rest * 2**bits // 2**rshift)
    code = size if value > 0 else -size
    return min(max(code, lo), hi), int(lo * 2**rshift <= value <= hi * 2**rshift)


@every_backend
@settings(max_examples=60)
@given(data=st.data())
def test_against_integers(kernels, data):
    width = data.draw(st.sampled_from([32, 64]))
    first, last = -2**(width - 1), 2**(width - 1) - 1
    ends = st.sampled_from([first, last, -1, 0, 1])
    acc = data.draw(st.lists(st.integers(first, last) | ends | st.integers(-600, 600),
                             min_size=1, max_size=9))
    lo, hi = sorted(data.draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))))
    rshift = data.draw(st.integers(1, 100) | st.integers(1, 10))
    bits = data.draw(st.integers(1, 32))
    random = st.integers(0, 2**bits - 1) | st.sampled_from([0, 2**bits - 1])
    draws = data.draw(st.lists(random, min_size=len(acc), max_size=len(acc)))
    got = narrowed(kernels, np.array(acc, f"i{width // 8}"), rshift, lo, hi, draws, bits)
    wanted = [expected(*one, bits) for one in
              ((v, rshift, lo, hi, r) for v, r in zip(acc, draws, strict=True))]
    assert got == tuple(map(list, zip(*wanted)))


@every_backend
def test_by_hand(kernels):
    """-1.25 with 8 bits: the fraction is 64. 127.5 saturates whatever is drawn, and its mask is 0."""
    acc = np.array([-5, -5, 5, 5, 510, 510, -8], np.int32)
    got = narrowed(kernels, acc, 2, -127, 127, [63, 64, 63, 64, 0, 255, 0], 8)
    assert got == ([-2, -1, 2, 1, 127, 127, -2], [1, 1, 1, 1, 0, 0, 1])


@every_backend
@pytest.mark.parametrize("rshift, bits", [(1, 1), (2, 2), (3, 3), (4, 4), (1, 4), (3, 6)])
def test_the_mean_of_all_draws_is_exact(kernels, rshift, bits):
    """Every draw once: the sum of the codes is the value, no bias and no tie."""
    values, draws = np.arange(-70, 71, dtype=np.int32), range(2**bits)
    acc = np.repeat(values, 2**bits)
    codes, _ = narrowed(kernels, acc, rshift, -127, 127, [*draws] * values.size, bits)
    totals = np.array(codes).reshape(values.size, -1).sum(1) << rshift
    assert totals.tolist() == [int(v) << bits for v in values]


@every_backend
def test_a_short_draw_cuts_the_fraction(kernels):
    """2 bits of a fraction of 4: 11/16 rounds up for 2 draws of 4, the mean of all is 1/2."""
    codes, _ = narrowed(kernels, np.full(4, 11, np.int32), 4, -127, 127, range(4), 2)
    assert codes == [1, 1, 0, 0]


def test_the_reference_checks():
    out, acc, draws = np.zeros(3, np.int8), np.zeros(3, np.int32), np.full(3, 8, np.uint32)
    with pytest.raises(RangeError, match="draws in 0..7, got 8"):
        REFERENCE.requantize_drawn(out, out[:0], acc, 1, -127, 127, draws, 3)
    with pytest.raises(RangeError, match="bits in 1..32, got 33"):
        REFERENCE.requantize_drawn(out, out[:0], acc, 1, -127, 127, draws, 33)
    with pytest.raises(RangeError, match="rshift in 1.."):
        REFERENCE.requantize_drawn(out, out[:0], acc, 0, -127, 127, draws, 8)
    with pytest.raises(RangeError, match="128 does not fit int8"):
        REFERENCE.requantize_drawn(out, out[:0], acc, 1, -127, 128, draws, 8)
    with pytest.raises(ShapeError):
        REFERENCE.requantize_drawn(out, out[:0], acc, 1, -127, 127, draws[:2], 8)
