"""Sequential, Residual and Concatenate: layers around layers."""

from functools import reduce
from math import prod

from ... import ops
from ...errors import ExportError
from .program import storage
from .values import Value


def sequential_forward(program, layer, x):
    """One layer after the other."""
    trail = []
    for inner in layer.layers:
        x, saved = program.forward(inner, x)
        trail.append(saved)
    return x, trail


def sequential_backward(program, layer, e, trail):
    """The same way back, to where nobody needs the error."""
    for inner, saved in zip(reversed(layer.layers), reversed(trail)):
        e = program.backward(inner, e, saved)
        if e is None:
            return None
    return e


def residual_forward(program, layer, x):
    """y = body(x) + shortcut(x), exact; ExportError where that is not known now."""
    y, body = program.forward(layer.body, x)
    z, short = program.forward(layer.shortcut, x)
    gap = abs(y.format.frac_bits - z.format.frac_bits)
    coarse = min((y.format, z.format), key=lambda fmt: fmt.frac_bits)
    if gap + coarse.bits > 62:
        raise ExportError(
            f"{layer.name}: its branches differ by {gap} bits and their sum needs more than 62; "
            "end both in Requantize"
        )
    fmt = ops.sum_format(y.format, z.format)
    plan = "intflow_plan_sum({}, {})".format(*map(_make_format, (y.format, z.format)))
    program.line(f"sum = {plan};")
    out = _add(program, f"{layer.name}_y", y, z, fmt.bits)
    return Value(out, y.shape, fmt), (body, short)


def _make_format(fmt):
    return f"intflow_make_format({fmt.bits}, {fmt.frac_bits})"


def _add(program, name, a, b, bits):
    """The sum of two values of one shape; the variable `sum` says how their steps meet."""
    out = program.buffer(name, storage(bits), a.size)
    program.call("add", (a.type, b.type, out.type), out, a.buffer, b.buffer, a.count, "&sum")
    return out


def _add_errors(program, name, a, b):
    """Errors of two branches; how far apart their steps are is only known at run time."""
    program.line(f"sum = intflow_plan_sum({a.variable}, {b.variable});")
    program.line("if (sum.format.bits == 0)")
    program.line("    return INTFLOW_TOO_WIDE;")
    out = _add(program, name, a, b, 64)
    return Value(out, a.shape, variable=program.format("sum.format"))


def residual_backward(program, layer, e, saved):
    """e down both ways; the two errors add up."""
    body, short = saved
    below = program.backward(layer.body, e, body)
    beside = program.backward(layer.shortcut, e, short)
    if below is None or beside is None:
        return None
    return _add_errors(program, f"{layer.name}_e", below, beside)


def concatenate_forward(program, layer, x):
    """Channels of every branch, at the finest step of all."""
    values, trails = zip(*(program.forward(branch, x) for branch in layer.branches))
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


def concatenate_backward(program, layer, e, saved):
    """Every branch gets its channels; the errors below add up."""
    below, first = [], 0
    for branch, trail, shape in zip(layer.branches, *saved):
        part = program.buffer(f"{branch.name}_part", e.type, prod(shape))
        program.call("take_channels", (e.type,), part, e.buffer, "n", prod(shape), e.size, first)
        value = Value(part, shape, bits=e.bits, variable=e.variable)
        below.append(program.backward(branch, value, trail))
        first += prod(shape)
    if any(b is None for b in below):
        return None
    return reduce(lambda a, b: _add_errors(program, f"{layer.name}_e", a, b), below)
