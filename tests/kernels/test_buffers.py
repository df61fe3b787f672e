"""The arena: pieces never overlap, come back when nobody holds them, and leave no gaps."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.kernels import buffers
from intflow.kernels.buffers import ERRORS, LINE, MASKS, SMALL, Pool, empty, is_planning, planning, using


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(SMALL, 9 * SMALL), st.integers(0, 5)), max_size=40))
def test_pieces_never_overlap(requests):
    """Each array keeps its own number until it is dropped; a model of the live bytes agrees."""
    with using(Pool()) as pool:
        held = []
        for number, (size, drop) in enumerate(requests):
            array = empty((size,), np.uint8, ERRORS)
            assert array.ctypes.data % LINE == 0
            array[:] = number % 251
            held.append((array, number % 251))
            del held[:drop if drop < 3 else 0]
            del array
            assert all((array == number).all() for array, number in held)
        last = empty((SMALL,), np.uint8, MASKS)
        assert pool.live[ERRORS] == sum(-(-array.size // LINE) * LINE for array, _ in held)
        assert pool.live[MASKS] == last.nbytes
        assert pool.in_use() == pool.live[ERRORS] + last.nbytes
        held.clear()
        del last
        assert pool.in_use() == 0
        extent = pool.extent
        everything = empty((extent,), np.uint8)
        assert pool.extent == everything.nbytes == extent           # the holes have become one


def test_views_hold_their_piece():
    with using(Pool()) as pool:
        array = empty((4, SMALL), np.int16)
        view = array[1:].reshape(-1).view(np.uint8)
        address = array.ctypes.data
        del array
        other = empty((4, SMALL), np.int16)
        assert other.ctypes.data != address
        del view, other
        assert empty((4, SMALL), np.int16).ctypes.data == address
        assert pool.extent == 2 * 8 * SMALL


def test_the_smallest_hole_is_taken():
    with using(Pool()):
        arrays = [empty((n * SMALL,), np.uint8) for n in (3, 1, 2, 1)]
        address = arrays[2].ctypes.data
        arrays[0] = arrays[2] = None
        assert empty((2 * SMALL,), np.uint8).ctypes.data == address


def test_small_arrays_stay_outside():
    with using(Pool()) as pool:
        assert empty((SMALL - 1,), np.uint8).nbytes == SMALL - 1
        assert pool.extent == 0


def test_no_arena(monkeypatch):
    """Where no addresses can be reserved, arrays come from the C library."""
    monkeypatch.setattr(buffers, "_reserve", lambda: (None, 0))
    with using(Pool()) as pool:
        array = empty((SMALL,), np.int32)
        array[:] = 7
        assert int(array.sum()) == 7 * SMALL and pool.extent == 0


def test_planning_ends():
    with planning():
        assert is_planning()
    assert not is_planning()
