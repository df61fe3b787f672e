"""The three products of a layer, with the proof that their accumulators hold.

Lingo: x activations, w weight codes, e errors; N C H W I O as in the house; (N, C) tensors
are convolutions with one pixel and one tap, so that one set of kernels serves both.
"""

import numpy as np

from ..errors import FormatError, ShapeError
from ..formats import Minifloat, Tensor
from ..kernels.buffers import ERRORS, GRADIENTS, SUMS, empty
from .bit_products import bits_win, multiply
from .bitwise import unpack
from .minifloat import by_digits
from .width import WIDEST_OPERAND, wide


def accumulator(a, b, terms):
    """Format of a sum of `terms` products of codes of formats a and b.

    Returns
    -------
    Fixed of the bits that hold the bound terms * max|a| * max|b|; its step is the product of
    the steps. Powers of two are bounded as the grid around them: running means of sums, and the
    digests of runs, depend on this width.

    Raises
    ------
    FormatError : where not even 64 bits hold the bound.

    Examples
    --------
    8-bit a (127), 2-bit b (1), 8192 terms: bound 1 040 384, 21 bits, held in s32.
    """
    frac_bits = b.mantissa_bits - b.lowest_exponent if isinstance(b, Minifloat) else b.frac_bits
    return wide(bound_bits(_grid(a), _grid(b), terms), a.frac_bits + frac_bits)


def bound_bits(a, b, terms):
    """Bits, sign included, that hold every sum of `terms` products of codes of a and b.

    Minifloat b: every exponent of the format may occur. Where 64 bits do not hold that, they are
    what is promised, and the sums are proven from the weights themselves (ops/minifloat.py).
    """
    if isinstance(b, Minifloat):
        largest = ((2 << b.mantissa_bits) - 1) << ((1 << b.exponent_bits) - 1 - b.zero)
        return min(64, (terms * magnitude(a) * largest).bit_length() + 1)
    return (terms * magnitude(a) * magnitude(b)).bit_length() + 1


def _grid(fmt):
    return fmt if isinstance(fmt, Minifloat) else fmt.grid


def magnitude(fmt):
    """Largest |code| of a format."""
    return max(abs(fmt.minimum), abs(fmt.maximum))


def conv2d(kernels, x, w, window):
    """y[n,o,h,w] = sum of x over the window times w, exact. Tensors HWNC and HWIO, or NC and IO."""
    if isinstance(w.format, Minifloat):
        return by_digits(kernels, x, w, window)
    height, width, images, _ = _four(x.shape)
    kh, kw, channels, outputs = _four(w.shape)
    fmt = accumulator(_operand(x), _operand(w), kh * kw * channels)
    window = window.resolve(height, width)
    out = empty((*window.output_size(height, width), images, outputs), fmt.dtype, SUMS)
    if out.dtype == np.int32 and bits_win(kernels, x, w, out.size // outputs):
        multiply(kernels, out, x, w, window.keywords())
    else:
        kernels.conv2d_forward(out, _codes(kernels, x), _codes(kernels, w), **window.keywords(),
                               w_max=magnitude(w.format))
    return Tensor(_like(out, x), fmt, x.axes)


def conv2d_error(kernels, e, w, window, input_shape):
    """Error at the input of `conv2d`: every e goes back along the taps it came by, exact.

    input_shape : shape of the input's codes, (H, W, N, I) or (N, I).
    """
    kh, kw, _, outputs = _four(w.shape)
    fmt = accumulator(_operand(e), _operand(w), kh * kw * (outputs // window.groups))
    out = empty(_four(input_shape), fmt.dtype, ERRORS)
    window = window.resolve(*out.shape[:2])
    kernels.conv2d_error(out, _codes(kernels, e), _codes(kernels, w), **window.keywords(),
                         w_max=magnitude(w.format))
    return Tensor(_like(out, e), fmt, e.axes)


def conv2d_gradient(kernels, x, e, window, weight_shape):
    """Gradient at the weights of `conv2d`: x times e summed over pixels and images, exact."""
    x4, e4 = _codes(kernels, x), _codes(kernels, e)
    fmt = accumulator(_operand(x), _operand(e), int(np.prod(e4.shape[:3])))
    flat = len(weight_shape) == 2
    out = empty((1, 1, *weight_shape) if flat else weight_shape, fmt.dtype, GRADIENTS)
    kernels.conv2d_gradient(out, x4, e4, **window.resolve(*x4.shape[:2]).keywords())
    return Tensor(out[0, 0] if flat else out, fmt, "IO" if flat else "HWIO")


def _operand(tensor):
    if tensor.format.bits > WIDEST_OPERAND:
        raise FormatError(
            f"a product takes operands of at most {WIDEST_OPERAND} bits, got "
            f"{tensor.format.bits}; put a Requantize before it"
        )
    return tensor.format


def _four(shape):
    """(H, W, N, C) or (KH, KW, I, O): one pixel, or one tap, where there are no others."""
    if len(shape) not in (2, 4):
        raise ShapeError(f"a product takes (N, C) or (H, W, N, C) codes, got shape {shape}")
    return shape if len(shape) == 4 else (1, 1, *shape)


def pixels(codes):
    """Codes (N, C) as those of one pixel; (H, W, N, C) as they are."""
    return codes.reshape(_four(codes.shape))


def _codes(kernels, tensor):
    """Codes as bytes or wider, four axes; a packed tensor is unpacked while the product runs."""
    return pixels(unpack(kernels, tensor).codes)


taps = pixels


def _like(out, tensor):
    return out if len(tensor.shape) == 4 else out[0, 0]
