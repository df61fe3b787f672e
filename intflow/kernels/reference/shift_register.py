"""Shift registers: any linear map of bits, applied again and again."""

import numpy as np

from ...errors import ShapeError
from .primitives import check_between

WIDEST = 64


def shift_register(out, states, tick, bits):
    """Draws of registers that stand side by side and tick together.

    Element i is of lane i % L at tick i // L: the low `bits` bits of that lane's state after
    i // L + 1 ticks. A tick replaces a state s by the exclusive or of tick[j] over its set bits j.

    Parameters
    ----------
    out : (n,) u32. Overwritten.
    states : (L,) u64, below 2**width; the lanes before their first tick. Unchanged.
    tick : (width,) u64, below 2**width; width in 1..64.
    bits : int in 1..min(width, 32).

    Examples
    --------
    width 2, tick = [2, 3] (bit 0 goes to bit 1, bit 1 to both), states = [1], bits = 2: 2, 3, 1,
    2, ...
    """
    name = "shift_register"
    if states.ndim != 1 or not states.size or tick.ndim != 1:
        raise ShapeError(
            f"{name} expects rows of states and ticks, got {states.shape}, {tick.shape}"
        )
    check_between(name, "width", tick.size, 1, WIDEST)
    check_between(name, "bits", bits, 1, min(tick.size, 32))
    for row in (states, tick):
        check_between(name, "states and ticks", int(row.max()), 0, (1 << tick.size) - 1)
    lanes, columns = states.tolist(), tick.tolist()
    for i in range(out.size):
        lane = i % len(lanes)
        lanes[lane] = _ticked(lanes[lane], columns)
        out[i] = np.uint32(lanes[lane] & ((1 << bits) - 1))


def _ticked(state, columns):
    result = 0
    for j, column in enumerate(columns):
        if state >> j & 1:
            result ^= column
    return result
