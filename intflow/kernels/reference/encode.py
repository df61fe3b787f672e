"""Pixels to codes, and images to another size."""

import numpy as np

from ...errors import ShapeError
from .primitives import store

FRACTION_BITS = 16
ONE = 1 << FRACTION_BITS


def encode_images(out, images, table):
    """out[h, w, n, c] = table[images[n, c, h, w]]: codes by look-up, in the engine's layout.

    Parameters
    ----------
    out : (H, W, N, C) s8 or s16. Overwritten.
    images : (N, C, H, W) u8.
    table : (256,) s16, the code of each pixel value.

    Raises
    ------
    RangeError : a code that is used does not fit out.

    Examples
    --------
    table[255] = 127: a white pixel becomes 127.
    """
    expected = tuple(images.shape[axis] for axis in (2, 3, 0, 1))
    if out.shape != expected or table.shape != (256,):
        raise ShapeError(
            f"encode_images expects out {expected} and a table (256,), "
            f"got {out.shape} and {table.shape}"
        )
    store("encode_images", out, table[images].transpose(2, 3, 0, 1))


def centre_images(out, images, centres):
    """out[h, w, n, c] = images[n, c, h, w] - centres[c]: codes around zero, in the engine's layout.

    Parameters
    ----------
    out : (H, W, N, C) s8, s16 or s32. Overwritten.
    images : (N, C, H, W) u8.
    centres : (C,) s16, the pixel of each channel that becomes 0.

    Raises
    ------
    RangeError : a code does not fit out.

    Examples
    --------
    centres 124, 116, 104: the pixel 124, 100, 255 becomes 0, -16, 151.
    """
    expected = tuple(images.shape[axis] for axis in (2, 3, 0, 1))
    if out.shape != expected or centres.shape != expected[3:]:
        raise ShapeError(
            f"centre_images expects out {expected} and centres {expected[3:]}, "
            f"got {out.shape} and {centres.shape}"
        )
    store("centre_images", out, images.transpose(2, 3, 0, 1).astype(np.int64) - centres)


def resize_bilinear(out, images):
    """Resize by bilinear interpolation between pixel centres, in integers.

    Output pixel o of OS along an axis of S pixels lies at (o + 1/2) * S / OS - 1/2, taken down to
    16 fraction bits and clamped to the outer pixel centres:

        p = clip((2 o + 1) * S * 2**16 // (2 OS) - 2**15, 0, (S - 1) * 2**16)
        i = p >> 16,  f = p & 0xffff,  j = min(i + 1, S - 1)

    and with (iy, jy, fy), (ix, jx, fx) of the two axes and one = 2**16

        top    = (one - fx) * a[iy, ix] + fx * a[iy, jx]
        bottom = (one - fx) * a[jy, ix] + fx * a[jy, jx]
        out    = ((one - fy) * top + fy * bottom + 2**31) >> 32

    Parameters
    ----------
    out : (N, C, OH, OW) u8. Overwritten.
    images : (N, C, H, W) u8.

    Exactness
    ---------
    Positions are floored at 2**-16 of a pixel; the weighted sum is exact (below 2**41) and
    rounded once, half up. The same size gives the same image. No averaging: shrinking to less
    than half skips pixels.

    Examples
    --------
    A row 0, 100 to four pixels: 0, 25, 75, 100. To one: 50.
    """
    if out.shape[:2] != images.shape[:2] or min(out.shape[2:] + images.shape[2:]) < 1:
        raise ShapeError(f"resize_bilinear cannot make {out.shape} of {images.shape}")
    iy, jy, fy = sample_positions(images.shape[2], out.shape[2])
    ix, jx, fx = sample_positions(images.shape[3], out.shape[3])
    wide = images.astype(np.int64)
    across = (ONE - fx) * wide[:, :, :, ix] + fx * wide[:, :, :, jx]
    fy = fy[:, None]
    total = (ONE - fy) * across[:, :, iy] + fy * across[:, :, jy]
    store("resize_bilinear", out, (total + (1 << 2 * FRACTION_BITS - 1)) >> 2 * FRACTION_BITS)


def sample_positions(size, out_size):
    """(i, j, f) of each output pixel: the two neighbours and the fraction towards the second."""
    o = np.arange(out_size, dtype=np.int64)
    p = (2 * o + 1) * (size << FRACTION_BITS) // (2 * out_size) - ONE // 2
    p = np.clip(p, 0, (size - 1) << FRACTION_BITS)
    i = p >> FRACTION_BITS
    return i, np.minimum(i + 1, size - 1), p & (ONE - 1)
