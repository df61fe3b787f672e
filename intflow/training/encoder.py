"""Images into the first layer's codes: by a table, or centred."""

import numpy as np

from ..data.encode import centres_of, encode_table
from ..errors import FormatError
from ..formats import Tensor


class Encoder:
    """u8 (N, C, H, W) -> Tensor HWNC.

    Parameters
    ----------
    encoding : name of `data.encode.ENCODINGS`, or "centred:124,116,104" with the pixel of each
        channel that becomes the code 0.
    fmt : Fixed; the scheme's input format.
    """

    def __init__(self, encoding, fmt):
        self.name, self.format = encoding, fmt
        self.centres = centres_of(encoding)
        if self.centres is None:
            self.table = encode_table(encoding, fmt.bits)
        elif not (fmt.contains(-int(max(self.centres))) and fmt.contains(255 - min(self.centres))):
            raise FormatError(f"centred images take 9 signed bits, got {fmt}; choose the input's "
                              "format so")

    def encode(self, kernels, images):
        """One batch of images as activations."""
        count, channels, height, width = images.shape
        out = np.empty((height, width, count, channels), self.format.dtype)
        if self.centres is None:
            kernels.encode_images(out, images, self.table)
        else:
            kernels.centre_images(out, images, self.centres)
        return Tensor(out, self.format, "HWNC")
