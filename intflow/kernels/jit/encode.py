"""Pixels to codes, and images to another size, on the calling thread.

The reader's thread runs these beside the training kernels, so nothing here is parallel.
"""

import numpy as np
from numba import njit

from ..buffers import is_planning
from ..reference.encode import FRACTION_BITS, ONE, sample_positions
from .primitives import SERIAL, narrowed

COLUMNS = 32            # pixels of a row at a time: reads stay in lines, writes in L1


def encode_images(out, images, table):
    """Blocks of a row: the transposition happens in cache."""
    if not is_planning():
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


def centre_images(out, images, centres):
    """As `encode_images`, with a subtraction in the place of the table."""
    if not is_planning():
        _centre_images(out, images, centres)


@njit(**SERIAL)
def _centre_images(out, images, centres):
    number, channels, height, width = images.shape
    for h in range(height):
        for first in range(0, width, COLUMNS):
            stop = min(first + COLUMNS, width)
            for n in range(number):
                for c in range(channels):
                    row, codes = images[n, c, h, first:stop], out[h, first:stop, n, c]
                    centre = np.int32(centres[c])
                    for w in range(row.size):
                        codes[w] = narrowed(np.int32(row[w]) - centre, codes)


def resize_bilinear(out, images):
    """Every row across once, at 16 fraction bits in s32; then down between two of them in s64."""
    rows = sample_positions(images.shape[2], out.shape[2])
    columns = sample_positions(images.shape[3], out.shape[3])
    across = np.empty((images.shape[2], out.shape[3]), np.int32)
    _resize_bilinear(out, images, rows, columns, across)


@njit(**SERIAL)
def _resize_bilinear(out, images, rows, columns, across):
    iy, jy, fy = rows
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            for y in range(across.shape[0]):
                _resize_across(across[y], images[n, c, y], columns)
            for y in range(out.shape[2]):
                _resize_down(out[n, c, y], across[iy[y]], across[jy[y]], fy[y])


@njit(**SERIAL)
def _resize_across(across, row, columns):
    """|across| <= 255 * 2**16 < 2**24."""
    ix, jx, fx = columns
    for x in range(across.size):
        across[x] = narrowed((ONE - fx[x]) * row[ix[x]] + fx[x] * row[jx[x]], across)


@njit(**SERIAL)
def _resize_down(out, top, bottom, fraction):
    for x in range(out.size):
        total = (ONE - fraction) * top[x] + fraction * bottom[x] + (1 << 2 * FRACTION_BITS - 1)
        out[x] = narrowed(total >> 2 * FRACTION_BITS, out)
