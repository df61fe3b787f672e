"""Max and average pools. `overlap` windows may share a pixel, and their errors add up there."""

from math import prod

from ... import ops
from ...errors import ExportError
from ...formats import Fixed
from ...ops.pooling import AVERAGE_GUARD_BITS
from .program import storage
from .values import Value, window


def _pooled(layer, shape):
    return (shape[0], *layer.window.output_size(*shape[1:]))


def _overlap(window):
    """Windows that may share one pixel."""
    return prod(-(-k // s) for k, s in zip(window.kernel_size, window.stride))


def max_pool_forward(program, layer, x):
    """The largest of each window, and its tap."""
    shape = _pooled(layer, x.shape)
    index = "u8" if prod(layer.window.kernel_size) <= 256 else "u16"
    y = program.buffer(f"{layer.name}_y", x.type, prod(shape))
    winner = program.kept(f"{layer.name}_winner", index, prod(shape))
    program.call("max_pool2d", (x.type, index), y, winner, x.buffer, f"n * {shape[0]}",
                 window(program, layer, x.shape, shape[0]))
    return Value(y, shape, x.format), (winner, index, x.shape)


def max_pool_backward(program, layer, e, saved):
    """Each error to its window's winner, as wide as `ops.max_pool2d_error` makes it."""
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
                 f"n * {shape[0]}", window(program, layer, shape, shape[0]))
    return Value(out, shape, bits=bits, variable=variable)


def avg_pool_forward(program, layer, x):
    """half_even(sum / size); ExportError where 64 bits do not hold the sum."""
    shape = _pooled(layer, x.shape)
    size = prod(layer.window.kernel_size)
    if layer.guard_bits or any(layer.window.padding):
        raise ExportError(
            f"{layer.name}: C averages windows without padding and guard bits; export it as hex"
        )
    if x.format.bits + size.bit_length() > 63:
        raise ExportError(
            f"{layer.name}: sums of {size} codes of {x.format.bits} bits need more than 64 bits; "
            "put a Requantize before it"
        )
    y = program.buffer(f"{layer.name}_y", x.type, prod(shape))
    program.call("avg_pool2d", (x.type,), y, x.buffer, f"n * {shape[0]}",
                 window(program, layer, x.shape, shape[0]))
    return Value(y, shape, x.format), x.shape


def avg_pool_backward(program, layer, e, shape):
    """A share of the error to each pixel, as wide as `ops.avg_pool2d_error` makes it."""
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
                 window(program, layer, shape, shape[0]), lshift)
    return Value(out, shape, bits=bits, variable=variable)


def _checked_format(program, expression, bits):
    """A format; where its bits are only known at run time the step ends if there are too many."""
    variable = program.format(expression)
    if bits is None:
        program.line(f"if ({variable}.bits == 0)")
        program.line("    return INTFLOW_TOO_WIDE;")
    return variable
