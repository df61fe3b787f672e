"""Pixels to codes, and images to another size, on the calling thread.

The reader's thread runs these beside the training kernels, so nothing here is parallel.
"""

import numpy as np
from numba import njit

from ..reference.encode import FRACTION_BITS, ONE, sample_positions
from .primitives import SERIAL, narrowed

COLUMNS = 32            # pixels of a row at a time: reads stay in lines, writes in L1


def encode_images(out, images, table):
    """Blocks of a row: the transposition happens in cache."""
    _encode_images(out, images, table.astype(out.dtype))


@njit(**SERIAL)
def _encode_images(out, images, table):
    number, channels, height, width = images.shape
    for h in range(height):
        for first in range(0, width, COLUMNS):
            stop = min(first + COLUMNS, width)
            for n in range(number):
                for c in range(channels):
                    row, codes = images[n, c, h, first:stop], out[h, first:stop, n, c]
                    for w in range(row.size):
                        codes[w] = table[row[w]]


def resize_bilinear(out, images):
    """Across the two rows at 16 fraction bits in s32, then down between them in s64."""
    rows = sample_positions(images.shape[2], out.shape[2])
    columns = sample_positions(images.shape[3], out.shape[3])
    _resize_bilinear(out, images, rows, columns, np.empty((2, out.shape[3]), np.int64))


@njit(**SERIAL)
def _resize_bilinear(out, images, rows, columns, across):
    (iy, jy, fy), (ix, jx, fx) = rows, columns
    top, bottom = across[0], across[1]
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            image = images[n, c]
            for y in range(out.shape[2]):
                _resize_row(top, image[iy[y]], ix, jx, fx)
                _resize_row(bottom, image[jy[y]], ix, jx, fx)
                row, f = out[n, c, y], fy[y]
                for x in range(row.size):
                    total = (ONE - f) * top[x] + f * bottom[x] + (1 << 2 * FRACTION_BITS - 1)
                    row[x] = narrowed(total >> 2 * FRACTION_BITS, row)


@njit(**SERIAL)
def _resize_row(across, row, ix, jx, fx):
    for x in range(across.size):
        across[x] = (ONE - fx[x]) * row[ix[x]] + fx[x] * row[jx[x]]
