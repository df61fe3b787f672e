"""A product with what follows it in one kernel, and the error's way back through the same.

Everything equals the chain of functions that it stands for, bit for bit; what it saves is the wide
sums, which are never stored, and masks of a byte an element.

Lingo: *passed* are packed masks, one bit an element (kernels/reference/packed.py); the error has to
pass all of them: within the range of A, and above 0 where there was a ReLU.
"""

import numpy as np

from ..formats import Tensor
from ..kernels.buffers import ACTIVATIONS, ERRORS, MASKS, empty
from .arithmetic import sum_format
from .linear_algebra import accumulator, magnitude, pixels, taps
from .requantize import format_by_maximum

BITS_OF = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1).astype(np.uint8)


def conv2d_requantized(kernels, x, w, window, bias, pool, relu, fmt, rounding, keep):
    """`conv2d`, `add_channels`, `max_pool2d`, `relu` and `requantize_masked` in one kernel.

    Parameters
    ----------
    x, w, window : as of `conv2d`. bias : Tensor C or None, its step that of the product or coarser.
    pool : Window or None. relu : bool.
    fmt, rounding : of the result.
    keep : whether masks and winners are wanted.

    Returns
    -------
    (y, passed, winner); None for what there is not.
    """
    x4, w4 = pixels(x.codes), taps(w.codes)
    sums = accumulator(x.format, w.format, int(np.prod(w4.shape[:3])))
    window = window.resolve(*x4.shape[:2])
    size, arguments = window.output_size(*x4.shape[:2]), None
    if bias is not None:
        bias, sums = _at(bias, sums), sum_format(sums, bias.format)
    if pool is not None:
        pool = pool.resolve(*size)
        size, arguments = pool.output_size(*size), (pool.kernel_size, pool.stride, pool.padding)
    shape = *size, x4.shape[2], w4.shape[3]
    out = empty(shape, fmt.dtype, ACTIVATIONS)
    passed = _masks(shape, relu) if keep else None
    winner = empty(shape, pool.index_dtype, MASKS) if keep and pool is not None else None
    kernels.conv2d_requantized(
        out, passed, winner, x4, w4, **window.keywords(), pool=arguments, relu=relu, bias=bias,
        rshift=sums.frac_bits - fmt.frac_bits, rounding=rounding, minimum=fmt.minimum,
        maximum=fmt.maximum, w_max=magnitude(w.format), wide=sums.dtype.itemsize == 8)
    flat = x.codes.ndim == 2
    return Tensor(out[0, 0] if flat else out, fmt, x.axes), passed, winner


def _at(bias, sums):
    """Codes of a bias in units of the sums."""
    return bias.codes.astype(np.int64) << (sums.frac_bits - bias.format.frac_bits)


def conv2d_error_masked(kernels, e, w, window, input_shape, passed):
    """`conv2d_error` and the largest magnitude of what passes.

    passed : packed masks of the input, as `requantize_packed` gives them; the first one counts.

    Returns
    -------
    (error, its largest magnitude); errors that do not pass are anything.
    """
    kh, kw, _, outputs = taps(w.codes).shape
    fmt = accumulator(e.format, w.format, kh * kw * (outputs // window.groups))
    flat = len(input_shape) == 2
    shape = (1, 1, *input_shape) if flat else input_shape
    out = empty(shape, fmt.dtype, ERRORS)
    window = window.resolve(*shape[:2])
    largest = kernels.conv2d_error_masked(
        out, pixels(e.codes), taps(w.codes), **window.keywords(),
        passed=passed[0].reshape(*shape[:3], -1), w_max=magnitude(w.format))
    return Tensor(out[0, 0] if flat else out, fmt, e.axes), largest


def requantize_packed(kernels, x, relu, fmt, rounding, keep):
    """`relu` where asked for and `requantize_masked`, in one pass: (y, passed or None)."""
    out = empty(x.codes.shape, fmt.dtype, ACTIVATIONS)
    passed = _masks(x.codes.shape, relu) if keep else None
    rshift = x.format.frac_bits - fmt.frac_bits
    kernels.requantize_packed(
        out, passed, x.codes, relu, rshift, rounding, fmt.minimum, fmt.maximum)
    return Tensor(out, fmt, x.axes), passed


def narrow_error(kernels, e, passed, largest, bits, rounding):
    """`mask_error`, `requantize_by_maximum` and the ReLU's `mask_error`, in one pass.

    largest : maximum of |e| where passed[0] is set.

    Examples
    --------
    e = 6, 40 of which 40 does not pass, 8 bits: 2**n = 8 is full scale, so e = 6 << 4 = 96, 0.
    """
    fmt = format_by_maximum(e.format, largest, bits)
    out = empty(e.codes.shape, fmt.dtype, ERRORS)
    passed = passed.reshape(len(passed), *e.codes.shape[:-1], -1)
    kernels.requantize_where(out, e.codes, passed, e.format.frac_bits - fmt.frac_bits, rounding,
                             fmt.minimum, fmt.maximum)
    return Tensor(out, fmt, e.axes)


def max_passed(kernels, e, passed):
    """Largest |e| where the first of the packed masks is set."""
    return kernels.max_abs_packed(e.codes, passed[0].reshape(*e.codes.shape[:-1], -1))


def count_passed(passed):
    """How many elements the first of the packed masks lets pass."""
    return int(BITS_OF[passed[0]].sum())


def _masks(shape, relu):
    return empty((1 + relu, *shape[:-1], -(-shape[-1] // 8)), np.uint8, MASKS)
