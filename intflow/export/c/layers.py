"""Every layer as calls of C kernels: the same forward/backward pairs as in `intflow.layers`.

`forward(program, layer, x)` returns (y, saved), `backward(program, layer, e, saved)` the error
below or None, exactly where the engine's layer does. Nothing is computed here: a `Value` names the
buffer that will hold a tensor, and says its shape and format.

Activations have formats that are known now. The step of an error follows the data, so errors carry
the name of a C variable that holds their format; their bits are known (None: only at run time, where
errors of branches met).
"""

from dataclasses import dataclass
from functools import reduce
from math import prod

from ... import ops
from ...errors import ExportError
from ...formats import Fixed
from ...ops.pooling import AVERAGE_GUARD_BITS
from .program import Buffer, storage


@dataclass(frozen=True)
class Value:
    """A tensor of the program: its buffer, the shape of one image, a format.

    format : Fixed, of an activation. bits, variable : of an error.
    """

    buffer: Buffer
    shape: tuple
    format: object = None
    bits: int = None
    variable: str = None

    @property
    def type(self):
        """Type of its elements."""
        return self.buffer.type

    @property
    def size(self):
        """Elements of one image."""
        return prod(self.shape)

    @property
    def count(self):
        """C expression of the elements of the batch."""
        return f"n * {self.size}"


def forward(program, layer, x):
    """(y, saved) of any layer."""
    return _pair(layer)[0](program, layer, x)


def backward(program, layer, e, saved):
    """The error below any layer, or None where nobody needs it."""
    return _pair(layer)[1](program, layer, e, saved)


def _pair(layer):
    if layer.kind not in LAYERS_IN_C:
        raise ExportError(
            f"{layer.name}: {layer.kind} has no C kernel; export a net of {', '.join(LAYERS_IN_C)}"
        )
    return LAYERS_IN_C[layer.kind]


def narrowed(program, e, name, bits):
    """[E]: an error at `bits` bits, its step taken from its largest magnitude."""
    out = program.buffer(name, storage(bits), e.size)
    variable = program.next_format()
    program.call("requantize_by_maximum", (e.type, out.type), out, e.buffer, e.count, e.variable,
                 bits, before=f"{variable} = ")
    return Value(out, e.shape, bits=bits, variable=variable)


def masked(program, layer, e, mask):
    """An error where the mask is set, 0 elsewhere."""
    out = program.buffer(f"{layer.name}_masked", e.type, e.size, takes=e.buffer)
    program.call("apply_mask", (e.type,), out, e.buffer, mask, e.count)
    return Value(out, e.shape, bits=e.bits, variable=e.variable)


# products ----------------------------------------------------------------------------------


def _product_forward(program, layer, x):
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


def _product_backward(program, layer, e, saved):
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
    program.call(f"{layer.kind}_error", (e.type, w.type, out.type), out, e.buffer, w, "n", *geometry)
    variable = program.format(
        f"intflow_make_format({fmt.bits}, {e.variable}.frac_bits + {layer.weight_format.frac_bits})"
    )
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
    return (_window(program, layer, shape, layer.out_channels),)


def weight_name(parameter):
    """C name of a weight: conv2d_1.weight -> intflow_conv2d_1_weight."""
    return "intflow_" + parameter.name.replace(".", "_")


def _window(program, layer, shape, outputs):
    """Pointer to the geometry of a window over images of `shape`."""
    window = layer.window.resolve(*shape[1:])
    name = f"intflow_{layer.name}_window"
    top, _, left, _ = window.padding
    program.windows[name] = (*shape, outputs, *window.output_size(*shape[1:]), *window.kernel_size,
                             *window.stride, top, left, *window.dilation, window.groups)
    return f"&{name}"


# pools and elementwise ----------------------------------------------------------------------


def _pooled(layer, shape):
    return (shape[0], *layer.window.output_size(*shape[1:]))


def _overlap(window):
    """Windows that may share one pixel."""
    return prod(-(-k // s) for k, s in zip(window.kernel_size, window.stride))


def _max_pool_forward(program, layer, x):
    shape = _pooled(layer, x.shape)
    index = "u8" if prod(layer.window.kernel_size) <= 256 else "u16"
    y = program.buffer(f"{layer.name}_y", x.type, prod(shape))
    winner = program.kept(f"{layer.name}_winner", index, prod(shape))
    program.call("max_pool2d", (x.type, index), y, winner, x.buffer, f"n * {shape[0]}",
                 _window(program, layer, x.shape, shape[0]))
    return Value(y, shape, x.format), (winner, index, x.shape)


def _max_pool_backward(program, layer, e, saved):
    winner, index, shape = saved
    overlap = _overlap(layer.window)
    bits = None
    if e.bits is not None:
        bits = (overlap * Fixed(e.bits, 0, symmetric=True).maximum).bit_length() + 1
        bits = bits if bits <= ops.WIDEST_OPERAND else ops.wide(bits, 0).bits
    variable = _checked_format(
        program, f"intflow_max_pool_format({e.variable}, {overlap})", bits)
    out = program.buffer(f"{layer.name}_e", storage(bits or 64), prod(shape))
    program.call("max_pool2d_error", (e.type, index, out.type), out, e.buffer, winner,
                 f"n * {shape[0]}", _window(program, layer, shape, shape[0]))
    return Value(out, shape, bits=bits, variable=variable)


def _avg_pool_forward(program, layer, x):
    shape = _pooled(layer, x.shape)
    size = prod(layer.window.kernel_size)
    if x.format.bits + size.bit_length() > 63:
        raise ExportError(f"{layer.name}: sums of {size} codes of {x.format.bits} bits need more than "
                          "64 bits; put a Requantize before it")
    y = program.buffer(f"{layer.name}_y", x.type, prod(shape))
    program.call("avg_pool2d", (x.type,), y, x.buffer, f"n * {shape[0]}",
                 _window(program, layer, x.shape, shape[0]))
    return Value(y, shape, x.format), x.shape


def _avg_pool_backward(program, layer, e, shape):
    size, overlap = prod(layer.window.kernel_size), _overlap(layer.window)
    lshift = (size - 1).bit_length() + AVERAGE_GUARD_BITS
    bits = None
    if e.bits is not None:
        most = Fixed(e.bits, 0, symmetric=True).maximum
        bits = ops.wide((overlap * ((most << lshift) // size + 1)).bit_length() + 1, 0).bits
    variable = _checked_format(
        program, f"intflow_avg_pool_format({e.variable}, {overlap}, {size}, {lshift})", bits)
    out = program.buffer(f"{layer.name}_e", storage(bits or 64), prod(shape))
    program.call("avg_pool2d_error", (e.type, out.type), out, e.buffer, f"n * {shape[0]}",
                 _window(program, layer, shape, shape[0]), lshift)
    return Value(out, shape, bits=bits, variable=variable)


def _checked_format(program, expression, bits):
    """A format; where its bits are only known at run time the step ends if there are too many."""
    variable = program.format(expression)
    if bits is None:
        program.line(f"if ({variable}.bits == 0)")
        program.line("    return INTFLOW_TOO_WIDE;")
    return variable


def _relu_forward(program, layer, x):
    y = program.buffer(f"{layer.name}_y", x.type, x.size, takes=x.buffer)
    mask = program.kept(f"{layer.name}_mask", "u8", x.size)
    program.call("relu", (x.type,), y, mask, x.buffer, x.count)
    return Value(y, x.shape, x.format), mask


def _requantize_forward(program, layer, x):
    fmt = layer.format
    y = program.buffer(f"{layer.name}_y", storage(fmt.bits), x.size)
    mask = program.kept(f"{layer.name}_mask", "u8", x.size)
    program.call("requantize_masked", (x.type, y.type), y, mask, x.buffer, x.count,
                 x.format.frac_bits - fmt.frac_bits, fmt.maximum)
    return Value(y, x.shape, fmt), mask


def _requantize_backward(program, layer, e, mask):
    return narrowed(program, masked(program, layer, e, mask), f"{layer.name}_e", program.error_bits)


def _flatten_forward(program, layer, x):
    """N C H W is the order of the features: nothing moves."""
    return Value(x.buffer, (x.size,), x.format), x.shape


def _flatten_backward(program, layer, e, shape):
    return Value(e.buffer, shape, bits=e.bits, variable=e.variable)


# combinators --------------------------------------------------------------------------------


def _sequential_forward(program, layer, x):
    trail = []
    for inner in layer.layers:
        x, saved = forward(program, inner, x)
        trail.append(saved)
    return x, trail


def _sequential_backward(program, layer, e, trail):
    for inner, saved in zip(reversed(layer.layers), reversed(trail)):
        e = backward(program, inner, e, saved)
        if e is None:
            return None
    return e


def _residual_forward(program, layer, x):
    y, body = forward(program, layer.body, x)
    z, short = forward(program, layer.shortcut, x)
    gap = abs(y.format.frac_bits - z.format.frac_bits)
    coarse = min((y.format, z.format), key=lambda fmt: fmt.frac_bits)
    if gap + coarse.bits > 62:
        raise ExportError(f"{layer.name}: its branches differ by {gap} bits and their sum needs more "
                          "than 62; end both in Requantize")
    fmt = ops.sum_format(y.format, z.format)
    plan = "intflow_plan_sum({}, {})".format(*map(_make_format, (y.format, z.format)))
    out = _sum(program, f"{layer.name}_y", y, z, plan, fmt.bits)
    return Value(out, y.shape, fmt), (body, short)


def _make_format(fmt):
    return f"intflow_make_format({fmt.bits}, {fmt.frac_bits})"


def _sum(program, name, a, b, plan, bits):
    """The sum of two values of one shape; `plan` says in C how their steps meet."""
    out = program.buffer(name, storage(bits), a.size)
    program.line(f"sum = {plan};")
    if bits == 64:
        program.line("if (sum.format.bits == 0)")
        program.line("    return INTFLOW_TOO_WIDE;")
    program.call("add", (a.type, b.type, out.type), out, a.buffer, b.buffer, a.count, "&sum")
    return out


def _add_errors(program, name, a, b):
    """Errors of two branches; how far apart their steps are is only known at run time."""
    out = _sum(program, name, a, b, f"intflow_plan_sum({a.variable}, {b.variable})", 64)
    return Value(out, a.shape, variable=program.format("sum.format"))


def _residual_backward(program, layer, e, saved):
    body, short = saved
    below = backward(program, layer.body, e, body)
    beside = backward(program, layer.shortcut, e, short)
    if below is None or beside is None:
        return None
    return _add_errors(program, f"{layer.name}_e", below, beside)


def _concatenate_forward(program, layer, x):
    values, trails = zip(*(forward(program, branch, x) for branch in layer.branches))
    fmt = ops.common_format([v.format for v in values])
    whole = sum(v.size for v in values)
    y = program.buffer(f"{layer.name}_y", storage(fmt.bits), whole)
    first = 0
    for v in values:
        program.call("put_channels", (v.type, y.type), y, v.buffer, "n", v.size, whole, first,
                     fmt.frac_bits - v.format.frac_bits)
        first += v.size
    shape = (sum(v.shape[0] for v in values), *values[0].shape[1:])
    return Value(y, shape, fmt), (trails, [v.shape for v in values])


def _concatenate_backward(program, layer, e, saved):
    below, first = [], 0
    for branch, trail, shape in zip(layer.branches, *saved):
        part = program.buffer(f"{branch.name}_part", e.type, prod(shape))
        program.call("take_channels", (e.type,), part, e.buffer, "n", prod(shape), e.size, first)
        value = Value(part, shape, bits=e.bits, variable=e.variable)
        below.append(backward(program, branch, value, trail))
        first += prod(shape)
    if any(b is None for b in below):
        return None
    return reduce(lambda a, b: _add_errors(program, f"{layer.name}_e", a, b), below)


LAYERS_IN_C = {
    "conv2d": (_product_forward, _product_backward),
    "linear": (_product_forward, _product_backward),
    "max_pool2d": (_max_pool_forward, _max_pool_backward),
    "avg_pool2d": (_avg_pool_forward, _avg_pool_backward),
    "relu": (_relu_forward, masked),
    "flatten": (_flatten_forward, _flatten_backward),
    "requantize": (_requantize_forward, _requantize_backward),
    "sequential": (_sequential_forward, _sequential_backward),
    "residual": (_residual_forward, _residual_backward),
    "concatenate": (_concatenate_forward, _concatenate_backward),
}
