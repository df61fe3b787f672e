"""The seam under every weighted layer: who computes its three products.

Layers ask `Products` and know nothing else, so that a device model or a simulator can take the place
of the exact sums without a layer noticing.
"""

from ..formats import Minifloat
from .fused import conv2d_error_masked, conv2d_requantized
from .linear_algebra import conv2d, conv2d_error, conv2d_gradient
from .minifloat import KeptDigits, by_digits


class Products:
    """Exact products by the kernels of one backend.

    Whoever takes this place gives the same three methods. `layer` is the name of the layer that
    asks; operands and results are `Tensor`s in the memory layout (HWNC and HWIO, or NC and IO).
    """

    def __init__(self, kernels):
        self.kernels = kernels
        self._digits = KeptDigits()

    def forward(self, layer, x, w, window):
        """y = product(x, W); see `ops.conv2d`."""
        if isinstance(w.format, Minifloat):
            digits = self._digits.of(layer, w, window.groups)
            return by_digits(self.kernels, x, w, window, digits)
        return conv2d(self.kernels, x, w, window)

    def error(self, layer, e, w, window, input_shape):
        """Error at the input; see `ops.conv2d_error`."""
        return conv2d_error(self.kernels, e, w, window, input_shape)

    def gradient(self, layer, x, e, window, weight_shape):
        """Gradient at the weights; see `ops.conv2d_gradient`."""
        return conv2d_gradient(self.kernels, x, e, window, weight_shape)

    # with what follows, in one kernel: for those who want nothing but the exact sums -------------

    def can_fuse(self, x, w, bias):
        """Whether `requantized` takes these operands, and this bias or None."""
        if isinstance(w.format, Minifloat):
            return False
        return bias is None or bias.format.frac_bits <= x.format.frac_bits + w.format.frac_bits

    def requantized(self, x, w, window, *tail):
        """`forward` and its tail; see `ops.conv2d_requantized`."""
        return conv2d_requantized(self.kernels, x, w, window, *tail)

    def error_masked(self, e, w, window, input_shape, passed):
        """`error` and its maximum; see `ops.conv2d_error_masked`."""
        return conv2d_error_masked(self.kernels, e, w, window, input_shape, passed)
