"""What a batch norm costs, by how it is computed: one line each in `FORWARD_NORMS` and `BACKWARD_NORMS`.

What is done once a channel is left out: it is nothing beside what is done once a number. A norm that
has no line here is refused.
"""

from ..errors import UsageError
from ..layers.norms import NORMS
from ..ops import normalise
from . import kernels, shift_norm
from .counts import Counts
from .widths import container, mac_width


def _frozen(step, layer):
    before, after = step.before(layer), step.after(layer)
    formats = [step.slots.format(p.master.format) for p in (layer.scale, layer.bias)]
    return kernels.scale_channels(
        step.size(after), step.format(before), formats[0], step.format(after), layer.channels,
        formats[1])


def _integer(step, layer):
    """Sum and sum of squares, then a multiplier, an offset, a shift and a saturation."""
    before, after = step.before(layer), step.after(layer)
    n, x, y = step.size(after), step.format(before), step.format(after)
    return _sums(n, x, x, [("activations", n, x)]) + _combined(n, 1, x, y, [("activations", n, x)],
                                                               ("activations", n, y))


def _frozen_error(step, layer, e):
    """A multiplication; in floats as well."""
    n, below = step.size(step.after(layer)), step.slots.product(
        e, step.slots.format(layer.scale.master.format), 1)
    step.count("error", Counts.of([("multiply", container(below), n)],
                                  [("errors", n, e)], [("errors", n, below)]))
    return below


def _integer_error(step, layer, e):
    """Sums of errors and of their products with x, then two multipliers and an offset."""
    n, x = step.size(step.after(layer)), step.format(step.before(layer))
    below = e if step.in_floats else normalise.wide(normalise.ERROR_BITS, 0)
    read = [("errors", n, e), ("activations", n, x)]
    step.count("error", _sums(n, e, x, read) + _combined(n, 2, x, below, read, ("errors", n, below)))
    return below


def _sums(n, a, b, read):
    """An addition and a multiply-accumulate for every number."""
    wide = WIDE if container(a).isdigit() else a
    return Counts.of([("add", container(wide), n), ("mac", mac_width(a, b, wide), n)], read)


def _combined(n, terms, x, y, read, written):
    """Multiply-accumulates in 64 bits; integers shift and saturate as well."""
    wide = WIDE if container(x).isdigit() else x
    operations = [("mac", mac_width(x, normalise.OUTPUT if wide is WIDE else x, wide), terms * n)]
    if wide is WIDE:
        operations += [("shift", "64", n), ("compare", "64", 2 * n)]
    return Counts.of(operations, read, [written])


def _shift(step, layer):
    if step.in_floats:
        return _integer(step, layer)
    after = step.after(layer)
    return shift_norm.forward(step.size(after), step.format(step.before(layer)), step.format(after))


def _shift_error(step, layer, e):
    if step.in_floats:
        return _integer_error(step, layer, e)
    counts, below = shift_norm.backward(
        step.size(step.after(layer)), step.format(step.before(layer)), e)
    step.count("error", counts)
    return below


WIDE = normalise.wide(64, 0)
FORWARD_NORMS = {"affine": _frozen, "integer": _integer, "shift": _shift}
BACKWARD_NORMS = {"affine": _frozen_error, "integer": _integer_error, "shift": _shift_error}


def batch_norm(step, layer):
    """Nothing where the layer is left out, else what its norm costs."""
    if layer.norm is not None:
        step.count("forward", _line(FORWARD_NORMS, layer)(step, layer))


def batch_norm_error(step, layer, e):
    """The error before it."""
    return e if layer.norm is None else _line(BACKWARD_NORMS, layer)(step, layer, e)


def _line(table, layer):
    name = next(name for name, norm in NORMS.items() if type(layer.norm) is norm)
    if name not in table:
        raise UsageError(f"the costs of the batch norm {name!r} are not known; count a scheme with "
                         f"one of {', '.join(table)}")
    return table[name]
