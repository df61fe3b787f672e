"""What counts as a float, and where it is found."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from intflow.audit.floats import find_float
from intflow.formats import Fixed, Tensor
from intflow.layers.layer import Run


@pytest.mark.parametrize("value, where, kind", [
    (0.5, "x", "float"),
    (1j, "x", "complex"),
    (np.float32(1), "x", "float32 scalar"),
    (np.zeros(3), "x", "float64 array (3,)"),
    (np.zeros((2, 1), np.complex64), "x", "complex64 array (2, 1)"),
    (np.zeros(0, np.float16), "x", "float16 array (0,)"),
    (np.zeros(2, [("a", np.int32), ("b", np.float32)]), "x", None),
    ([1, (2, {"k": 0.0})], "x[1][1]['k']", "float"),
    (np.array([1, 0.5], object), "x.flat[1]", "float"),
    (Run(None, None, 0.5), "x.products", "float"),
])
def test_floats_are_found(value, where, kind):
    found = find_float(value, "x")
    assert found[0] == where and kind in (None, found[1])


@pytest.mark.parametrize("value", [
    1, True, None, "0.5", Fraction(1, 2), Decimal("0.5"), np.zeros(3, np.int8), np.uint64(3), b"1.5",
    [], {"a": {1: (2, 3)}}, Tensor(np.zeros((1, 1), np.int8), Fixed(8, 7), "NC"), np.zeros(2, bool),
    Run(None, None, None, saturated={"relu_1": 0.25}), float, np.float64, np.dtype("f4"),
])
def test_integers_and_reports_are_not(value):
    assert find_float(value, "x") is None
