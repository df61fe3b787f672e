"""Functions with a float in them, to be found. Not a test: the audits' prey."""

import numpy as np
from numba import cfunc, njit, prange, types


def half_of(x):
    """A float in a local that is gone before the function ends."""
    y = x * 0.5
    y = int(y)
    return y


def quotient(x, y):
    """A float that no local ever holds."""
    return int(x / y)


def scalar_of_numpy(x):
    """A NumPy scalar."""
    scale = np.float32(x)
    return int(scale)


def in_a_container(x):
    """Deep inside."""
    kept = {"a": [1, (2, np.ones(x))]}
    return len(kept)


def after_a_long_loop(x):
    """The float comes late."""
    for i in range(x):
        y = i
    y = np.float32(i)
    return i


def integers(x):
    """Nothing to find."""
    y = [x // 2, np.arange(x), {"a": (x, None, "0.5")}]
    return y


@njit
def scaled(x):
    """A float that is cast at once."""
    return int(np.float64(x) * 0.5)


@njit(parallel=True)
def scaled_in_parallel(a):
    """A float in the body of a parallel loop."""
    for i in prange(a.size):
        a[i] = np.int64(a[i] * 1.5)


@cfunc(types.int64(types.int64))
def c_function(x):
    """A float in a C function."""
    return int(x / 3)


@njit
def called_by_another(x):
    """A float one call further down."""
    return scaled(x) + 1


@njit
def halved(x):
    """Integers alone."""
    return (x >> 1) + x // 3 + x % 5


@njit
def relu_part(out, mask, x, scale):
    """A ReLU that multiplies by a float."""
    for i in range(out.size):
        mask[i] = x[i] > 0
        out[i] = np.int64(x[i] * scale) if mask[i] else 0


def relu(out, mask, x):
    """A kernel that gives the right integers by way of floats."""
    relu_part(out.reshape(-1), mask.reshape(-1), x.reshape(-1), 1.0)


@njit
def silent_relu_part(out, mask, x):
    """The same; from outside, there are integers alone."""
    for i in range(out.size):
        mask[i] = x[i] > 0
        out[i] = np.int64(np.sqrt(np.float64(x[i]) * x[i])) if mask[i] else 0


def silent_relu(out, mask, x):
    """A kernel whose float no Python function ever sees."""
    silent_relu_part(out.reshape(-1), mask.reshape(-1), x.reshape(-1))
