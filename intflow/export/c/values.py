"""Tensors of a program: which buffer holds one, and what its integers mean.

Activations have formats that are known now. The step of an error follows the data, so errors carry
the name of a C variable that holds their format; their bits are known (None: only at run time,
where errors of branches met).
"""

from dataclasses import dataclass
from math import prod

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


def window(program, layer, shape, outputs):
    """Pointer to the geometry of a window over images of `shape`."""
    window = layer.window.resolve(*shape[1:])
    name = f"intflow_{layer.name}_window"
    top, _, left, _ = window.padding
    program.windows[name] = (*shape, outputs, *window.output_size(*shape[1:]), *window.kernel_size,
                             *window.stride, top, left, *window.dilation, window.groups)
    return f"&{name}"


def weight_name(parameter):
    """C name of a weight: conv2d_1.weight -> intflow_conv2d_1_weight."""
    return "intflow_" + parameter.name.replace(".", "_")
