"""A tick as one table look-up per byte of the state, whatever the register and its shifts."""

import numpy as np
from numba import njit

from .primitives import SERIAL, band, bxor, narrowed, srl


def shift_register(out, states, tick, bits):
    """Tables of the tick, then all lanes tick by tick."""
    _shift_register(out, states.copy(), _tables(tick), (1 << bits) - 1)


def _tables(tick):
    """(bytes, 256): what each byte of a state becomes."""
    tables = np.zeros((-(-tick.size // 8), 256), np.uint64)
    byte = np.arange(256, dtype=np.uint64)
    for j, column in enumerate(tick):
        tables[j // 8] ^= ((byte >> np.uint64(j % 8)) & np.uint64(1)) * column
    return tables


@njit(**SERIAL)
def _shift_register(out, lanes, tables, mask):
    lane = 0
    for i in range(out.size):
        state, ticked = lanes[lane], np.uint64(0)
        for b in range(tables.shape[0]):
            ticked = bxor(ticked, tables[b, np.int64(band(srl(state, 8 * b), 255))])
        lanes[lane] = ticked
        out[i] = narrowed(band(ticked, mask), out)
        lane = lane + 1 if lane + 1 < lanes.size else 0
