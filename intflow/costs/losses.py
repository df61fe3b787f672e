"""What every loss costs: one line in `LOSS_COSTS` for every line of `losses.LOSSES`.

A function takes the step and the format of the n outputs and returns (counts, format of the error).
Counting wrong images is part of it; the value of the loss is where a kernel sums it.
"""

from ..formats import Fixed
from . import kernels
from .counts import Counts
from .widths import container


def sum_of_squares(step, n, y):
    """1 is taken from the label's output; squares are summed, the largest output is found."""
    e = y if step.in_floats else Fixed(64, 0)
    found = Counts.of(
        [("add", container(e), step.images), ("compare", container(y), n - step.images)],
        [("activations", 2 * n, y)], [("errors", n, e)])
    return found + kernels.sum_squares(n, e, "errors"), e


def softmax(step, n, y):
    """Maximum, differences, powers, their sum, one division each; the largest output is found.

    In integers a power is a multiplication by log2(e), three shifts and a look-up, and a rounded
    quotient a shift, an addition and a division; in floats they are a look-up and a division.
    """
    e = y if step.in_floats else Fixed(32, 0)
    width = container(y) if step.in_floats else "64"
    operations = [("compare", width, 2 * (n - step.images)), ("lookup", width, n),
                  ("divide", width, n), ("add", width, 2 * n)]
    if not step.in_floats:
        operations += [("multiply", width, n), ("shift", width, 4 * n), ("add", width, n)]
    return Counts.of(operations, [("activations", 2 * n, y)], [("errors", n, e)]), e


def squared_hinge(step, n, y):
    """The margin less t y, cut at 0; squares are summed, the largest output is found."""
    e = y if step.in_floats else Fixed(64, 0)
    found = Counts.of(
        [("add", container(e), n), ("compare", container(e), n),
         ("compare", container(y), n - step.images)],
        [("activations", 2 * n, y)], [("errors", n, e)])
    return found + kernels.sum_squares(n, e, "errors"), e


LOSS_COSTS = {"sse": sum_of_squares, "softmax": softmax, "hinge": squared_hinge}
