"""Products of powers of two by shifts: the definition, in the place of the byte products.

For tests, and for who models a datapath of shifters: `trainer.network.products = ShiftProducts(kernels)`
steps a network with the same bits as ever, slowly.
"""

from ..formats import Binary, Fixed, PowerOfTwo, Tensor
from ..kernels.reference import shift_products
from .bitwise import unpack
from .linear_algebra import conv2d, conv2d_error, conv2d_gradient
from .products import Products


class ShiftProducts(Products):
    """`Products` of which those with an operand of powers of two take words and shift.

    Examples
    --------
    x = 3 and w = -4, a word 0b111 of PowerOfTwo(3): -(3 << 2) = -12.
    """

    def forward(self, layer, x, w, window):
        """y = product(x, W)."""
        if not _has_powers(x, w):
            return super().forward(layer, x, w, window)
        x, w = (self._bytes(t) for t in (x, w))
        return conv2d(_Shifts(x, w), x, w, window)

    def error(self, layer, e, w, window, input_shape):
        """Error at the input."""
        if not _has_powers(w):
            return super().error(layer, e, w, window, input_shape)
        return conv2d_error(_Shifts(e, w), e, w, window, input_shape)

    def gradient(self, layer, x, e, window, weight_shape):
        """Gradient at the weights."""
        if not _has_powers(x):
            return super().gradient(layer, x, e, window, weight_shape)
        return conv2d_gradient(_Shifts(x, e), x, e, window, weight_shape)

    def _bytes(self, tensor):
        """Signs as integers of two bits, so that no product of bits is thought of."""
        if not isinstance(tensor.format, Binary):
            return tensor
        fmt = Fixed(2, tensor.format.frac_bits, symmetric=True)
        return Tensor(unpack(self.kernels, tensor).codes, fmt, tensor.axes)


class _Shifts:
    """The three products of two operands, powers of two turned into words."""

    def __init__(self, a, b):
        self.formats = a.format, b.format

    def conv2d_forward(self, out, x, w, w_max=None, **window):
        shift_products.shift_forward(out, *self._words(x, w), *self._bits(), **window)

    def conv2d_error(self, out, e, w, w_max=None, **window):
        shift_products.shift_error(out, *self._words(e, w), self._bits()[1], **window)

    def conv2d_gradient(self, out, x, e, **window):
        shift_products.shift_gradient(out, *self._words(x, e), self._bits()[0], **window)

    def _words(self, *codes):
        return [fmt.words(c) if bits else c for fmt, c, bits in zip(self.formats, codes, self._bits())]

    def _bits(self):
        return [fmt.bits if isinstance(fmt, PowerOfTwo) else 0 for fmt in self.formats]


def _has_powers(*tensors):
    return any(isinstance(t.format, PowerOfTwo) for t in tensors)
