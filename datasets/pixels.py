"""Picture files to squares of bytes: decoded by Pillow, resampled here in integers.

Why not Pillow's own resampling: its weights are computed in floating point and may change
from one release to the next. These are ratios of integers, so that equal decoded pixels
give equal squares on every machine. (Decoding itself is that of the installed libjpeg,
whose arithmetic is integer but may change between its major releases; a pack made by
`prepare` freezes the outcome.)
"""

import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np

from .source import BadData

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
MAX_PIXELS = 1 << 26
SIDE = 256       # of the squares that folders of pictures become
ONE = 1 << 15     # weights of one output pixel sum to this


def is_picture(path):
    """True for a file name that this module decodes; hidden files are left alone."""
    return Path(path).suffix.lower() in SUFFIXES and not Path(path).name.startswith(".")


@lru_cache(maxsize=1)
def _pillow():
    """Pillow's Image, imported when the first picture is read."""
    from PIL import Image

    # Its warning comes before the size can be looked at; `decode` refuses such sizes itself.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    return Image


def decode(path):
    """A picture file as u8 RGB (H, W, 3); grey is replicated, transparency dropped."""
    try:
        with _pillow().open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise BadData(f"{path}: {width} x {height} pixels, more than {MAX_PIXELS} in all")
            return np.asarray(picture.convert("RGB"))
    except BadData:
        raise
    except Exception as error:   # Pillow and its codecs raise many kinds for damaged files
        text = (str(error).splitlines() or [type(error).__name__])[0]
        text = "no picture in it" if text.startswith("cannot identify") else text[:80]
        raise BadData(f"{path}: unreadable picture ({text})") from None


def cover(pixels, size):
    """Scaled until it just covers `size`, then cut to its centre.

    Parameters
    ----------
    pixels : u8 (H, W, 3).
    size : (h, w)

    Returns
    -------
    u8 (3, h, w)

    Examples
    --------
    500 x 375 to cover 256 x 256 becomes 341 x 256 (341 = half up of 500 * 256 / 375), of which
    42 .. 297 stay.
    """
    have = pixels.shape[:2]
    tight = 0 if size[0] * have[1] >= size[1] * have[0] else 1   # the axis that just fits
    for axis in (1 - tight, tight):    # the other one first: it gets cut
        scaled = (2 * have[axis] * size[tight] + have[tight]) // (2 * have[tight])
        first = (scaled - size[axis]) // 2
        pixels = resample(pixels.swapaxes(0, axis), scaled, first, size[axis])
        pixels = pixels.swapaxes(0, axis)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def resample(pixels, size, first, count):
    """Rows `first` .. `first + count - 1` of `pixels` resampled to `size` rows.

    Linear interpolation with pixel centres at half integers; when shrinking, the triangle
    is widened to the shrinking ratio, so that every source pixel counts.

    Exactness
    ---------
    Output = (sum of weight * pixel + ONE / 2) >> 15, weights integers that sum to ONE.
    Bound: 255 * ONE + ONE / 2 < 2**31.
    """
    height = pixels.shape[0]
    if size == height:
        return pixels[first:first + count]
    rows, weights = triangle(height, size, first, count)
    total = np.full((count, *pixels.shape[1:]), ONE // 2, np.int32)
    for tap in range(rows.shape[1]):
        weight = weights[:, tap].reshape(-1, *[1] * (pixels.ndim - 1))
        total += pixels[rows[:, tap]] * weight
    return (total >> 15).astype(np.uint8)


@lru_cache(maxsize=256)
def triangle(height, size, first, count):
    """(rows, weights) int32 (count, taps): which source rows make an output row, and how much.

    In units of 1 / (2 * size) of a source row, output row i has its centre at
    (2 * i + 1) * height, source row r at (2 * r + 1) * size, and the triangle reaches
    2 * max(height, size) to both sides. Shares of ONE are floored, the centre takes the rest.
    """
    reach = 2 * max(height, size)
    taps = 2 * -(-reach // (2 * size)) + 1
    rows, weights = np.zeros((2, count, taps), np.int32)
    for i in range(count):
        centre = (2 * (first + i) + 1) * height
        nearest = centre // (2 * size)
        around = range(nearest - taps // 2, nearest + taps // 2 + 1)
        heights = [
            max(0, reach - abs((2 * r + 1) * size - centre)) if 0 <= r < height else 0
            for r in around
        ]
        shares = [h * ONE // sum(heights) for h in heights]
        shares[taps // 2] += ONE - sum(shares)
        rows[i] = [min(max(r, 0), height - 1) for r in around]
        weights[i] = shares
    return rows, weights
