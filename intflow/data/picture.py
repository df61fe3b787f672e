"""One picture file for a trained network."""

import numpy as np

from ..errors import DatasetError
from .augment import larger, window
from .sources import as_dataset_errors, module

LUMA = (299, 587, 114)   # thousandths of R, G, B


def read_picture(path, input_shape, rule="none"):
    """A picture file in the shape a network expects.

    Parameters
    ----------
    path : JPEG, PNG, WebP, BMP or PNM file.
    input_shape : (C, H, W), C = 1 or 3.
    rule : the augmentation of the training; after "image_folder" the picture is brought to
        the larger size first and its centre taken, as in evaluation.

    Returns
    -------
    u8 (C, H, W). The picture is scaled to cover H x W and cut to its centre; a picture of
    that size already keeps every byte. Grey is (299 R + 587 G + 114 B + 500) // 1000.

    Raises
    ------
    DatasetError
        Missing or unreadable file; a network that takes neither 1 nor 3 channels.
    """
    channels, *size = input_shape
    if channels not in (1, 3):
        raise DatasetError(
            f"{path}: a picture has 1 or 3 channels, the network expects {channels}"
        )
    pixels = module("pixels")
    wanted = larger(size) if rule == "image_folder" else tuple(size)
    with as_dataset_errors():
        image = pixels.cover(pixels.decode(path), wanted)
    image = window(image[None], None, size, flip=False)[0]
    return image if channels == 3 else grey(image)


def grey(image):
    """u8 (3, H, W) -> (1, H, W); equal channels stay what they are."""
    total = sum(weight * plane.astype(np.int32) for weight, plane in zip(LUMA, image))
    return ((total + 500) // 1000).astype(np.uint8)[None]
