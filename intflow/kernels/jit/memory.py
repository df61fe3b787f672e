"""Workspaces and call records of the product kernels."""

from math import prod

import numpy as np

from ..buffers import WORKSPACES, empty

ALIGNMENT = 64


def aligned(size):
    """`size` bytes on a cache line, contents arbitrary."""
    raw = empty((size + ALIGNMENT,), np.uint8, WORKSPACES)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


class Workspaces:
    """Named memory that grows and is kept between calls; its contents mean nothing after one."""

    def __init__(self):
        self._named = {}

    def address(self, name, size):
        """Address of at least `size` bytes."""
        memory, address = self._named.get(name, (None, 0))
        if memory is None or memory.size < size:
            self._named.pop(name, None)
            del memory  # freed before the larger one is taken
            memory = aligned(size)
            address = memory.ctypes.data
            self._named[name] = memory, address
        return address

    def array(self, name, shape, dtype=np.uint64):
        """The same memory as an array."""
        size = prod(shape) * np.dtype(dtype).itemsize
        self.address(name, size)
        return self._named[name][0][:size].view(dtype).reshape(shape)


def record(dtype, **fields):
    """A one-element record array of s64 with these fields, the rest 0."""
    values = dict.fromkeys(dtype.names, 0)
    values.update(fields)
    return np.array(list(values.values()), np.int64).view(dtype)


def round_up(value, multiple):
    """The smallest multiple of `multiple` that is at least `value`."""
    return -(-value // multiple) * multiple
