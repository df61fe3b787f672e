"""What layers of text cost: embeddings, and recurrent layers with their two products.

The rows of a step are all tokens of a window; the error that the first of them would hand down is
counted too, though nobody takes it. Gates are counted with the hard sigmoid and tanh, in
32 bits: a shift by a number of places is a shift and the addition of its carry.
"""

from ..ops import sum_format_of_rows
from . import kernels
from .counts import Counts
from .widths import container

FORWARD_OPERATIONS = {      # a unit: multiplications, shifts with carries, other additions, comparisons
    "rnn": (0, 3, 1, 4), "gru": (4, 10, 8, 10), "lstm": (3, 14, 8, 12),
}
BACKWARD_OPERATIONS = {
    "rnn": (1, 2, 1, 4), "gru": (9, 6, 7, 16), "lstm": (12, 8, 2, 24),
}


def embedding(step, layer):
    """[W] of all rows; one row moves for every token."""
    after = step.after(layer)
    weights, codes = layer.weight.master, step.slots.format(layer.weight_format)
    step.count("forward", step.slots.weight(weights.codes.size, weights.format, codes))
    step.count("forward", kernels.move(step.size(after), step.format(after), "activations"))


def embedding_error(step, layer, e):
    """The errors of every token's rows, added up."""
    n = step.size(step.after(layer))
    g = e if step.in_floats else sum_format_of_rows(e, step.images)
    step.gradients[layer.name] = g
    step.count("gradient", Counts.of(
        [("add", container(g), n)], [("errors", n, e)], [("gradients", layer.weight.master.codes.size, g)]))


def recurrent(step, layer):
    """The products of all steps, and the gates."""
    step.forward(layer.inputs)
    step.forward(layer.hidden)
    _elementwise(step, layer, "forward", FORWARD_OPERATIONS, "activations")


def recurrent_error(step, layer, e):
    """The errors at the gates, the gradients of both products, and both errors below."""
    if not step.in_floats:
        n = step.size(step.after(layer))
        narrow = layer.step_format
        step.count("error", kernels.max_abs(n, e, "errors") + kernels.requantize(n, e, narrow, "errors"))
        e = narrow
    _elementwise(step, layer, "error", BACKWARD_OPERATIONS, "errors")
    step.backward(layer.hidden, e)
    return step.backward(layer.inputs, e)


def _elementwise(step, layer, name, table, role):
    """The operations of all units in all rows; sums and gates read and written once."""
    spec = step.after(layer)
    n, fmt = step.size(spec), step.slots.format(layer.gates.cell)
    width = container(fmt)
    multiply, shift, add, compare = table[layer.kind]
    operations = [("multiply", width, multiply * n), ("add", width, (add + shift) * n),
                  ("compare", width, compare * n)]
    operations += [] if step.in_floats else [("shift", width, shift * n)]
    sums, kept = layer.blocks * n, layer.kept * n
    step.count(name, Counts.of(operations, [(role, 2 * sums, fmt)], [(role, kept + n, fmt)]))
