"""Images to the size and channels a model expects, in integers.

    halve    while at least twice too large: (a + b + c + d + 2) >> 2 of 2 x 2 pixels
    resize   the kernel `resize_bilinear`, for what is left
    grey     becomes RGB by replication
"""

import numpy as np

from ..errors import DatasetError


def to_size(images, size, kernels):
    """u8 (N, C, H, W) -> u8 (N, C, *size)."""
    images = _halve(images, size)
    if images.shape[2:] == tuple(size):
        return images
    out = np.empty((*images.shape[:2], *size), np.uint8)
    kernels.resize_bilinear(out, np.ascontiguousarray(images))
    return out


def with_channels(images, channels):
    """Grey replicated to `channels`; anything else must fit already."""
    have = images.shape[1]
    if have == channels:
        return images
    if have == 1:
        return np.repeat(images, channels, axis=1)
    raise DatasetError(
        f"the images have {have} channels, the model expects {channels}; build the model for "
        f"{have} channels or choose other data"
    )


def _halve(images, size):
    while all(have >= 2 * want for have, want in zip(images.shape[2:], size)):
        if images.shape[2] % 2 or images.shape[3] % 2:
            break
        quarters = images.astype(np.uint16)
        rows = quarters[:, :, 0::2] + quarters[:, :, 1::2]
        images = ((rows[..., 0::2] + rows[..., 1::2] + 2) >> 2).astype(np.uint8)
    return images
