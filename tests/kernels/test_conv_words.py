"""Products of s16: their extremes and where sums are widened, on every backend, by plain sums."""

from itertools import product

import numpy as np
import pytest

from kernels.products import Convolution, product_kernels

KERNELS = product_kernels()
each_backend = pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)
WINDOW = Convolution(1, 1, 1, 1, 1).window
ROWS, COLUMNS = 13, 17  # tails of every block
RUN = 256               # products between two widenings


def constant(k, x, w, dtype):
    """Forward, error and gradient of k products of x and w."""
    a, b = np.full((1, 1, ROWS, k), x, np.int16), np.full((1, 1, k, COLUMNS), w, np.int16)
    out = [np.full((1, 1, ROWS, COLUMNS), 85, dtype) for _ in range(3)]
    return a, b, out


@each_backend
@pytest.mark.parametrize("k", [1, RUN - 2, RUN - 1, RUN, RUN + 1, 2 * RUN - 1, 2 * RUN + 3])
def test_the_longest_run_of_equal_signs(kernels, k):
    for x, w in product((-32768, -32767, 32767), (-32768, -1, 255, 32767)):
        a, b, (y, d, g) = constant(k, x, w, np.int64)
        kernels.conv2d_forward(y, a, b, **WINDOW)
        kernels.conv2d_error(d, a, np.ascontiguousarray(b.swapaxes(2, 3)), **WINDOW)
        kernels.conv2d_gradient(g, np.ascontiguousarray(a.swapaxes(2, 3)), b, **WINDOW)
        for sums in (y, d, g):
            assert set(sums.ravel().tolist()) == {k * x * w}


@each_backend
def test_runs_of_several_segments(kernels):
    """Taps of 15 steps; the run ends with the eighth."""
    for x, w in ((-32767, 32767), (32767, 32767)):
        a = np.full((4, 5, 3, 30), x, np.int16)
        b = np.full((4, 4, 30, COLUMNS), w, np.int16)
        out = np.zeros((1, 2, 3, COLUMNS), np.int64)
        kernels.conv2d_forward(out, a, b, **WINDOW)
        assert set(out.ravel().tolist()) == {16 * 30 * x * w}


@each_backend
def test_s32_sums_wrap_on_the_way(kernels):
    """A pair of products is 2**31, which no s32 holds, and the total 65536."""
    a = np.full((1, 1, 5, 4), -32768, np.int16)
    b = np.repeat(np.array([-32768, -32768, 32767, 32767], np.int16), COLUMNS)
    out = np.zeros((1, 1, 5, COLUMNS), np.int32)
    kernels.conv2d_forward(out, a, b.reshape(1, 1, 4, COLUMNS), **WINDOW)
    assert set(out.ravel().tolist()) == {2 * 2**30 - 2 * 32768 * 32767} == {65536}


@each_backend
def test_by_hand(kernels):
    """(300, -2) . (-1000, 32767): low bytes 24 and 255, high bytes -4 and 127."""
    a = np.array([300, -2], np.int16).reshape(1, 1, 1, 2)
    b = np.array([-1000, 32767], np.int16).reshape(1, 1, 2, 1)
    out = np.zeros((1, 1, 1, 1), np.int64)
    kernels.conv2d_forward(out, a, b, **WINDOW)
    assert out.item() == -300000 - 65534
