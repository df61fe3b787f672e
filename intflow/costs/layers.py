"""What every layer costs, by pass: one line for every kind in `FORWARD` and in `BACKWARD`.

A function of FORWARD counts a layer's forward pass; one of BACKWARD takes the format of the error
behind the layer and returns that of the error before it, or None where nobody needs one. Both write
to `step` (operations.py), which knows shapes and formats before and behind every layer.
"""

from ..ops import bound_bits
from . import kernels
from .counts import Counts
from .norms import batch_norm, batch_norm_error
from .pools import pool_of
from .products import sizes_of
from .recurrent import embedding, embedding_error, recurrent, recurrent_error
from .widths import container


# forward -------------------------------------------------------------------------------------


def weighted(step, layer):
    """[W], the product, the bias."""
    before, after = step.before(layer), step.after(layer)
    x, w = step.format(before), step.slots.format(layer.weight_format)
    weights = layer.weight.master.codes.size
    step.count("forward", step.slots.weight(weights, layer.weight.master.format, w))
    sizes, n = sizes_of(layer, before, after, step.images), step.size(after)
    y = step.slots.product(x, w, sizes.taps * sizes.group_inputs)
    step.count("forward", kernels.product(
        sizes, x, w, y, [("activations", step.size(before), x), ("weights", weights, w)],
        [("activations", n, y)]))
    if layer.factors:
        y = _multiplied(step, "forward", n, y, layer.factors)
    if layer.bias is not None:
        bias = step.slots.format(layer.bias.master.format)
        step.count("forward",
                   kernels.add_bias(n, y, step.format(after), layer.bias.master.codes.size, bias))


def relu(step, layer):
    """One comparison a number, where the scheme rectifies."""
    if not layer.rectifies:
        return
    spec = step.after(layer)
    step.count("forward", kernels.relu(step.size(spec), step.format(spec)))


def requantize(step, layer):
    """[A]"""
    before, after = step.before(layer), step.after(layer)
    step.count("forward",
               step.slots.activation(step.size(after), step.format(before), step.format(after)))


def dropout(step, layer):
    """A random number, compared with the rate; what stays is shifted to the finer step."""
    spec, fmt = step.after(layer), step.format(step.after(layer))
    n = step.size(spec)
    moved = [("activations", n, step.format(step.before(layer)))]
    written = [("activations", n, fmt), ("masks", n, kernels.MASK)]
    step.count("forward", Counts.of(
        [("random", "32", n), ("compare", "32", n), ("shift", container(fmt), n)], moved, written))


def max_pool(step, layer):
    """Comparisons, and the winners."""
    step.count("forward", kernels.max_pool2d(_pool(step, layer), step.format(step.after(layer))))


def avg_pool(step, layer):
    """Additions and divisions."""
    formats = step.format(step.before(layer)), step.format(step.after(layer))
    step.count("forward", kernels.avg_pool2d(_pool(step, layer), *formats))


def flatten(step, layer):
    """A move: the engine's order of axes is that of pixels."""
    spec = step.after(layer)
    step.count("forward", kernels.move(step.size(spec), step.format(spec), "activations"))


def subsample(step, layer):
    """A move of the pixels that are taken."""
    before, after = step.before(layer), step.after(layer)
    taken = step.images * before.shape[0] * after.shape[1] * after.shape[2]
    step.count("forward",
               kernels.move(step.size(after), step.format(after), "activations", taken))


def response_norm(step, layer):
    """Squares of the neighbours, and a power from a table."""
    before, after = step.before(layer), step.after(layer)
    channels, size = before.shape[0], layer.size
    neighbours = sum(min(channels, c + (size - 1) // 2 + 1) - max(0, c - size // 2)
                     for c in range(channels))
    pixels = step.size(before) // channels
    step.count("forward", kernels.local_response_norm(
        step.size(before), pixels * neighbours, step.format(before), step.format(after)))


def sequential(step, layer):
    """The layers inside, in order."""
    for child in layer.children():
        step.forward(child)


def residual(step, layer):
    """Both ways, and their sum."""
    sequential(step, layer)
    ends = [step.format(step.after(child)) for child in layer.children()]
    spec = step.after(layer)
    step.count("forward",
               kernels.add_aligned(step.size(spec), *ends, step.format(spec), "activations"))


def concatenate(step, layer):
    """All branches; where their steps differ all are brought to the finest; one move."""
    sequential(step, layer)
    spec, ends = step.after(layer), [step.after(child) for child in layer.children()]
    if any(end.format != spec.format for end in ends):
        for end in ends:
            step.count("forward",
                       step.slots.align(step.size(end), step.format(end), step.format(spec)))
    step.count("forward", kernels.move(step.size(spec), step.format(spec), "activations"))


# backward ------------------------------------------------------------------------------------


def weighted_error(step, layer, e):
    """[E] where layers above widened the error; the gradient; the error, but for the images."""
    before, after = step.before(layer), step.after(layer)
    n, weights = step.size(after), layer.weight.master.codes.size
    if layer.factors:
        e = _multiplied(step, "error", n, e, layer.factors)
    e = step.narrowed(step.slots.operand, n, e)
    x, w = step.format(before), step.slots.format(layer.weight_format)
    sizes = sizes_of(layer, before, after, step.images)
    terms = n // sizes.outputs
    g = step.gradients[layer.name] = step.slots.gradient(x, e, terms)
    if not step.in_floats:
        step.gradient_bits[layer.name] = bound_bits(x, e, terms // step.images * step.whole)
    step.count("gradient", kernels.product(
        sizes, x, e, g, [("activations", step.size(before), x), ("errors", n, e)],
        [("gradients", weights, g)]))
    if layer.is_first:
        return None
    below = step.slots.product(e, w, sizes.taps * sizes.group_outputs)
    step.count("error", kernels.product(
        sizes, e, w, below, [("errors", n, e), ("weights", weights, w)],
        [("errors", step.size(before), below)]))
    return below


def _multiplied(step, name, n, fmt, factors):
    """All numbers times a multiplier of their channel; the format of the result."""
    role = "errors" if name == "error" else "activations"
    total = step.slots.product(fmt, step.slots.format(factors), 1)
    step.count(name, kernels.multiply(n, total, [(role, n, fmt)], [(role, n, total)]))
    return total


def masked_error(step, layer, e, mask=kernels.MASK):
    """The error where the mask is set."""
    step.count("error", kernels.apply_mask(step.size(step.after(layer)), e, mask))
    return e


def relu_error(step, layer, e):
    """The same, where the scheme rectifies."""
    return masked_error(step, layer, e) if layer.rectifies else e


def requantize_error(step, layer, e):
    """The mask first, [E] second. Floats have neither."""
    if step.in_floats:
        return e
    masked_error(step, layer, e, step.slots.mask)
    n = step.size(step.after(layer))
    counts, e = step.slots.slope(n, e, layer.format)
    step.count("error", counts)
    return step.narrowed(step.slots.activation_error, n, e)


def max_pool_error(step, layer, e):
    """Every error to its winner."""
    below = step.slots.pooled(e, layer.window)
    step.count("error", kernels.max_pool2d_backward(_pool(step, layer), e, below))
    return below


def avg_pool_error(step, layer, e):
    """A share of every error to every pixel of its window."""
    below = step.slots.averaged(e, layer.window)
    step.count("error", kernels.avg_pool2d_backward(_pool(step, layer), e, below))
    return below


def flatten_error(step, layer, e):
    """The move back."""
    step.count("error", kernels.move(step.size(step.after(layer)), e, "errors"))
    return e


def subsample_error(step, layer, e):
    """The move back, zeros where no pixel was taken."""
    before, after = step.before(layer), step.after(layer)
    taken = step.images * before.shape[0] * after.shape[1] * after.shape[2]
    step.count("error", kernels.move(step.size(before), e, "errors", taken))
    return e


def identity_error(step, layer, e):
    """Nothing: the layer is left out, or cannot be trained."""
    return e


def sequential_error(step, layer, e):
    """The layers inside, last to first, as far down as anybody needs an error."""
    for child in reversed(layer.children()):
        e = step.backward(child, e)
        if e is None:
            return None
    return e


def residual_error(step, layer, e):
    """Both ways, and the sum of their errors."""
    return _summed(step, layer, [step.backward(child, e) for child in layer.children()])


def concatenate_error(step, layer, e):
    """Every branch gets a copy of its channels; the errors add up."""
    below = []
    for child in layer.children():
        step.count("error", kernels.move(step.size(step.after(child)), e, "errors"))
        below.append(step.backward(child, e))
    return _summed(step, layer, below)


def _summed(step, layer, errors):
    """Errors that meet at one place, added one after the other; None where one is missing."""
    if any(e is None for e in errors):
        return None
    total, *others = errors
    for e in others:
        both = step.slots.sum(total, e)
        step.count("error",
                   kernels.add_aligned(step.size(step.before(layer)), total, e, both, "errors"))
        total = both
    return total


def _pool(step, layer):
    return pool_of(layer.window, step.images, step.before(layer).shape, step.after(layer).shape)


FORWARD = {
    "conv2d": weighted, "linear": weighted, "max_pool2d": max_pool, "avg_pool2d": avg_pool,
    "relu": relu, "dropout": dropout, "flatten": flatten, "requantize": requantize, "sequential": sequential,
    "residual": residual, "concatenate": concatenate, "batch_norm2d": batch_norm,
    "local_response_norm": response_norm, "subsample": subsample,
    "embedding": embedding, "rnn": recurrent, "lstm": recurrent, "gru": recurrent,
}
BACKWARD = {
    "conv2d": weighted_error, "linear": weighted_error, "max_pool2d": max_pool_error,
    "avg_pool2d": avg_pool_error, "relu": relu_error, "dropout": masked_error, "flatten": flatten_error,
    "requantize": requantize_error, "sequential": sequential_error, "residual": residual_error,
    "concatenate": concatenate_error, "batch_norm2d": batch_norm_error,
    "local_response_norm": identity_error, "subsample": subsample_error,
    "embedding": embedding_error, "rnn": recurrent_error, "lstm": recurrent_error,
    "gru": recurrent_error,
}
