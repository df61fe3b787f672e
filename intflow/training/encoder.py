"""Images into the first layer's codes: by a table, or centred. Tokens of a text are codes already."""

from ..data.encode import centres_of, encode_table
from ..errors import FormatError
from ..formats import Fixed, Tensor
from ..kernels.buffers import ACTIVATIONS, copy_into, empty

TEXT = "tokens"


def make_encoder(encoding, fmt, exact):
    """The Encoder of an encoding, or Tokens."""
    return Tokens() if encoding == TEXT else Encoder(encoding, fmt, exact)


class Tokens:
    """Tokens (B, T) -> Tensor NC (T * B, 1), all streams of a time step side by side."""

    name = TEXT
    format = Fixed(32, 0, symmetric=True)

    def encode(self, kernels, tokens):
        """One window of B streams as rows."""
        out = empty((tokens.size, 1), tokens.dtype, ACTIVATIONS)
        copy_into(out.reshape(tokens.shape[::-1]), tokens.T)
        return Tensor(out, self.format, "NC")


class Encoder:
    """u8 (N, C, H, W) -> Tensor HWNC.

    Parameters
    ----------
    encoding : name of `data.encode.ENCODINGS`, or "centred:124,116,104" with the pixel of each
        channel that becomes the code 0.
    fmt : Fixed; the scheme's input format.
    exact : whether a table takes pixels as they are, see `data.encode.EXACT`.
    """

    def __init__(self, encoding, fmt, exact=False):
        self.name, self.format = encoding, fmt
        self.centres = centres_of(encoding)
        if self.centres is None:
            self.table = encode_table(encoding, fmt.bits, exact)
        elif not (fmt.contains(-int(max(self.centres))) and fmt.contains(255 - min(self.centres))):
            raise FormatError(f"centred images take 9 signed bits, got {fmt}; choose the input's "
                              "format so")

    def encode(self, kernels, images):
        """One batch of images as activations."""
        count, channels, height, width = images.shape
        out = empty((height, width, count, channels), self.format.dtype, ACTIVATIONS)
        if self.centres is None:
            kernels.encode_images(out, images, self.table)
        else:
            kernels.centre_images(out, images, self.centres)
        return Tensor(out, self.format, "HWNC")
