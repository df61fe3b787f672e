"""The random numbers of a tensor that is rounded stochastically, by its address."""

import numpy as np

from ..errors import UsageError
from ..kernels.buffers import empty, packed_copy

PHILOX_BITS = 32


def draws(kernels, x, address):
    """One number for each element of x.

    Parameters
    ----------
    x : Tensor in memory layout.
    address : random_streams.Address.

    Returns
    -------
    (u32 of the shape of x, bits of each).

    Raises
    ------
    UsageError : no address.

    Examples
    --------
    x of axes NC and shape (2, 3), address.first = 4: elements 12 to 17 of the stream.
    """
    if address is None:
        raise UsageError(
            "stochastic rounding draws by step and layer, and nothing outside a step has these; "
            "take another rounding for the slot"
        )
    source = address.source
    if source is not None and source.kind != "philox":
        return source.draws_at(kernels, x, address), source.bits
    row = empty((x.codes.size,), np.uint32)
    place = address.seed, address.purpose, address.step, address.tensor
    kernels.random_u32(row, *place, first_element(x, address))
    order = x.logical_axes if "N" in x.axes else x.axes
    return in_memory(row, x, order), PHILOX_BITS


def first_element(x, address):
    """Index of the first element of x in the whole batch; 0 for a weight."""
    if "N" not in x.axes:
        return 0
    return address.first * (x.codes.size // x.shape[x.axes.index("N")])


def in_memory(row, tensor, order):
    """A row of elements in an order of the axes, laid out as the tensor is.

    Examples
    --------
    Row 0 1 2 3 4 5 in order OI for a tensor IO of shape (3, 2): [[0, 3], [1, 4], [2, 5]].
    """
    order = [axis for axis in order if axis in tensor.axes]
    shape = [tensor.shape[tensor.axes.index(axis)] for axis in order]
    laid = row.reshape(shape).transpose([order.index(axis) for axis in tensor.axes])
    return laid if laid.flags.c_contiguous else packed_copy(laid)
