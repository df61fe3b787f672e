"""Sums of tensors whose steps differ, and masks."""

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
    rounded half even to the finest step that fits.
    """
    if a.codes.shape != b.codes.shape:
        raise ShapeError(f"add takes equal shapes, got {a.codes.shape} and {b.codes.shape}")
    coarse, fine = sorted((a, b), key=lambda t: t.format.frac_bits)
    room = WIDEST_SUM - coarse.format.bits
    gap = fine.format.frac_bits - coarse.format.frac_bits
    if gap > room:
        frac_bits = coarse.format.frac_bits + room
        fine = requantize(
            kernels, fine, Fixed(fine.format.bits, frac_bits, symmetric=True), Rounding.HALF_EVEN
        )
        gap = room
    fmt = sum_format(coarse.format, fine.format)
    out = np.empty(a.codes.shape, fmt.dtype)
    kernels.add_aligned(out, coarse.codes, gap, fine.codes, 0)
    return Tensor(out, fmt, a.axes)


def sum_format(a, b):
    """Format of the exact sum of two tensors."""
    frac_bits = max(a.frac_bits, b.frac_bits)
    return wide(max(_bits(f) + frac_bits - f.frac_bits for f in (a, b)) + 1, frac_bits)


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
