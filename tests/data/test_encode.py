"""Encode tables against the formulas in fractions and the closed forms of the papers."""

from fractions import Fraction

import numpy as np
import pytest

from intflow.data import encode_table, symmetric_table, unit_table
from intflow.errors import FormatError, UnknownNameError

BITS = range(2, 17)


@pytest.mark.parametrize("bits", BITS)
def test_tables_equal_the_rational_formulas(bits):
    top, scale = 2 ** (bits - 1) - 1, 2 ** (bits - 1)
    for u in range(256):
        # Fraction's round is half to even.
        symmetric = round((Fraction(2 * u, 255) - 1) * scale)
        assert symmetric_table(bits)[u] == min(max(symmetric, -top), top)
        assert unit_table(bits)[u] == min(round(Fraction(u, 256) * scale), top)


def test_closed_forms_at_eight_bits():
    u = np.arange(256)
    assert np.array_equal(symmetric_table(8), np.clip(u - 128 + (u >= 128), -127, 127))
    assert list(unit_table(8)[[0, 1, 2, 3, 5, 253, 254, 255]]) == [0, 0, 1, 2, 2, 126, 127, 127]


@pytest.mark.parametrize("name", ["symmetric", "unit"])
def test_tables_are_s16_and_monotone(name):
    for bits in BITS:
        table = encode_table(name, bits)
        assert table.dtype == np.int16 and table.shape == (256,)
        assert (np.diff(table.astype(int)) >= 0).all()


def test_refused():
    with pytest.raises(FormatError, match="2 to 16 bits, got 1"):
        encode_table("unit", 1)
    with pytest.raises(UnknownNameError, match="did you mean symmetric"):
        encode_table("symetric", 8)
