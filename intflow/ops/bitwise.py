"""Binary tensors: from wide codes to signs in words, and back to bytes.

Lingo: as in formats/packed.py. x are sums HWNC or NC of any signed width and step; 1 in the step
of x is the code 2**F, F its frac_bits. Masks say where |x| <= 1, where the straight-through error
of a sign passes (the slope of the hard tanh).   [QNN STE]
"""

import numpy as np

from ..errors import FormatError, ShapeError
from ..formats import Binary, BitMask, Packed, Tensor
from ..formats.packed import PACKED_AXIS, words_of
from ..kernels.buffers import ACTIVATIONS, ERRORS, MASKS, WEIGHTS, empty, packed_copy
from .draws import PHILOX_BITS, draws


def binarize(kernels, x):
    """The sign of x, +1 for 0: Packed, step 1.  [QNN sign]

    Examples
    --------
    codes -3, 0, 5: -1, 1, 1.
    """
    out = _words(x)
    kernels.pack_rows(out, x.codes, 8 * x.codes.itemsize - 1, True)
    return _packed(out, x)


def binarize_masked(kernels, x):
    """The sign of x, and the BitMask where |x| <= 1.  [QNN sign, STE]

    Examples
    --------
    Step 1/4, codes -5, -4, 0, 4: signs -1, -1, 1, 1; mask 0, 1, 1, 1.
    """
    out, mask = _words(x), _words(x, MASKS)
    kernels.binarize_masked(out, mask, x.codes, _one(x))
    return _packed(out, x), BitMask(mask, x.shape[-1])


def binarize_drawn(kernels, x, address):
    """+1 with probability clip((x + 1) / 2, 0, 1), else -1; and the mask.  [QNN stochastic sign]

    x may be a weight HWIO or IO too: its mask is None.

    +1 where x + 2**F > R, with R uniform in [0, 2**(F + 1)): the top F + 1 bits of a draw.

    address : random_streams.Address of x.

    Raises
    ------
    FormatError : a step below 2**-31 or above 1, for which no draw is as fine as x.

    Examples
    --------
    F = 2, code 3 (3/4): +1 for R = 0 to 6 of 8, so with probability 7/8.
    """
    bits = x.format.frac_bits
    if not 0 <= bits < PHILOX_BITS:
        raise FormatError(f"stochastic signs draw for steps of 1 to 2**-{PHILOX_BITS - 1}, got "
                          f"{x.format}; requantize before them")
    drawn, width = draws(kernels, x, address)
    codes, weight = x.codes, PACKED_AXIS.get(x.axes) == "I"
    if weight:
        codes, drawn = (packed_copy(a.swapaxes(-1, -2)) for a in (codes, drawn))
    length = codes.shape[-1]
    out, mask = (empty((*codes.shape[:-1], words_of(length)), np.uint64, kind)
                 for kind in (ACTIVATIONS, MASKS))
    kernels.binarize_drawn(out, mask, codes, _one(x), drawn, width - bits - 1)
    if weight:
        words = packed_copy(out.swapaxes(-1, -2), WEIGHTS)
        return Packed(words, length, Binary(), x.axes), None
    return _packed(out, x), BitMask(mask, length)


def binarize_above(kernels, x, thresholds, flips):
    """A batch norm and a sign as one comparison a channel: (x >= threshold) xor flip.

    thresholds : (C,) s64 codes of x. flips : (C,) u8, 1 where the batch norm falls.

    Examples
    --------
    codes 2, 2, thresholds 2, 3: 1, -1; flips 1, 1: -1, 1.
    """
    out = _words(x)
    kernels.binarize_above(out, x.codes, thresholds, flips)
    return _packed(out, x)


def binarize_weight(kernels, master):
    """The sign of a master weight HWIO or IO, packed along its inputs.  [QNN sign]"""
    return _pack_weight(kernels, master, Binary(), 8 * master.codes.itemsize - 1, True)


def pack(kernels, t):
    """A Binary Tensor of codes -1 and +1, activation or weight, as Packed; Packed as it is."""
    if isinstance(t, Packed):
        return t
    if not isinstance(t.format, Binary):
        raise FormatError(f"pack takes binary codes, got {t.format}; binarize first")
    sign = 8 * t.codes.itemsize - 1
    if PACKED_AXIS.get(t.axes) == "I":
        return _pack_weight(kernels, t, t.format, sign, True)
    out = _words(t)
    kernels.pack_rows(out, t.codes, sign, True)
    return Packed(out, t.shape[-1], t.format, t.axes)


def unpack(kernels, t):
    """A Packed as a Tensor of s8; any other Tensor as it is."""
    if not isinstance(t, Packed):
        return t
    out = empty(t.shape, np.int8)
    if PACKED_AXIS[t.axes] == "I":
        kernels.unpack_columns(out, t.words)
    else:
        kernels.unpack_rows(out, t.words)
    return Tensor(out, t.format, t.axes)


def mask_bits(kernels, e, mask):
    """e where the BitMask is set, 0 elsewhere."""
    out = empty(e.codes.shape, e.codes.dtype, ERRORS)
    kernels.apply_bits(out, e.codes, mask.words)
    return Tensor(out, e.format, e.axes)


def _one(x):
    """The code of 1, or the largest that |x| may have where 1 lies beyond it."""
    bits = x.format.frac_bits
    widest = np.iinfo(x.codes.dtype).max
    if bits < 0:
        raise FormatError(f"{x.format} has no code for 1, which masks compare with; shift it left")
    return min(1 << bits, int(widest))


def _words(x, kind=ACTIVATIONS):
    if PACKED_AXIS.get(x.axes) != "C":
        raise ShapeError(f"signs of activations are packed along C, last; got axes {x.axes}")
    return empty((*x.shape[:-1], words_of(x.shape[-1])), np.uint64, kind)


def _packed(words, x):
    return Packed(words, x.shape[-1], Binary(), x.axes)


def _pack_weight(kernels, w, fmt, bit, inverted):
    inputs = w.shape[-2]
    out = empty((*w.shape[:-2], words_of(inputs), w.shape[-1]), np.uint64, WEIGHTS)
    kernels.pack_columns(out, w.codes, bit, inverted)
    return Packed(out, inputs, fmt, w.axes)
