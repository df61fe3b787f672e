"""What follows a product, one kernel after the other: where nothing is gained by fusing it."""

import numpy as np

from ..buffers import MASKS, SUMS, empty
from .channels import scale_channels
from .packed import requantize_packed
from .pool import max_pool2d
from .reduce import max_abs


def requantized(out, passed, winner, sums, pool, relu, bias, rshift, rounding, minimum, maximum,
                ntask):
    """Bias, pool, ReLU and narrowing of exact sums; see reference/conv_fused.py."""
    if bias is not None:
        one = np.ones(bias.shape, sums.dtype)
        scale_channels(sums, sums, one, bias.astype(sums.dtype), ntask)
    if pool is not None:
        best = empty(out.shape, sums.dtype, SUMS)
        unseen = empty(out.shape, np.uint16, MASKS) if winner is None else winner
        max_pool2d(best, unseen, sums, *pool, ntask)
        sums = best
    requantize_packed(out, passed, sums, relu, rshift, rounding, minimum, maximum, ntask)


def masked(out, passed, ntask):
    """Zero `out` where a bit of `passed` is 0; returns max|out|."""
    if passed is not None:
        out *= np.unpackbits(passed, axis=-1, count=out.shape[-1], bitorder="little")
    return max_abs(out, ntask)
