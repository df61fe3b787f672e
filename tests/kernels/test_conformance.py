"""Every backend x kernel x case of cases.py equals the reference, bit for bit."""

import numpy as np
import pytest

from intflow.kernels import KERNELS, PRODUCTS, load

from kernels import cases, cases_bitwise, cases_qnn, cases_recurrent, cases_training
from kernels.cases import backends

CASES = {**cases.CASES, **cases_bitwise.CASES, **cases_qnn.CASES, **cases_recurrent.CASES,
         **cases_training.CASES}

TABLE = [(kernel, case) for kernel, cases in CASES.items() for case in cases]
REFERENCE = load("reference")


@pytest.fixture(scope="module")
def expected():
    """(kernel, case) -> arguments and result of the reference, computed once."""
    return {}


def run(kernels, kernel, case):
    """Every argument afterwards, and the result."""
    arguments = case.arguments()
    return [*arguments, getattr(kernels, kernel)(*arguments)]


@pytest.mark.parametrize("kernels", **backends(1, 2))
@pytest.mark.parametrize("kernel, case", TABLE, ids=[f"{k}: {c.name}" for k, c in TABLE])
def test_equals_the_reference(kernels, kernel, case, expected):
    if (kernel, case.name) not in expected:
        expected[kernel, case.name] = run(REFERENCE, kernel, case)
    for got, want in zip(run(kernels, kernel, case), expected[kernel, case.name], strict=True):
        assert type(got) is type(want)
        np.testing.assert_array_equal(got, want)


def test_every_kernel_has_cases():
    products = {kernel for kernel, file in KERNELS.items() if file in PRODUCTS}
    assert set(CASES) == set(KERNELS) - products


def test_case_names_differ():
    for kernel, cases in CASES.items():
        assert len({case.name for case in cases}) == len(cases), kernel
