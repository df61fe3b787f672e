"""Every layer as ONNX nodes: a function of (graph, layer, x, weights) -> Value, a line in `NODES`.

weights : {layer name: Tensor}; the codes that enter the products.

Where one layer makes several nodes, all are exact but the rounding that is the layer's own.
"""

from math import prod

import numpy as np

from ..errors import ExportError
from ..formats import Fixed
from .onnx_graph import Value

EXACT_QUOTIENT = 1 << 23


def translate(graph, layer, x, weights):
    """The nodes of a layer and of all inside it; returns the Value of its output."""
    if layer.kind not in NODES:
        raise ExportError(f"{layer.name}: ONNX is written for the layers {', '.join(NODES)}")
    return NODES[layer.kind](graph, layer, x, weights)


def sequential(graph, layer, x, weights):
    """One after the other."""
    for inner in layer.layers:
        x = translate(graph, inner, x, weights)
    return x


def conv2d(graph, layer, x, weights):
    """Conv with the quantised weight."""
    window, name = layer.window, layer.name
    codes = weights[name]
    array = codes.logical()
    height, width = window.output_size(*x.shape[1:])
    return graph.add(
        name, "Conv", [x.name, weight(graph, name, codes, array)],
        (array.shape[0], height, width), x.frac_bits + codes.format.frac_bits, reach(x, array),
        **window_attributes(window), dilations=window.dilation, group=window.groups)


def linear(graph, layer, x, weights):
    """MatMul with the quantised weight, (I, O)."""
    codes = weights[layer.name]
    array = codes.logical()
    return graph.add(
        layer.name, "MatMul", [x.name, weight(graph, layer.name, codes, array.T)],
        (array.shape[0],), x.frac_bits + codes.format.frac_bits, reach(x, array))


def weight(graph, name, tensor, array):
    """A weight's values as a constant behind a Quant node, which changes none of them."""
    fmt = tensor.format
    values = np.ldexp(array.astype(np.float32), -fmt.frac_bits)
    stored = graph.constant(f"{name}_weight", np.ascontiguousarray(values))
    return graph.quantize(f"{name}_weight_quant", stored, list(array.shape), fmt)


def reach(x, array):
    """Largest |sum| of any output, and of any part of its sum: sum|w| * max|x|."""
    rows = np.abs(array.reshape(len(array), -1).astype(np.int64))
    return int(rows.sum(axis=1).max()) * x.bound


def max_pool2d(graph, layer, x, weights):
    """MaxPool; padding never wins there either."""
    shape = (x.shape[0], *layer.window.output_size(*x.shape[1:]))
    return graph.add(layer.name, "MaxPool", [x.name], shape, x.frac_bits, x.bound,
                     **window_attributes(layer.window))


def avg_pool2d(graph, layer, x, weights):
    """Sums by a convolution with ones, divided by their count and rounded half even.

    Exactness
    ---------
    With |sum| < 2**23 the float quotient of sum / count rounds like the exact one: they differ by
    less than 2**-24 of it, and the exact one, if no tie, is 1 / (2 count) or more away from a tie.
    """
    window, channels, name = layer.window, x.shape[0], layer.name
    if layer.guard_bits:
        raise ExportError(f"{name} keeps {layer.guard_bits} guard bits, which ONNX is not written "
                          "for; use --format hex or safetensors")
    count = prod(window.kernel_size)
    if count * x.bound >= EXACT_QUOTIENT:
        raise ExportError(f"{name} divides sums of {(count * x.bound).bit_length() + 1} bits and "
                          "float32 rounds 24 correctly; put Requantize before it")
    ones = graph.constant(f"{name}_ones", np.ones((channels, 1, *window.kernel_size), np.float32))
    shape = (channels, *window.output_size(*x.shape[1:]))
    sums = graph.add(name, "Conv", [x.name, ones], shape, x.frac_bits, count * x.bound,
                     **window_attributes(window), group=channels)
    mean = graph.add(name, "Div", [sums.name, graph.scalar(count)], shape, x.frac_bits, x.bound)
    fmt = Fixed(x.bound.bit_length() + 1, x.frac_bits, symmetric=True)
    out = graph.quantize(f"{name}_quant", mean.name, graph.dims(shape), fmt)
    return Value(out, shape, x.frac_bits, x.bound)


def relu(graph, layer, x, weights):
    """Relu."""
    return graph.add(layer.name, "Relu", [x.name], x.shape, x.frac_bits, x.bound)


def requantize(graph, layer, x, weights):
    """The slot A: a Quant node."""
    fmt = layer.format
    name = graph.quantize(f"{layer.name}_quant", x.name, graph.dims(x.shape), fmt)
    return Value(name, x.shape, fmt.frac_bits, fmt.maximum)


def identity(graph, layer, x, weights):
    """Nothing: under wage a batch norm is left out."""
    return x


def flatten(graph, layer, x, weights):
    """Flatten, in the order C, H, W."""
    shape = (prod(x.shape),)
    return graph.add(layer.name, "Flatten", [x.name], shape, x.frac_bits, x.bound, axis=1)


def residual(graph, layer, x, weights):
    """Add, exact at the finer of the two steps."""
    body = translate(graph, layer.body, x, weights)
    short = translate(graph, layer.shortcut, x, weights)
    frac_bits, bounds = aligned([body, short])
    names = [body.name, short.name]
    return graph.add(layer.name, "Add", names, body.shape, frac_bits, sum(bounds))


def concatenate(graph, layer, x, weights):
    """Concat along the channels; values stay, codes are those of the finest step."""
    branches = [translate(graph, branch, x, weights) for branch in layer.branches]
    frac_bits, bounds = aligned(branches)
    shape = (sum(b.shape[0] for b in branches), *branches[0].shape[1:])
    names = [branch.name for branch in branches]
    return graph.add(layer.name, "Concat", names, shape, frac_bits, max(bounds), axis=1)


def aligned(values):
    """The finest step among values, and their bounds in it."""
    frac_bits = max(value.frac_bits for value in values)
    return frac_bits, [value.bound << (frac_bits - value.frac_bits) for value in values]


def window_attributes(window):
    """Attributes of a window that Conv and MaxPool share; pads are top, left, bottom, right."""
    top, bottom, left, right = window.padding
    return dict(kernel_shape=window.kernel_size, strides=window.stride,
                pads=(top, left, bottom, right))


NODES = {
    "sequential": sequential,
    "conv2d": conv2d,
    "linear": linear,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "batch_norm2d": identity,
    "relu": relu,
    "requantize": requantize,
    "flatten": flatten,
    "residual": residual,
    "concatenate": concatenate,
}
