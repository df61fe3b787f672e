"""What a product put in place of the engine's is told besides its operands."""

from dataclasses import dataclass
from math import prod

from .. import ops

LOGICAL_WEIGHT = {4: (3, 2, 0, 1), 2: (1, 0)}           # HWIO -> OIHW, IO -> OI
LOGICAL_PIXELS = {4: (2, 3, 0, 1), 2: (0, 1)}           # HWNC -> NCHW, NC -> NC


@dataclass(frozen=True)
class Geometry:
    """One product of one layer, in logical order.

    layer, product : "conv2d_1"; "forward", "error" or "gradient".
    input_shape : (N, C, H, W), or (N, I) of a linear layer.
    weight_shape : (O, C/groups, KH, KW), or (O, I).
    output_shape : (N, O, OH, OW), or (N, O).
    kernel_size, stride, dilation : (h, w); padding : (top, bottom, left, right) zeros.
    groups : int. A linear layer has one pixel and one tap.
    formats : Fixed of the two operands and of the result; their steps and proven widths.

    Examples
    --------
    conv2d_1 of LeNet, batch 8: input (8, 1, 28, 28), weight (32, 1, 5, 5), output (8, 32, 24, 24).
    """

    layer: str
    product: str
    input_shape: tuple
    weight_shape: tuple
    output_shape: tuple
    kernel_size: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
    groups: int
    formats: tuple

    @property
    def result_shape(self):
        """Shape of what this product gives: output, input (error) or weight (gradient)."""
        return {"forward": self.output_shape, "error": self.input_shape,
                "gradient": self.weight_shape}[self.product]

    @property
    def axes(self):
        """Axes of the result: NCHW or NC, for a gradient OIHW or OI."""
        axes = "OIHW" if self.product == "gradient" else "NCHW"
        return axes[:len(self.result_shape)]

    def integers(self):
        """The 20 integers that a C function gets: sizes as if of a convolution, then the window.

        N C H W, O C/groups KH KW, OH OW, stride h w, padding top bottom left right, dilation h w,
        groups, and 0, 1 or 2 for forward, error or gradient.
        """
        return (*_four(self.input_shape), *_four(self.weight_shape), *_four(self.output_shape)[2:],
                *self.stride, *self.padding, *self.dilation, self.groups,
                ("forward", "error", "gradient").index(self.product))


def geometry_of(layer, product, window, operands, input_shape, weight_shape):
    """The Geometry of a product as layers ask for it; shapes in memory order (HWNC, HWIO).

    operands : the two Tensors.
    """
    height, width = input_shape[:2] if len(input_shape) == 4 else (1, 1)
    window = window.resolve(height, width)
    x, w = (_logical(shape, order) for shape, order in (
        (input_shape, LOGICAL_PIXELS), (weight_shape, LOGICAL_WEIGHT)))
    pixels = window.output_size(height, width)
    y = (x[0], w[0], *(pixels if len(x) == 4 else ()))
    terms = {"forward": prod(w[1:]), "error": prod(w) // w[1] // window.groups,
             "gradient": x[0] * prod(pixels)}[product]
    formats = [operand.format for operand in operands]
    return Geometry(layer, product, x, w, y, window.kernel_size, window.stride, window.padding,
                    window.dilation, window.groups, (*formats, ops.accumulator(*formats, terms)))


def _logical(shape, order):
    return tuple(int(shape[axis]) for axis in order[len(shape)])


def _four(shape):
    return shape if len(shape) == 4 else (*shape, 1, 1)
