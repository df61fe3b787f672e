"""Stochastic gradient descent, shorter where the gradient of the whole network is long."""

from fractions import Fraction

import numpy as np

from ..errors import RangeError
from ..formats import Fixed
from ..kernels.buffers import empty, is_planning
from ..random_streams import Address

LONGEST = 2             # log2 of the norm that a gradient may have
NORM_BITS = 20          # of the codes whose squares are summed: 2**22 of them stay below 2**62
WIDEST = 62


class ClippedSGD:
    """W <- clip(W - rate * g / images * 2**-max(0, n - 2)), n = round(log2 |g / images|).

    In real units: a code of the gradient is worth the step of its format, and `images` are the streams
    of a text. |g| is the norm of all gradients together, from integer squares of their 20 leading
    bits. No state is kept.

    Examples
    --------
    One stream, one weight, g = 23: log2(23) = 4.52 -> 5, so the step is 23 / 2**3 times the rate.
    """

    name = "clipped-sgd"
    settings = ()

    def step(self, kernels, scheme, parameters, rate, seed, step, images=1):
        """Update every parameter from its gradient; leaves the applied update beside it, where wanted.

        images : in the whole batch; the loss is their sum.
        """
        trained = [p for p in parameters if p.role in scheme.trained and p.gradient is not None]
        gradients = [scheme.gradient(kernels, p, Address(seed, "gradient", step, p.index))    # [G]
                     for p in trained]
        square = sum((squared(kernels, g) for g in gradients), Fraction(0))
        excess = max(0, norm_exponent(square * Fraction(1, images * images)) - LONGEST)
        share = Fraction(rate) * Fraction(1, images << excess)
        for parameter, gradient in zip(trained, gradients):
            _move(kernels, scheme, parameter, gradient, share, seed, step)


def squared(kernels, g):
    """Sum of the squares of a gradient's values, codes cut to NORM_BITS bits (rounded down).

    Examples
    --------
    Codes 3, -4 of step 1/2: 25/4.
    """
    drop = max(0, kernels.max_abs(g.codes).bit_length() - NORM_BITS)
    cut = empty(g.codes.shape, g.codes.dtype)
    if not is_planning():
        np.right_shift(g.codes, drop, out=cut)
    return kernels.sum_squares(cut) * Fraction(4) ** (drop - g.format.frac_bits)


def norm_exponent(square):
    """round(log2(sqrt(square))) of a Fraction; 0 for 0.

    Examples
    --------
    529: 5; 511: 4, for 512 = 2**9 is the turn.
    """
    if not square:
        return 0
    p, q = square.numerator, square.denominator
    whole = p.bit_length() - q.bit_length()
    if Fraction(2) ** whole > square:
        whole -= 1
    return (whole + 1) >> 1


def _move(kernels, scheme, parameter, gradient, share, seed, step):
    """Take the step, and leave it beside the parameter where it is wanted."""
    master = parameter.master
    gain = share * Fraction(2) ** (master.format.frac_bits - gradient.format.frac_bits)
    scale = _parts(gain, kernels.max_abs(gradient.codes), parameter)
    update = np.zeros(master.codes.shape if parameter.keeps_update else 0, np.int32)
    limit = scheme.master_limit(parameter)
    if scale is not None:
        parameter.gradient, kept = gradient, parameter.gradient
        scheme.take_step(kernels, parameter, update, scale, limit, seed, step)
        parameter.gradient = kept
    parameter.keep(update, Fixed(32, master.format.frac_bits))


def _parts(gain, largest, parameter):
    """(p, q, rshift), gain = p / (q * 2**rshift) with p and q odd; None where nothing moves.

    Raises
    ------
    RangeError : an update beyond 32 bits.
    """
    if 2 * largest * gain < 1:
        return None
    if largest * gain >= 1 << 31:
        raise RangeError(f"the update of {parameter.name} is {int(largest * gain)} of its units, more "
                         "than 32 bits; use a smaller learning rate")
    p, q = gain.numerator, gain.denominator
    up, down = (p & -p).bit_length() - 1, (q & -q).bit_length() - 1
    p, q, rshift = p >> up, q >> down, down - up
    bits = max((largest * p).bit_length() + max(-rshift, 0), q.bit_length() + max(rshift, 0))
    if bits > WIDEST:
        raise RangeError(f"the update of {parameter.name} takes {bits} bits and there are {WIDEST}; "
                         "use a learning rate of fewer digits, such as 1/8")
    return p, q, rshift
