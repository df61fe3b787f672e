"""The memory of a step: one arena from which every large array comes and to which it returns.

A step needs arrays of the same sizes every time. Fresh pages for them would cost more than the
arithmetic on them, so an array of `empty` is a piece of one arena, and its place is free again as
soon as nobody holds it: lifetimes are those of Python's own references, and nothing is freed by
hand. Since no address depends on the data, a step that computes nothing asks for the same pieces in
the same order and tells how large the arena will be: that is a `planning` block, in which kernels
return at once and arrays come from addresses behind which there is no memory yet.
"""

import mmap
import sys
from collections import Counter, deque
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from threading import Lock

import numpy as np

SMALL = 4096            # bytes; below, the C library is as good
LINE = 64               # pieces begin on cache lines
ADDRESSES = 1 << 40     # bytes of addresses of an arena; memory is taken as it is written
# Addresses cost nothing until they are used; Python's own name is younger than its 3.10.
NORESERVE = 0x4000 if sys.platform == "linux" else 0

# What the memory is for.
ACTIVATIONS, SUMS, MASKS, ERRORS, GRADIENTS, WEIGHTS, WORKSPACES, TEMPORARY = (
    "activations", "sums", "masks", "errors", "gradients", "weights", "workspaces", "temporary")


class Pool:
    """An arena of reserved addresses; memory is spent on what was written at some time.

    Attributes
    ----------
    live : {kind: bytes in use}.
    extent : int; bytes from the first to the last address ever used: what the arena takes.
    at_extent : {kind: bytes}; `live` when the arena last grew.
    """

    def __init__(self):
        self.live, self.extent, self.at_extent = Counter(), 0, {}
        self._memory, self._size = _reserve()
        self._address = self._memory.ctypes.data if self._size else 0
        self._holes = []                # [start, stop] of free pieces below the extent, in order
        self._returned = deque()        # pieces of arrays that died, in any thread
        self._lock = Lock()

    def empty(self, shape, dtype, kind):
        """As numpy.empty, on a cache line; see `empty`."""
        dtype = np.dtype(dtype)
        size = prod(shape) * dtype.itemsize
        if size < SMALL:
            return (np.zeros if is_planning() else np.empty)(shape, dtype)
        room = -(-size // LINE) * LINE
        with self._lock:
            self._take_back()
            start = self._find(room)
            if start is None:
                return np.empty(shape, dtype)
            self.live[kind] += room
            if start + room > self.extent:
                self.extent, self.at_extent = start + room, dict(self.live)
        return np.asarray(_Piece(self, start, room, kind, shape, dtype))

    def in_use(self):
        """Bytes of the arrays that live."""
        with self._lock:
            self._take_back()
            return sum(self.live.values())

    def _find(self, room):
        """Start of the smallest hole that has room, else of new memory; None where all is used."""
        fitting = [hole for hole in self._holes if hole[1] - hole[0] >= room]
        if fitting:
            hole = min(fitting, key=lambda hole: hole[1] - hole[0])
            start, hole[0] = hole[0], hole[0] + room
            if hole[0] == hole[1]:
                self._holes.remove(hole)
            return start
        last = self._holes[-1] if self._holes else None
        start = last[0] if last and last[1] == self.extent else self.extent
        if start + room > self._size:
            return None
        if start < self.extent:
            self._holes.pop()           # grows the last one
        return start

    def _take_back(self):
        """Pieces of arrays that died become holes; neighbours become one."""
        if not self._returned:
            return
        while self._returned:
            start, room, kind = self._returned.popleft()
            self.live[kind] -= room
            self._holes.append([start, start + room])
        self._holes.sort()
        merged = self._holes[:1]
        for hole in self._holes[1:]:
            if hole[0] == merged[-1][1]:
                merged[-1][1] = hole[1]
            else:
                merged.append(hole)
        self._holes = merged


class _Piece:
    """What an array of the pool holds on to: when the last view is gone, so is this."""

    __slots__ = ("pool", "place", "__array_interface__")

    def __init__(self, pool, start, room, kind, shape, dtype):
        self.pool, self.place = pool, (start, room, kind)
        self.__array_interface__ = dict(
            version=3, shape=tuple(shape), typestr=dtype.str, data=(pool._address + start, False))

    def __del__(self):
        self.pool._returned.append(self.place)


def _reserve():
    """(addresses, their number): far more than there is memory, or none where that fails."""
    try:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NORESERVE
        memory = mmap.mmap(-1, ADDRESSES, flags=flags)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        return np.frombuffer(memory, np.uint8), ADDRESSES
    except (AttributeError, OSError, ValueError):
        return None, 0


_POOL, _PLANNING = ContextVar("pool"), ContextVar("planning", default=False)
_SHARED = []


def pool():
    """The pool in use: the process's own, or the one of a `planning` block."""
    found = _POOL.get(None)
    if found is not None:
        return found
    if not _SHARED:
        _SHARED.append(Pool())
    return _SHARED[0]


@contextmanager
def planning():
    """A block in which nothing is computed; it gives the pool of its arrays."""
    with using(Pool()) as planned:
        token = _PLANNING.set(True)
        try:
            yield planned
        finally:
            _PLANNING.reset(token)


@contextmanager
def computing():
    """A block in which kernels run even where a step is planned, on memory of its own."""
    with using(Pool()):
        token = _PLANNING.set(False)
        try:
            yield
        finally:
            _PLANNING.reset(token)


@contextmanager
def using(pool):
    """A block in which arrays come from this pool."""
    token = _POOL.set(pool)
    try:
        yield pool
    finally:
        _POOL.reset(token)


def is_planning():
    """Whether kernels shall compute nothing."""
    return _PLANNING.get()


def empty(shape, dtype, kind=TEMPORARY):
    """An array of any contents, from the pool in use.

    Parameters
    ----------
    shape : tuple of int. dtype : of the elements.
    kind : what it is for, one of the words above; for the plan of a step's memory.

    Examples
    --------
    empty((2, 4096), np.int32): 32768 bytes, free again when the array and its views are gone.
    """
    return pool().empty(shape, dtype, kind)


def copy_into(out, source):
    """out[...] = source, any layout of axes; nothing while planning."""
    if not is_planning():
        out[...] = source


def converted(x, dtype, kind=TEMPORARY):
    """x in another dtype that holds it, as an array of its own."""
    out = empty(x.shape, dtype, kind)
    copy_into(out, x)
    return out


def packed_copy(x, kind=TEMPORARY):
    """x, any layout of axes, as an array of its own whose last axis is the fastest."""
    out = empty(x.shape, x.dtype, kind)
    copy_into(out, x)
    return out
