"""Sums of tensors whose steps differ, and masks."""

from dataclasses import replace

import numpy as np

from ..errors import FormatError, ShapeError
from ..formats import BitMask, Fixed, Rounding, Tensor
from ..kernels.buffers import ACTIVATIONS, ERRORS, SUMS, copy_into, empty, is_planning
from .bitwise import mask_bits
from .requantize import requantize
from .width import wide

WIDEST_SUM = 62
PLANNED_SUM = 48        # bits of a sum of errors that nobody has seen: 64, and room for a factor


def add(kernels, a, b):
    """a + b, exact: the coarser operand is shifted left to the finer step.

    Exactness
    ---------
    Exact while the aligned codes fit 62 bits. Where the steps lie further apart than that
    (possible for errors only, whose step follows the data), the finer operand is first
    rounded half even to the finest step that fits. Where many errors in a row have added up to
    more than 64 bits, both are rounded half even to a step at which their sum takes 63.
    """
    if a.codes.shape != b.codes.shape:
        raise ShapeError(f"add takes equal shapes, got {a.codes.shape} and {b.codes.shape}")
    coarse, fine = sorted((a, b), key=lambda t: t.format.frac_bits)
    frac_bits = coarse.format.frac_bits + max(0, WIDEST_SUM - coarse.format.grid.bits)
    frac_bits = min(frac_bits, fine.format.frac_bits)
    bits = _sum_bits(coarse.format, replace(fine.format.grid, frac_bits=frac_bits))
    if bits > 64:
        coarse, fine = (_coarser(kernels, t, frac_bits - (bits - 62)) for t in (coarse, fine))
    elif frac_bits < fine.format.frac_bits:
        fmt = Fixed(fine.format.grid.bits, frac_bits, symmetric=True)
        fine = requantize(kernels, fine, fmt, Rounding.HALF_EVEN)
    gap = fine.format.frac_bits - coarse.format.frac_bits
    fmt = sum_format(coarse.format, fine.format)
    out = empty(a.codes.shape, fmt.dtype, SUMS)
    kernels.add_aligned(out, coarse.codes, gap, fine.codes, 0)
    return Tensor(out, fmt, a.axes)


def add_errors(kernels, a, b):
    """`add` of two errors, whose steps follow the data: a plan takes what the widest sum needs."""
    if not is_planning():
        return add(kernels, a, b)
    return Tensor(empty(a.codes.shape, np.int64, SUMS), wide(PLANNED_SUM, 0), a.axes)


def _coarser(kernels, x, frac_bits):
    """x rounded half even to at most `frac_bits`, in as many bits as that leaves."""
    dropped = x.format.frac_bits - frac_bits
    if dropped <= 0:
        return x
    # One bit for the carry: 127 / 2**3 = 15.9 becomes 16.
    fmt = wide(max(_bits(x.format) - dropped, 1) + 1, frac_bits)
    return requantize(kernels, x, fmt, Rounding.HALF_EVEN)


def sum_format(a, b):
    """Format of the exact sum of two tensors; FormatError where a step is no power of two."""
    _expect_powers(a, b)
    return wide(_sum_bits(a, b), max(a.frac_bits, b.frac_bits))


def _expect_powers(*formats):
    for fmt in formats:
        if fmt.factor != 1:
            raise FormatError(f"codes of {fmt} cannot be added to others: its step is no power of "
                              "two; put a Requantize behind a batch norm, or another grid there")


def _sum_bits(a, b):
    frac_bits = max(a.frac_bits, b.frac_bits)
    return max(_bits(f) + frac_bits - f.frac_bits for f in (a, b)) + 1


def _bits(fmt):
    """Bits of a signed format that holds the codes of fmt."""
    return fmt.grid.bits + (not fmt.signed)


def concatenate(kernels, tensors):
    """Tensors side by side along the channels, all at the finest step among them (exact)."""
    fmt = common_format([t.format for t in tensors])
    if any(t.format != fmt for t in tensors):
        tensors = [requantize(kernels, t, fmt, Rounding.FLOOR) for t in tensors]     # left shifts
    channels = sum(t.codes.shape[-1] for t in tensors)
    out = empty((*tensors[0].codes.shape[:-1], channels), fmt.dtype, ACTIVATIONS)
    first = 0
    for t in tensors:
        copy_into(out[..., first:first + t.codes.shape[-1]], t.codes)
        first += t.codes.shape[-1]
    return Tensor(out, fmt, tensors[0].axes)


def channels_of(e, first, count):
    """A run of channels of an error."""
    out = empty((*e.codes.shape[:-1], count), e.codes.dtype, ERRORS)
    copy_into(out, e.codes[..., first:first + count])
    return Tensor(out, e.format, e.axes)


def common_format(formats):
    """The format that holds every code of all `formats` at the finest step among them."""
    if all(fmt == formats[0] for fmt in formats):
        return formats[0]
    _expect_powers(*formats)
    frac_bits = max(fmt.frac_bits for fmt in formats)
    bits = max(_bits(fmt) + frac_bits - fmt.frac_bits for fmt in formats)
    return wide(bits, frac_bits)


def mask_error(kernels, e, mask):
    """e where the mask, u8 or BitMask, is set, 0 elsewhere."""
    if isinstance(mask, BitMask):
        return mask_bits(kernels, e, mask)
    out = empty(e.codes.shape, e.codes.dtype, ERRORS)
    kernels.apply_mask(out, e.codes, mask)
    return Tensor(out, e.format, e.axes)
