"""Stochastic gradient descent with momentum and weight decay, in integers."""

from fractions import Fraction

import numpy as np

from ..errors import RangeError, UsageError
from ..formats import Fixed, Rounding
from ..random_streams import Address

FINER = 8                   # bits of the velocity below the step of the master
LIMIT = 1 << 30             # where the velocity saturates
WIDEST = 62
NOTHING = 20                # a product below 2**-20 of a unit is left out


class Momentum:
    """v <- v * momentum + rate * (g / images + weight_decay * w); w <- clip(w - v).

    In real units: a code of the gradient is worth the step of its format, so that no layer needs a
    rate of its own. v has 32 bits, 8 of them below the step of w; what becomes of v, of g and of w
    in it, and of v in w, is rounded stochastically, or small gradients would never move a weight.

    Parameters
    ----------
    momentum, weight_decay : Fraction, text or None (the scheme's); the decay takes weights alone.

    Raises
    ------
    RangeError : a momentum outside [0, 1), a decay below 0, or more bits than 64-bit products take.
    """

    name = "momentum"
    settings = "momentum", "weight_decay"

    def __init__(self, momentum=None, weight_decay=None):
        self.momentum = None if momentum is None else Fraction(momentum)
        self.weight_decay = None if weight_decay is None else Fraction(weight_decay)
        if not 0 <= (self.momentum or 0) < 1:
            raise RangeError(f"a momentum lies in [0, 1), got {momentum}; 7/8 is usual")
        if (self.weight_decay or 0) < 0:
            raise RangeError(f"a weight decay starts at 0, got {weight_decay}; 1/8192 is usual")

    def step(self, kernels, scheme, parameters, rate, seed, step, images=1):
        """Update every parameter that the scheme trains; leaves the update where one is kept.

        images : in the whole batch; the loss is their sum.
        """
        _expect_stochastic(scheme)
        for parameter in parameters:
            if parameter.gradient is not None and parameter.role in scheme.trained:
                address = Address(seed, "gradient", step, parameter.index)
                share = Fraction(rate) * Fraction(1, images)
                self._update(kernels, scheme, parameter, rate, share, address)

    def _update(self, kernels, scheme, parameter, rate, share, address):
        w, g = parameter.master, scheme.gradient(kernels, parameter, address)      # [G]
        velocity = parameter.state.setdefault("velocity", np.zeros(w.codes.shape, np.int32))
        finer = w.format.frac_bits + FINER
        gain = share * scheme.rate_factor(parameter) * _power(finer - g.format.frac_bits)
        loss = 1 - (scheme.momentum if self.momentum is None else self.momentum)
        decay = self._decay(scheme, parameter) * rate * _power(FINER)
        limit = scheme.master_limit(parameter)
        update = np.empty(w.codes.shape if parameter.keeps_update else 0, np.int32)
        kernels.momentum_update(
            w.codes, velocity, update, g.codes,
            _parts(gain, kernels.max_abs(g.codes), parameter), _parts(loss, LIMIT, parameter),
            _parts(decay, limit, parameter), FINER, -limit, limit, LIMIT,
            address.seed, address.step, address.tensor,
        )
        parameter.keep(update, Fixed(32, w.format.frac_bits, symmetric=True))

    def _decay(self, scheme, parameter):
        if parameter.role != "weight":
            return Fraction(0)
        return scheme.weight_decay if self.weight_decay is None else self.weight_decay


def _expect_stochastic(scheme):
    kind = "philox" if scheme.random is None else scheme.random.kind
    if scheme.rounding.get("gradient") is not Rounding.STOCHASTIC or kind != "philox":
        raise UsageError(
            f"{scheme.name} with momentum rounds its updates stochastically by the engine's own "
            "stream; take the device's rounding of the gradient or its random source away"
        )


def _power(exponent):
    return Fraction(2) ** exponent


def _parts(factor, largest, parameter):
    """A factor >= 0 as (p, q, rshift), factor = p / (q * 2**rshift), p and q odd.

    largest : no |code| that is multiplied is larger. A product below 2**-NOTHING is left out.

    Raises
    ------
    RangeError : products that need more than 63 bits.

    Examples
    --------
    3/20: (3, 5, 2).
    """
    p, q = factor.numerator, factor.denominator
    if not p or not largest or largest.bit_length() + p.bit_length() < q.bit_length() - NOTHING:
        return 0, 1, 0
    up, down = (p & -p).bit_length() - 1, (q & -q).bit_length() - 1
    p, q, rshift = p >> up, q >> down, down - up
    product = largest.bit_length() + p.bit_length() + max(-rshift, 0)
    if max(product, q.bit_length() + max(rshift, 0)) > WIDEST:
        raise RangeError(
            f"{parameter.name}: its update multiplies {largest.bit_length()} bits by {p} / {q} * 2**"
            f"{-rshift}, and 64 bits do not hold that; use a rate, momentum and weight decay of "
            "fewer digits, or a smaller rate"
        )
    return p, q, rshift
