"""Kernels as C functions: every task sees the arguments that a plain call gives it."""

from collections import namedtuple

import numpy as np
import pytest
from numba import njit

from intflow.kernels.jit.parts import MOST, run_parts

Pair = namedtuple("Pair", "first second")
TASKS = 3


@njit
def seven():
    return 7


@njit
def write(out, matrix, pair, tall, choice, narrow, function, task, tasks):
    """A row of `out` for each task, of everything the arguments hold."""
    row = out[task]
    row[0], row[1] = task, tasks
    row[2], row[3] = matrix.shape[0], matrix[-1, -1]
    row[4], row[5] = pair.first, pair.second[1]
    row[6] = np.int64(tall >> np.uint64(60))
    row[7] = 1 if choice else 2
    row[8], row[9] = narrow, function()


@njit
def fail(out, task, tasks):
    out[task] = task
    if task == 1:
        raise ValueError("one of them")


@njit
def add_all(out, words, task, tasks):
    for word in words:
        out[task] += word


def written(*arguments):
    """The rows of `write` by a plain call a task, and by threads."""
    plain, threaded = (np.zeros((TASKS, 10), np.int64) for _ in range(2))
    for task in range(TASKS):
        write(plain, *arguments, task, TASKS)
    run_parts(write, TASKS, threaded, *arguments)
    return plain, threaded


@pytest.mark.parametrize("matrix", [
    np.arange(12, dtype=np.int8).reshape(3, 4), np.arange(24, dtype=np.uint16).reshape(4, 6)[::2, ::3],
    np.broadcast_to(np.int32(-5), (2, 2)), np.asfortranarray(np.arange(6).reshape(2, 3)),
], ids=["whole", "strided", "read-only", "transposed"])
def test_arguments_arrive_as_in_a_plain_call(matrix):
    plain, threaded = written(matrix, Pair(-3, (2, 2**62)), 2**63 + 5, True, np.int16(-9), seven)
    np.testing.assert_array_equal(threaded, plain)
    assert list(threaded[1]) == [1, TASKS, len(matrix), matrix[-1, -1], -3, 2**62, 8, 1, -9, 7]


def test_kinds_of_arguments_are_kept_apart():
    for choice, tall in ((False, np.uint64(2**61)), (True, np.uint64(2**63))):
        plain, threaded = written(np.ones((2, 2), np.int64), Pair(1, (2, 3)), tall, choice, 4, seven)
        np.testing.assert_array_equal(threaded, plain)


def test_layouts_of_one_dtype_are_kept_apart():
    """Numba compiles each of its own: code for one reads another's elements from elsewhere."""
    whole = np.arange(48).reshape(6, 8)
    frozen = whole[:3, :4].copy()
    frozen.flags.writeable = False
    for matrix in (np.asfortranarray(whole[:3, :4]), whole[::2, ::2], whole, frozen, whole.T):
        plain, threaded = written(matrix, Pair(1, (2, 3)), 2**63, False, 4, seven)
        np.testing.assert_array_equal(threaded, plain)


@pytest.mark.parametrize("count", [1, 21, 22, 53, 54, MOST - 12])
def test_words_of_any_number(count):
    """An array of one axis is 7 words; with task and tasks 21 integers fill the first 32."""
    out = np.zeros(2, np.int64)
    run_parts(add_all, 2, out, tuple(range(count)))
    assert list(out) == [sum(range(count))] * 2


def test_what_is_no_argument_is_refused():
    out = np.zeros(2, np.int64)
    with pytest.raises(TypeError, match="arrays, integers"):
        run_parts(add_all, 2, out, 1.5)
    with pytest.raises(TypeError, match="more than"):
        run_parts(add_all, 2, out, tuple(range(MOST)))


def test_a_part_that_fails_is_told():
    out = np.full(TASKS, -1)
    with pytest.raises(RuntimeError, match="fail failed in a thread"):
        run_parts(fail, TASKS, out)
    assert list(out) == [0, 1, 2]
