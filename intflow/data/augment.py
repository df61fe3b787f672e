"""Random crops and flips of raw bytes; each image is moved by one random word.

    word    u32 of its position in the epoch (purpose `augment`, step = epoch)
    flip    bit 31
    dy      (low 15 bits * choices) >> 15
    dx      (next 16 bits * choices) >> 16

so the order in which batches are read, and by how many threads, changes nothing. A choice among n
is uniform within n / 2**15 of a share.

A rule is a function (images, words, size, kernels) -> images of `size`. `words` None means
evaluation: nothing is random, and the centre is taken where there is a choice.
"""

import numpy as np

from ..errors import UnknownNameError
from .resize import to_size

PAD = 4


def none(images, words, size, kernels):
    """Only brought to size.  [WAGE augmentation]"""
    return to_size(images, size, kernels)


def crop_flip(images, words, size, kernels):
    """Zero-pad 4 on raw pixels, crop the old size, flip; then to size.  [WAGE augmentation]"""
    return to_size(_padded_crop(images, words, flip=True), size, kernels)


def crop(images, words, size, kernels):
    """The same without the flip: digits must not be mirrored.  [WAGE augmentation]"""
    return to_size(_padded_crop(images, words, flip=False), size, kernels)


def image_folder(images, words, size, kernels):
    """Crop of `size` out of a slightly larger image (256 for 224), flip.  [WAGE augmentation]"""
    return window(to_size(images, larger(size), kernels), words, size, flip=True)


def shift1(images, words, size, kernels):
    """Shifted by -1 to 1 pixel each way, zeros come in; then to size."""
    return to_size(_padded_crop(images, words, flip=False, pad=1), size, kernels)


RULES = {"none": none, "shift1": shift1, "crop_flip": crop_flip, "crop": crop, "image_folder": image_folder}


def rule_named(name):
    """The rule of this name, or UnknownNameError; what can be called is a rule itself."""
    if callable(name):
        return name
    if name not in RULES:
        raise UnknownNameError("augmentation", name, RULES)
    return RULES[name]


def larger(size):
    """The size from which `image_folder` crops: 256 for 224 .. 256, else 8/7, half up.

    Examples
    --------
    (224, 224) -> (256, 256); (227, 227) -> (256, 256); (32, 32) -> (37, 37).
    """
    return tuple(256 if 224 <= n <= 256 else (16 * n + 7) // 14 for n in size)


def _padded_crop(images, words, flip, pad=PAD):
    if words is None:
        return images
    count, channels, height, width = images.shape
    padded = np.zeros((count, channels, height + 2 * pad, width + 2 * pad), np.uint8)
    padded[:, :, pad:-pad, pad:-pad] = images
    return window(padded, words, (height, width), flip)


def window(images, words, size, flip):
    """A window of `size` out of every image.

    Parameters
    ----------
    images : u8 (N, C, H, W)
    words : u32 (N,), or None for the centre.
    size : (h, w) not larger than (H, W).
    flip : bool; whether bit 31 mirrors the window left to right.

    Returns
    -------
    u8 (N, C, h, w)
    """
    height, width = size
    spare = (images.shape[2] - height, images.shape[3] - width)
    if words is None:
        top, left = spare[0] // 2, spare[1] // 2
        return np.ascontiguousarray(images[:, :, top:top + height, left:left + width])
    words = words.astype(np.int64)
    tops = ((words & 0x7FFF) * (spare[0] + 1)) >> 15
    lefts = (((words >> 15) & 0xFFFF) * (spare[1] + 1)) >> 16
    flips = (words >> 31) * flip
    out = np.empty((*images.shape[:2], height, width), np.uint8)
    for image, target, top, left, mirrored in zip(images, out, tops, lefts, flips):
        part = image[:, top:top + height, left:left + width]
        target[...] = part[:, :, ::-1] if mirrored else part
    return out
