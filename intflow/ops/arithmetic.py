"""Sums of tensors whose steps differ, and masks."""

from dataclasses import replace

import numpy as np

from ..errors import ShapeError
from ..formats import Fixed, Rounding, Tensor
from .requantize import requantize
from .width import wide

WIDEST_SUM = 62


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
    frac_bits = coarse.format.frac_bits + max(0, WIDEST_SUM - coarse.format.bits)
    frac_bits = min(frac_bits, fine.format.frac_bits)
    bits = _sum_bits(coarse.format, replace(fine.format, frac_bits=frac_bits))
    if bits > 64:
        coarse, fine = (_coarser(kernels, t, frac_bits - (bits - 62)) for t in (coarse, fine))
    elif frac_bits < fine.format.frac_bits:
        fmt = Fixed(fine.format.bits, frac_bits, symmetric=True)
        fine = requantize(kernels, fine, fmt, Rounding.HALF_EVEN)
    gap = fine.format.frac_bits - coarse.format.frac_bits
    fmt = sum_format(coarse.format, fine.format)
    out = np.empty(a.codes.shape, fmt.dtype)
    kernels.add_aligned(out, coarse.codes, gap, fine.codes, 0)
    return Tensor(out, fmt, a.axes)


def _coarser(kernels, x, frac_bits):
    """x rounded half even to at most `frac_bits`, in as many bits as that leaves."""
    dropped = x.format.frac_bits - frac_bits
    if dropped <= 0:
        return x
    # One bit for the carry: 127 / 2**3 = 15.9 becomes 16.
    fmt = wide(max(_bits(x.format) - dropped, 1) + 1, frac_bits)
    return requantize(kernels, x, fmt, Rounding.HALF_EVEN)


def sum_format(a, b):
    """Format of the exact sum of two tensors."""
    return wide(_sum_bits(a, b), max(a.frac_bits, b.frac_bits))


def _sum_bits(a, b):
    frac_bits = max(a.frac_bits, b.frac_bits)
    return max(_bits(f) + frac_bits - f.frac_bits for f in (a, b)) + 1


def _bits(fmt):
    """Bits of a signed format that holds the codes of fmt."""
    return fmt.bits + (not fmt.signed)


def concatenate(kernels, tensors):
    """Tensors side by side along the channels, all at the finest step among them (exact)."""
    fmt = common_format([t.format for t in tensors])
    if any(t.format != fmt for t in tensors):
        tensors = [requantize(kernels, t, fmt, Rounding.FLOOR) for t in tensors]     # left shifts
    return Tensor(np.concatenate([t.codes for t in tensors], axis=-1), fmt, tensors[0].axes)


def common_format(formats):
    """The format that holds every code of all `formats` at the finest step among them."""
    if all(fmt == formats[0] for fmt in formats):
        return formats[0]
    frac_bits = max(fmt.frac_bits for fmt in formats)
    bits = max(_bits(fmt) + frac_bits - fmt.frac_bits for fmt in formats)
    return wide(bits, frac_bits)


def mask_error(kernels, e, mask):
    """e where the mask is set, 0 elsewhere."""
    out = np.empty(e.codes.shape, e.codes.dtype)
    kernels.apply_mask(out, e.codes, mask)
    return Tensor(out, e.format, e.axes)
