"""Minifloat weights times fixed-point activations, exactly.  [FLOAT product]

A weight is a small significand times a power of two, so a product is a multiplication by the
significand and a shift, and the sum is fixed point: one step is x.step * 2**lowest, lowest being the
smallest exponent among the weights at hand. Three schedules, the same bits:

    shift_each     every product is shifted by its weight's exponent, then added     the datapath
    by_exponent    one sum of significands an exponent, shifted once                 few shifters
    by_digits      the shifted weights as integers, cut into signed 7-bit digits;     fast here
                   one byte product a digit, then sum of digit k << 7 k

A 1-4-3 weight spans at most 18 bits, three digits; a layer whose exponents lie close takes fewer.
"""

import hashlib
from typing import NamedTuple

import numpy as np

from ..errors import FormatError
from ..formats import Minifloat, Tensor
from ..formats.minifloat_codec import WIDEST, expand, split
from ..kernels.buffers import SUMS, WEIGHTS, empty, is_planning
from .width import wide

DIGIT_BITS = 7
BLOCK = 256             # inputs whose weights are added up at a time
PLANNED_SUM = 34        # bits of a sum of weights that nobody has seen: 64, and room for a factor
WIDEST_TABLE = 20       # bits of codes that are looked up in a table of all


def shift_each(kernels, x, w, window, rshift=0):
    """The plain loop: y of `conv2d` for minifloat or fixed-point w. Slow; for tests and devices.

    rshift : low bits that the accumulator lacks; every shifted product is cut (floor) to the rest.
    """
    if isinstance(w.format, Minifloat):
        significand, exponent = split(w.codes, w.format)
        integers, lowest = expand(w.codes, w.format)
        lshift = np.where(significand != 0, exponent - lowest, 0).astype(np.uint8)
    else:
        significand, lowest = w.codes, -w.format.frac_bits
        integers, lshift = w.codes.astype(np.int64), np.zeros(w.codes.shape, np.uint8)
    fmt = _sum_format(x, integers, lowest)
    out = np.empty(_output_shape(x, w, window), np.int64)
    kernels.minifloat_forward(
        out, _pixels(x.codes), _pixels(significand.astype(np.int16)), _pixels(lshift),
        rshift, **_resolved(window, x).keywords())
    return _as_sums(out, wide(fmt.bits, fmt.frac_bits - rshift), x)


def by_exponent(kernels, x, w, window):
    """One exact sum for every exponent in use, each shifted once."""
    significand, exponent = split(w.codes, w.format)
    integers, lowest = expand(w.codes, w.format)
    fmt = _sum_format(x, integers, lowest)
    total = np.zeros(_output_shape(x, w, window), np.int64)
    for used in np.unique(exponent[significand != 0]).tolist():
        bucket = np.where(exponent == used, significand, 0).astype(np.int16)
        out = np.empty(total.shape, np.int64)
        kernels.conv2d_forward(
            out, _pixels(x.codes), _pixels(bucket), **_resolved(window, x).keywords())
        total += out << (used - lowest)
    return _as_sums(total, fmt, x)


def by_digits(kernels, x, w, window, digits=None):
    """The fast path: every digit of every weight in one product of bytes.

    digits : `cut_digits` of w, where somebody kept them.
    """
    digits = digits or cut_digits(w, window.groups)
    fmt = _proven_format(x, digits.largest_sum, digits.lowest)
    if is_planning():
        fmt = wide(PLANNED_SUM, fmt.frac_bits)
    shape = _output_shape(x, w, window)
    if digits.count == 1:
        return _as_sums(_product(kernels, x, digits, window, shape, fmt.dtype), fmt, x)
    planes = _product(kernels, x, digits, window, (*shape[:3], digits.codes.shape[3]))
    out = empty(shape, fmt.dtype, SUMS)
    kernels.combine_planes(
        out.reshape(-1, shape[3]), planes.reshape(-1, planes.shape[3]), window.groups, DIGIT_BITS)
    return _as_sums(out, fmt, x)


class Digits(NamedTuple):
    """Weights as byte products take them.

    codes : s8 HWIO, the planes of digits as output channels; count : planes. largest : of |digits|.
    lowest : exponent of one unit of digit 0. largest_sum : the most that |weights| of an output add
        up to, in that unit.
    """

    codes: np.ndarray
    count: int
    largest: int
    lowest: int
    largest_sum: int


def cut_digits(w, groups):
    """The Digits of a minifloat weight."""
    values, places, lowest = _values(w)
    digits = signed_digits(values)
    codes, planes = _room(w, len(digits), groups)
    for plane, digit in zip(planes, digits):
        plane[...] = digit[places].reshape(plane.shape)
    largest = max(int(np.abs(digit.astype(np.int16)).max(initial=1)) for digit in digits)
    return Digits(codes, len(digits), largest, lowest, _largest_sum(values, places))


def widest_digits(w, groups):
    """Digits of weights that nobody has seen, for a plan: as many planes as the format may take."""
    fmt = w.format
    bits = fmt.mantissa_bits + (1 << fmt.exponent_bits) - fmt.zero
    largest = (1 << min(bits, WIDEST)) - 1
    count = len(signed_digits(np.array([largest])))
    return Digits(_room(w, count, groups)[0], count, 127, 0, 0)


def _room(w, count, groups):
    """(s8 HWIO, views of its planes): planes as output channels, [group][plane][output of the group]."""
    shape = _pixels(w.codes).shape
    codes = empty((*shape[:3], count * shape[3]), np.int8, WEIGHTS)
    apart = codes.reshape(*shape[:3], groups, count, shape[3] // groups)
    return codes, [apart[..., plane, :] for plane in range(count)]


class KeptDigits:
    """Digits of the weights of layers, cut once and again where a weight has changed.

    Weights are known by a hash of their codes, so that nobody has to say that they changed.
    """

    def __init__(self):
        self._kept = {}

    def of(self, layer, w, groups):
        """`cut_digits` of the weight w of the layer `layer`."""
        if is_planning():
            if layer not in self._kept:
                self._kept[layer] = None, widest_digits(w, groups)
            return self._kept[layer][1]
        key = w.format, groups, hashlib.blake2b(np.ascontiguousarray(w.codes)).digest()
        if self._kept.get(layer, (None,))[0] != key:
            self._kept[layer] = key, cut_digits(w, groups)
        return self._kept[layer][1]


def _values(w):
    """(s64 values, where each weight finds its own, exponent): `expand`, once for equal codes."""
    if w.format.bits > WIDEST_TABLE:
        present, places = np.unique(w.codes, return_inverse=True)
        values, lowest = expand(present, w.format)
        return values, places.reshape(w.codes.shape), lowest
    present = np.flatnonzero(np.bincount(w.codes.reshape(-1), minlength=1 << w.format.bits))
    values = np.zeros(1 << w.format.bits, np.int64)         # 0 for codes that no weight has
    values[present], lowest = expand(present, w.format)
    return values, w.codes, lowest


def signed_digits(integers):
    """[s8 arrays], integers = sum of digit k * 2**(7 k); digits in -64..63, the last within +-127.

    Zero planes at the top are not made; all zeros are one plane.

    Examples
    --------
    768 = 0 + 6 * 128: digits 0, 6. -65 = 63 - 128: digits 63, -1; -100: one digit.
    """
    digits, rest = [], integers
    while np.abs(rest).max(initial=0) > 127:
        digit = ((rest + 64) & 127) - 64
        digits.append(digit.astype(np.int8))
        rest = (rest - digit) >> DIGIT_BITS
    return [*digits, rest.astype(np.int8)]


def expanded(w):
    """Minifloat weights as fixed-point ones of the same values: s64 codes, one step for all."""
    integers, lowest = expand(w.codes, w.format)
    return Tensor(integers, wide(int(np.abs(integers).max(initial=0)).bit_length() + 1, -lowest),
                  w.axes)


def _sum_format(x, integers, lowest):
    """Format of the sums, proven from the weights themselves: max|x| * sum of |w| an output."""
    places = np.arange(integers.size).reshape(integers.shape)
    return _proven_format(x, _largest_sum(integers.reshape(-1), places), lowest)


def _largest_sum(values, places):
    """The most that |values[places]| of an output add up to, a block of inputs at a time."""
    sizes, rows = np.abs(values), places.reshape(-1, places.shape[-1])
    if len(rows) * int(sizes.max(initial=0)) >= 1 << 63:
        sizes = sizes.astype(object)                # Python's integers: no width to leave
    blocks = (rows[first:first + BLOCK] for first in range(0, len(rows), BLOCK))
    return int(max(sum(sizes[block].sum(axis=0) for block in blocks)))


def _proven_format(x, largest_sum, lowest):
    bound = max(abs(x.format.minimum), abs(x.format.maximum)) * largest_sum
    try:
        return wide(bound.bit_length() + 1, x.format.frac_bits - lowest)
    except FormatError:
        raise FormatError(
            f"sums of these weights need {bound.bit_length() + 1} bits and there are 64; use fewer "
            "exponent bits, or flush the smallest weights to zero"
        )


def _product(kernels, x, digits, window, shape, dtype=None):
    """Byte product; s32 where max|x| * sum of |w| allows it."""
    w, w_max = digits.codes, digits.largest
    if dtype is None:
        bound = w[..., 0].size * w_max * max(abs(x.format.minimum), abs(x.format.maximum))
        dtype = np.int32 if bound < 1 << 31 else np.int64
    out = empty(shape, dtype, SUMS)
    kernels.conv2d_forward(
        out, _pixels(x.codes), w, **_resolved(window, x).keywords(), w_max=w_max)
    return out


def _output_shape(x, w, window):
    height, width, images, _ = _pixels(x.codes).shape
    resolved = _resolved(window, x)
    return (*resolved.output_size(height, width), images, w.codes.shape[-1])


def _resolved(window, x):
    return window.resolve(*_pixels(x.codes).shape[:2])


def _pixels(codes):
    return codes if codes.ndim == 4 else codes[None, None]


def _as_sums(out, fmt, x):
    """A Tensor of exact sums in the width its format asks for."""
    out = out.astype(fmt.dtype, copy=False)
    return Tensor(out if x.codes.ndim == 4 else out[0, 0], fmt, x.axes)
