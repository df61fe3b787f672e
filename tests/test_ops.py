"""Tensor arithmetic where the oracle's nets do not reach."""

from fractions import Fraction

import numpy as np
import pytest

from intflow import ops
from intflow.errors import FormatError
from intflow.formats import Fixed, Rounding, Tensor, round_shift
from intflow.kernels import load

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
