"""Images into the first layer's codes."""

import numpy as np

from ..data.encode import encode_table
from ..formats import Tensor


class Encoder:
    """u8 (N, C, H, W) -> Tensor HWNC, by a table of 256 codes.

    Parameters
    ----------
    encoding : name of `data.encode.ENCODINGS`.
    fmt : Fixed; the scheme's input format.
    """

    def __init__(self, encoding, fmt):
        self.name, self.format = encoding, fmt
        self.table = encode_table(encoding, fmt.bits)

    def encode(self, kernels, images):
        """One batch of images as activations."""
        count, channels, height, width = images.shape
        out = np.empty((height, width, count, channels), self.format.dtype)
        kernels.encode_images(out, images, self.table)
        return Tensor(out, self.format, "HWNC")
