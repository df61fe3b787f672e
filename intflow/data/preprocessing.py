"""What a published network expects of an image: size, order of channels, mean and spread.

    u    pixel, 0 .. 255
    x    what the network was trained on: (u / 255 - mean) / std, of each channel
    c    the network's input here, an integer: u - centre, centre = half_even(255 * mean)

so that x = (c - remainder) * scale with remainder = 255 * mean - centre and scale =
1 / (255 * std), both exact: they go into the first layer's weights and bias, when these are read.
Padding with zeros is padding with the code 0, that is, with the remainder's pixel.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import DatasetError, FormatError, ShapeError
from .augment import window
from .resize import to_size

ORDERS = ("rgb", "bgr")


@dataclass(frozen=True)
class Preprocessing:
    """From a u8 image to a network's input.

    Parameters
    ----------
    size : int or None; the shorter side is brought to it. None leaves the image as it comes.
    crop : int or None; the side of the centre that is cut out. None takes all.
    channels : "rgb" or "bgr"; the order that the network was trained on.
    mean, std : one number for each channel, in that order, of pixels from 0 to 1: Fractions, or
        texts such as "0.485".

    Examples
    --------
    mean 0.485, std 0.229: 255 * 0.485 = 123.675, centre 124, remainder -13/40; the pixel 124 is
    the code 0, and scale is 200/11679.
    """

    size: int = None
    crop: int = None
    channels: str = "rgb"
    mean: tuple = (Fraction(0), Fraction(0), Fraction(0))
    std: tuple = (Fraction(1), Fraction(1), Fraction(1))

    def __post_init__(self):
        if self.channels not in ORDERS:
            raise FormatError(f"channels come as {' or '.join(ORDERS)}, got {self.channels!r}")
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(Fraction(v) for v in getattr(self, name)))
        if len(self.mean) != len(self.std) or min(self.std) <= 0:
            raise FormatError("every channel has a mean and a std above 0, got "
                              f"{len(self.mean)} and {len(self.std)}, the least {min(self.std)}")
        if not all(0 <= mean <= 1 for mean in self.mean):
            raise FormatError(f"means are of pixels from 0 to 1, got {self.mean}; divide by 255")
        if self.size and self.crop and self.crop > self.size:
            raise ShapeError(f"a centre of {self.crop} cannot be cut out of {self.size} pixels")

    @property
    def centres(self):
        """The pixel of each channel that becomes the code 0; ints."""
        return tuple(round(255 * mean) for mean in self.mean)

    @property
    def remainders(self):
        """255 * mean - centre, Fractions of one grey level."""
        return tuple(255 * mean - centre for mean, centre in zip(self.mean, self.centres))

    @property
    def scales(self):
        """Value of one code in the units that the network was trained on, 1 / (255 * std)."""
        return tuple(1 / (255 * std) for std in self.std)

    @property
    def encoding(self):
        """The name by which an `Encoder` makes these codes, such as "centred:124,116,104"."""
        return "centred:" + ",".join(map(str, self.centres))

    def __call__(self, images, words, size, kernels):
        """Images to size, in integers; in the place of a rule of `augment.RULES`.

        Parameters
        ----------
        images : u8 (N, C, H, W), channels in the order R, G, B.
        words : taken no notice of: nothing is random.
        size : (h, w) that the network was built for; it must be what comes out.

        Returns
        -------
        u8 (N, C, h, w)
        """
        images = shorter_side(images, self.size, kernels)
        if self.crop is not None:
            if min(images.shape[2:]) < self.crop:
                raise DatasetError(
                    f"images of {images.shape[2]} x {images.shape[3]} have no centre of "
                    f"{self.crop}; use images of at least that size"
                )
            images = window(images, None, (self.crop, self.crop), flip=False)
        if tuple(images.shape[2:]) != tuple(size):
            raise ShapeError(
                f"images come out as {images.shape[2]} x {images.shape[3]}, the network takes "
                f"{size[0]} x {size[1]}; build it for that size, or use other images"
            )
        return self.in_order(images)

    def in_order(self, images):
        """Channels R, G, B in the order that the network takes."""
        return np.ascontiguousarray(images[:, ::-1]) if self.channels == "bgr" else images

    def training(self, rule):
        """A rule for training: moved by the augmentation `rule`; evaluation as ever."""
        def augmented(images, words, size, kernels):
            if words is None:
                return self(images, None, size, kernels)
            return self.in_order(rule(images, words, size, kernels))

        return augmented


def shorter_side(images, size, kernels):
    """u8 (N, C, H, W) with the shorter side brought to `size`, the other in proportion, half up.

    Examples
    --------
    500 x 375 to 256: 341 x 256. None: as it was.
    """
    high, wide = images.shape[2:]
    if size is None or min(high, wide) == size:
        return images
    short = min(high, wide)
    return to_size(images, tuple((2 * n * size + short) // (2 * short) for n in (high, wide)),
                   kernels)


IMAGENET = dict(mean=("0.485", "0.456", "0.406"), std=("0.229", "0.224", "0.225"))
