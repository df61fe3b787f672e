"""Rows of a matrix by their numbers."""

import numpy as np

from ..formats import Tensor
from ..kernels.buffers import ACTIVATIONS, GRADIENTS, empty, is_planning
from .width import wide


def take_rows(w, rows):
    """y[n] = w[rows[n]].

    w : Tensor IO. rows : (N,) integers in [0, I).

    Examples
    --------
    w = [1], [2], rows = 1, 0, 1: [2], [1], [2].
    """
    out = empty((len(rows), w.codes.shape[1]), w.codes.dtype, ACTIVATIONS)
    if not is_planning():
        out[...] = w.codes[rows]
    return Tensor(out, w.format, "NC")


def sum_format_of_rows(fmt, count):
    """Format that holds the sum of `count` rows of codes of fmt; FormatError beyond 64 bits."""
    return wide(fmt.bits + (count - 1).bit_length(), fmt.frac_bits)


def sum_rows(e, rows, count):
    """y[i] = sum of e[n] over the n with rows[n] = i, exact.

    Parameters
    ----------
    e : Tensor NC. rows : (N,) integers in [0, count).

    Returns
    -------
    Tensor IO of shape (count, C); zeros where no n points.

    Raises
    ------
    FormatError : N errors of this format may need more than 64 bits.

    Examples
    --------
    e = [1], [2], [5], rows = 1, 0, 1, count = 3: [2], [6], [0].
    """
    fmt = sum_format_of_rows(e.format, len(rows))
    out = empty((count, e.codes.shape[1]), fmt.dtype, GRADIENTS)
    if not is_planning():
        order = np.argsort(rows, kind="stable")
        named, starts = np.unique(rows[order], return_index=True)
        out[...] = 0
        out[named] = np.add.reduceat(e.codes[order].astype(fmt.dtype), starts, axis=0)
    return Tensor(out, fmt, "IO")
