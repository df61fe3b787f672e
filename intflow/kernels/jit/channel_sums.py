"""Sums over everything but the channels: a block of rows in 64 bits, its halves added up apart."""

import numpy as np
from numba import njit

from .primitives import SERIAL, add, band, joined, launch, mul, shaped, share, sra

U32 = 0xFFFFFFFF


def channel_sums(out, a, b, block, ntask):
    """A partial result per task and row of those that are joined; together here."""
    rows, together = joined(a.shape)
    blocks = -(-rows // block)
    parts = np.zeros((min(ntask, max(blocks, 1)), 3, together * a.shape[-1]), np.int64)
    shape = (rows, parts.shape[-1])
    launch(_channel_sums_part, a.size, len(parts),
           parts, shaped(a, shape), shaped(b, shape), block)
    out[...] = parts.sum(0).reshape(3, together, -1).sum(1)
    out[2] += out[1] >> 32
    out[1] &= U32


@njit(**SERIAL)
def _add_row(total, products, a, b):
    for c in range(a.size):
        x = np.int64(a[c])
        total[c] = add(total[c], x)
        products[c] = add(products[c], mul(x, b[c]))


@njit(**SERIAL)
def _fold(low, high, products):
    for c in range(low.size):
        low[c] = add(low[c], band(products[c], U32))
        high[c] = add(high[c], sra(products[c], 32))
        products[c] = 0


@njit(**SERIAL)
def _channel_sums_part(parts, a, b, block, task, ntask):
    """Whole blocks, so that no task changes what is added to what."""
    first, last = share((a.shape[0] + block - 1) // block, task, ntask)
    total, low, high = parts[task, 0], parts[task, 1], parts[task, 2]
    products = np.zeros(a.shape[1], np.int64)
    for i in range(first, last):
        for row in range(i * block, min(i * block + block, a.shape[0])):
            _add_row(total, products, a[row], b[row])
        _fold(low, high, products)
