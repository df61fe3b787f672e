"""Workspaces and call records of the product kernels."""

import numpy as np

ALIGNMENT = 64


def aligned(size):
    """`size` bytes on a cache line, contents arbitrary."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


class Workspaces:
    """Named memory that grows and is kept between calls; its contents mean nothing after one."""

    def __init__(self):
        self._named = {}

    def address(self, name, size):
        """Address of at least `size` bytes."""
        memory = self._named.get(name)
        if memory is None or memory.size < size:
            self._named.pop(name, None)  # freed before the larger one is taken
            memory = self._named[name] = aligned(size)
        return memory.ctypes.data


def record(dtype, **fields):
    """A one-element record array with these fields, the rest 0."""
    plan = np.zeros(1, dtype)
    for name, value in fields.items():
        plan[name] = value
    return plan


def round_up(value, multiple):
    """The smallest multiple of `multiple` that is at least `value`."""
    return -(-value // multiple) * multiple
