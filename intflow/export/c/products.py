"""Conv2d and Linear: the three products, and the update at once."""

from math import prod

from ... import ops
from ...formats import Fixed
from .program import storage
from .values import Value, narrowed, weight_name, window


def forward(program, layer, x):
    """[W], then y = product(x, w), exact."""
    parameter, fmt = layer.weight, layer.weight_format
    master = parameter.master.format
    w = program.buffer(f"{layer.name}_w", storage(fmt.bits), fixed=parameter.master.codes.size)
    rshift = master.frac_bits - (fmt.bits - 1)
    program.call("requantize", (storage(master.bits), w.type), w, weight_name(parameter), w.count,
                 rshift, fmt.maximum)
    spec = ops.accumulator(x.format, fmt, parameter.fan_in)
    y = program.buffer(f"{layer.name}_y", storage(spec.bits), prod(_product_shape(layer, x)))
    program.call(f"{layer.kind}_forward", (x.type, w.type, y.type), y, x.buffer, w, "n",
                 *_geometry(program, layer, x.shape))
    return Value(y, _product_shape(layer, x), spec), (x, w)


def backward(program, layer, e, saved):
    """The gradient, the update from it, and the error below unless x are the images."""
    x, w = saved
    if e.bits is None or e.bits > ops.WIDEST_OPERAND:
        e = narrowed(program, e, f"{layer.name}_operand", program.error_bits)
    geometry = _geometry(program, layer, x.shape)
    operand = Fixed(e.bits, 0, symmetric=True)
    terms = prod(e.shape[1:]) * program.images
    bits = ops.accumulator(x.format, operand, terms).bits
    g = program.buffer(f"{layer.name}_g", storage(bits), fixed=w.count)
    program.call(f"{layer.kind}_gradient", (x.type, e.type, g.type), g, x.buffer, e.buffer, "n",
                 *geometry)
    _update(program, layer, g)
    if layer.is_first:
        return None
    fmt = ops.accumulator(operand, layer.weight_format, _error_terms(layer))
    out = program.buffer(f"{layer.name}_e", storage(fmt.bits), x.size)
    program.call(f"{layer.kind}_error", (e.type, w.type, out.type), out, e.buffer, w, "n",
                 *geometry)
    frac_bits = f"{e.variable}.frac_bits + {layer.weight_format.frac_bits}"
    variable = program.format(f"intflow_make_format({fmt.bits}, {frac_bits})")
    return Value(out, x.shape, bits=fmt.bits, variable=variable)


def _update(program, layer, g):
    """[G], at once: the products below read the codes that the forward pass left."""
    parameter = layer.weight
    *taps, inputs, outputs = parameter.master.codes.shape
    name, master = weight_name(parameter), storage(parameter.master.format.bits)
    shape = f"&{name}_shape"
    program.shapes[f"{name}_shape"] = (outputs, inputs, prod(taps))
    program.line(f"stream.tensor = {parameter.index};")
    program.call("update", (master, g.type), name, g, shape, program.master_limit, "rate",
                 "&stream", before="if (", after=" != INTFLOW_OK)")
    program.line("    return INTFLOW_BAD_RATE;")


def _product_shape(layer, x):
    if layer.kind == "linear":
        return (layer.out_features,)
    return (layer.out_channels, *layer.window.output_size(*x.shape[1:]))


def _error_terms(layer):
    kh, kw = layer.window.kernel_size
    return kh * kw * (layer.weight.master.codes.shape[-1] // layer.window.groups)


def _geometry(program, layer, shape):
    """The last arguments of a product's kernels."""
    if layer.kind == "linear":
        return shape[0], layer.out_features
    return (window(program, layer, shape, layer.out_channels),)
