"""Tensor arithmetic where the oracle's nets do not reach."""

from fractions import Fraction

import numpy as np
import pytest

from intflow import ops
from intflow.errors import FormatError, RangeError
from intflow.formats import Fixed, Rounding, Tensor, round_shift
from intflow.kernels import load
from intflow.losses import LOSSES

KERNELS = load("reference")


def tensor(codes, bits, frac_bits):
    fmt = Fixed(bits, frac_bits, symmetric=True)
    return Tensor(np.array([codes], fmt.dtype), fmt, "NC")


@pytest.mark.parametrize("gap", [0, 1, 7, 40, 54])
def test_add_is_exact_while_the_steps_are_near(gap):
    a, b = tensor([127, -127, 3, 0], 8, 0), tensor([5, -70000, 1, -1], 18, gap)
    for one, other in ((a, b), (b, a)):
        total = ops.add(KERNELS, one, other)
        expected = a.values() + b.values()
        assert (total.values() == expected).all()


def test_add_rounds_the_finer_operand_where_they_are_far_apart():
    a, b = tensor([100, -1, 0, 1], 8, 0), tensor([3 << 25, -(1 << 25), 1 << 26, 77], 30, 80)
    total = ops.add(KERNELS, a, b)
    assert total.format.frac_bits == 54
    rounded = [round_shift(int(v), 26, Rounding.HALF_EVEN) for v in b.codes[0]]
    expected = [Fraction(int(v)) + Fraction(r, 1 << 54) for v, r in zip(a.codes[0], rounded)]
    assert total.values()[0].tolist() == expected


def test_an_accumulator_beyond_64_bits_is_refused():
    wide = Fixed(16, 15, symmetric=True)
    assert ops.accumulator(wide, wide, 1 << 33).bits == 64
    with pytest.raises(FormatError, match="65 bits"):
        ops.accumulator(wide, wide, 1 << 34)


def test_an_average_whose_errors_leave_64_bits_is_refused():
    window = ops.Window.of(2, 2)
    for bits, fits in ((53, True), (54, False)):
        e = Tensor(np.full((1, 1, 1, 1), (1 << bits - 1) - 1), Fixed(bits, 0, symmetric=True), "HWNC")
        if fits:
            error = ops.avg_pool2d_error(KERNELS, e, window, (2, 2, 1, 1))
            assert (error.values() == Fraction((1 << bits - 1) - 1, 4)).all()
        else:
            with pytest.raises(FormatError, match="at most 53 bits, got 54"):
                ops.avg_pool2d_error(KERNELS, e, window, (2, 2, 1, 1))


def test_outputs_too_far_apart_for_the_softmax_are_refused():
    fmt = Fixed(64, 16, symmetric=True)
    for spread, fits in (((1 << 51) - 1, True), (1 << 51, False)):
        y = Tensor(np.array([[spread, 0]]), fmt, "NC")
        if fits:
            _, (loss, _), wrong = LOSSES["softmax"]()(KERNELS, y, np.array([1]))
            assert loss >= spread and wrong == 1
        else:
            with pytest.raises(RangeError, match="52 bits apart"):
                LOSSES["softmax"]()(KERNELS, y, np.array([1]))
