"""ReLU, Requantize and Flatten: one output for one input."""

from .program import storage
from .values import Value, masked, narrowed


def relu_forward(program, layer, x):
    """max(x, 0) and the mask x > 0."""
    y = program.buffer(f"{layer.name}_y", x.type, x.size, takes=x.buffer)
    mask = program.kept(f"{layer.name}_mask", "u8", x.size)
    program.call("relu", (x.type,), y, mask, x.buffer, x.count)
    return Value(y, x.shape, x.format), mask


def relu_backward(program, layer, e, mask):
    """The error where x > 0."""
    return masked(program, layer, e, mask)


def requantize_forward(program, layer, x):
    """[A]: narrow codes, and the mask of those within the range."""
    fmt = layer.format
    y = program.buffer(f"{layer.name}_y", storage(fmt.bits), x.size)
    mask = program.kept(f"{layer.name}_mask", "u8", x.size)
    program.call("requantize_masked", (x.type, y.type), y, mask, x.buffer, x.count,
                 x.format.frac_bits - fmt.frac_bits, fmt.maximum)
    return Value(y, x.shape, fmt), mask


def requantize_backward(program, layer, e, mask):
    """The mask first, the maximum of [E] second."""
    e = masked(program, layer, e, mask)
    return narrowed(program, e, f"{layer.name}_e", program.error_bits)


def flatten_forward(program, layer, x):
    """N C H W is the order of the features: nothing moves."""
    return Value(x.buffer, (x.size,), x.format), x.shape


def flatten_backward(program, layer, e, shape):
    """The same memory with pixels."""
    return Value(e.buffer, shape, bits=e.bits, variable=e.variable)


def identity_forward(program, layer, x):
    """Under wage a batch norm is left out."""
    return x, None


def identity_backward(program, layer, e, saved):
    """Likewise."""
    return e
