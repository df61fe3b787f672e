"""Packed: binary tensors and masks in memory, 64 elements a word.

Lingo: a *word* is a u64; its bit j (counted from the lowest) is element 64 * k + j of the packed
axis. Bits behind the last element are 0. The packed axis is the one that products contract: the
channels C of activations, the input channels I of weights.
"""

import sys
from dataclasses import dataclass

import numpy as np

from intflow.errors import FormatError, ShapeError
from intflow.formats.binary import Binary
from intflow.formats.tensor import Tensor

WORD = 64
PACKED_AXIS = {"HWNC": "C", "NC": "C", "HWIO": "I", "IO": "I"}


def words_of(length):
    """Words that hold `length` bits: 1 for 1 to 64."""
    return -(-length // WORD)


class Packed(Tensor):
    """A binary tensor whose codes lie in memory as bits, 1 for +1 and 0 for -1.

    Parameters
    ----------
    words : u64 ndarray. Axes HWNC: (H, W, N, ceil(C / 64)); NC: (N, ceil(C / 64)); HWIO:
        (KH, KW, ceil(I / 64), O); IO: (ceil(I / 64), O).
    length : int; C or I.
    format : Binary.
    axes : HWNC, NC, HWIO or IO.

    It stands for the `Tensor` of its codes: `shape`, `axes` and `format` are that one's. `codes`
    unpacks into s8 at every call, for all that knows nothing of packing; products do not call it.

    Raises
    ------
    FormatError : another format, or words that are not u64.
    ShapeError : other axes, or words that do not hold `length` bits.

    Examples
    --------
    words [[5]], length 3, axes NC: bits 1 0 1, codes [[1, -1, 1]].
    """

    def __init__(self, words, length, format, axes):
        if not isinstance(format, Binary) or getattr(words, "dtype", None) != np.uint64:
            raise FormatError(f"Packed holds u64 words of binary codes, got {format} in "
                              f"{getattr(words, 'dtype', type(words).__name__)}; binarize first")
        if axes not in PACKED_AXIS or words.ndim != len(axes):
            raise ShapeError(f"Packed takes axes {', '.join(PACKED_AXIS)} and one size for each, "
                             f"got {axes} and words of shape {words.shape}")
        at = axes.index(PACKED_AXIS[axes])
        if words.shape[at] != words_of(length):
            raise ShapeError(f"{length} bits take {words_of(length)} words along axis {at}, got "
                             f"shape {words.shape}")
        values = dict(words=words, length=length, format=format, axes=axes, _at=at)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def codes(self):
        """-1 and +1 as s8 in memory order: fresh memory at every call."""
        words = np.moveaxis(self.words, self._at, -1)
        bits = np.moveaxis(unpacked(words, self.length), -1, self._at)
        return np.ascontiguousarray(2 * bits.astype(np.int8) - 1)

    @property
    def shape(self):
        """Sizes of the codes in memory order, as `axes`."""
        sizes = list(self.words.shape)
        sizes[self._at] = self.length
        return tuple(sizes)

    def __repr__(self):
        sizes = " ".join(f"{axis}={size}" for axis, size in zip(self.axes, self.shape))
        return f"Packed({sizes}, {self.format})"


@dataclass(frozen=True, eq=False)
class BitMask:
    """One bit an element of a tensor HWNC or NC, packed along the channels.

    words : u64 (..., ceil(C / 64)). length : C.

    Examples
    --------
    words [[5]], length 3: mask 1 0 1; size 3, ones() 2.
    """

    words: np.ndarray
    length: int

    @property
    def size(self):
        """Elements."""
        return self.words[..., 0].size * self.length

    def ones(self):
        """How many are set."""
        return int(np.count_nonzero(np.unpackbits(self.words.view(np.uint8))))

    def unpack(self):
        """u8 (..., C), 0 or 1; fresh memory."""
        return unpacked(self.words, self.length)


def unpacked(words, length):
    """The first `length` bits of the last axis of u64 words, as u8 0 and 1."""
    little = words.byteswap() if sys.byteorder == "big" else words
    data = np.ascontiguousarray(little).view(np.uint8)
    return np.unpackbits(data, axis=-1, count=length, bitorder="little")


def packed(bits):
    """The inverse of `unpacked`: u64 words along the last axis, tail 0.

    Examples
    --------
    [1, 0, 1]: [5].
    """
    length = bits.shape[-1]
    data = np.packbits(bits, axis=-1, bitorder="little")
    out = np.zeros((*bits.shape[:-1], 8 * words_of(length)), np.uint8)
    out[..., :data.shape[-1]] = data
    words = out.view(np.uint64)
    return words.byteswap() if sys.byteorder == "big" else words
