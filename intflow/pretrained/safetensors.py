"""Safetensors: eight bytes (length of the header), a JSON header, then the numbers.

    {"conv1.weight": {"dtype": "F32", "shape": [16, 3, 3, 3], "data_offsets": [0, 1728]}, ...}

Offsets count from the end of the header; numbers are little-endian, in C order.
"""

import json
from math import prod

import numpy as np

from .widen import WIDTHS, stored_dtype, to_fp32

FLOATS = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
MAX_HEADER = 100_000_000        # of the format's own description


def found(head, size):
    """Whether a file of `size` bytes that begins with `head` can be of this format."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8


def read(stream, size):
    """{name: fp32 array} of every float tensor; the rest is left out."""
    length = int.from_bytes(stream.read(8), "little")
    if length > min(size - 8, MAX_HEADER):
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    header = json.loads(stream.read(length))
    room = size - 8 - length
    described = {name: _described(name, entry, room) for name, entry in header.items()
                 if name != "__metadata__"}
    wanted = {name: entry for name, entry in described.items() if entry is not None}
    if sum(stop - start for _, _, start, stop in wanted.values()) > room:
        raise ValueError("tensors that overlap")
    arrays = {}
    for name, (kind, shape, start, stop) in wanted.items():
        stream.seek(8 + length + start)
        stored = np.frombuffer(stream.read(stop - start), stored_dtype(kind))
        arrays[name] = to_fp32(stored.reshape(shape), kind)
    return arrays


def _described(name, entry, room):
    """(kind, shape, start, stop) of a float tensor, or None for other numbers."""
    shape, (start, stop) = entry["shape"], entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, start, stop)):
        raise ValueError(f"{name} has a negative size")
    if not start <= stop <= room:
        raise ValueError(f"{name} lies outside the file")
    kind = FLOATS.get(entry["dtype"])
    if kind is None:
        return None
    claimed = prod(shape) * WIDTHS[kind]
    if claimed != stop - start:
        raise ValueError(f"{name} claims {claimed} bytes, it has {stop - start}")
    return kind, tuple(shape), start, stop
