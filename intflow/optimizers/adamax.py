"""Shift-based AdaMax: a step is a shift of the averaged gradient."""

from math import prod

import numpy as np

from ..errors import RangeError
from ..formats import Fixed, shiftexp
from ..random_streams import Address

UNIT_BITS = 18          # of the largest gradient of the first step: late ones must not fall below 1
FARTHEST = 60           # bits of an aligned gradient, of which 30 are kept


class AdaMax:
    """m <- m + (g - m) / 8; v <- max(v - v / 1024, |g|); W <- clip(W - AP2(rate f) m / AP2(v)).

    [QNN shift AdaMax]  The state, beside every parameter that the scheme trains:

        m, v    s32, in one unit
        unit    s64 (1,); fraction bits of that unit. It is fixed by the first gradient that is not
                zero, whose largest magnitude becomes about 2**18.

    f is the Glorot factor of the layer as a power of two, see `glorot_exponent`. There is no bias
    correction: m starts at 0 and warms up in 8 steps. Gradients 2**12 times the first are cut. The
    published code keeps AP2(v) alone, which never decays: the scheme's option adamax=code.

    Notes
    -----
    The learning rate is a power of two, for values of W in [-1, 1].
    """

    name = "adamax"
    settings = ()

    def step(self, kernels, scheme, parameters, rate, seed, step, images=1):
        """Update every parameter from its gradient; leaves the update where one is kept.

        images : in the whole batch; no matter to a step that is divided by the gradient's size.
        """
        for parameter in parameters:
            if parameter.role in scheme.trained:
                address = Address(seed, "gradient", step, parameter.index)
                gradient = scheme.gradient(kernels, parameter, address)               # [G]
                self._move(kernels, scheme, parameter, gradient, rate)

    def _move(self, kernels, scheme, parameter, gradient, rate):
        master = parameter.master
        m, v = (state_of(parameter, name) for name in "mv")
        update = np.empty(master.codes.shape if parameter.keeps_update else 0, np.int32)
        align = self._alignment(kernels, parameter, gradient)
        rshift = -scheme.check_rate(rate) - master.format.frac_bits
        if parameter.role == "weight":
            rshift -= glorot_exponent(master.codes.shape)
        limit = scheme.master_limit(parameter)
        kernels.adamax_update(master.codes, update, m, v, gradient.codes, align, rshift,
                              scheme.overwrites, -limit, limit)
        parameter.keep(update, Fixed(32, master.format.frac_bits))

    def _alignment(self, kernels, parameter, gradient):
        """Places to the right that bring the gradient to the unit of m."""
        largest, frac_bits = kernels.max_abs(gradient.codes), gradient.format.frac_bits
        if not largest:
            return 0
        if "unit" not in parameter.state:
            unit = frac_bits + UNIT_BITS - shiftexp(largest)
            parameter.state["unit"] = np.array([unit], np.int64)
        align = frac_bits - int(parameter.state["unit"][0])
        if largest.bit_length() - align > FARTHEST:
            raise RangeError(
                f"the gradient of {parameter.name} is 2**{largest.bit_length() - align - UNIT_BITS} "
                "times that of its first step; use a smaller learning rate"
            )
        return align


def state_of(parameter, name):
    """An average of the optimiser, zeros before the first step."""
    if name not in parameter.state:
        parameter.state[name] = np.zeros(parameter.master.codes.shape, np.int32)
    return parameter.state[name]


def glorot_exponent(shape):
    """round(log2(sqrt((fan_in + fan_out) * area / 1.5))), of a weight HWIO or IO.  [QNN Glorot]

    The code multiplies a layer's rate by this factor, with area = KH * KW and fans of one tap; it
    is taken as a power of two for every layer.

    Examples
    --------
    1024 to 1024: sqrt(1365) = 36.9 -> 5. 3x3 of 128 to 128: sqrt(1536) = 39.2 -> 5.
    """
    *area, inputs, outputs = shape
    square = 2 * (inputs + outputs) * prod(area)
    # round(log2(sqrt(square / 3))) = j asks for 2**(2j - 1) <= square / 3 < 2**(2j + 1).
    return (square // 3).bit_length() >> 1
