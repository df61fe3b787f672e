"""Schemes: one file a paper, one line each in `SCHEMES`. See README.md for the equations."""

from ..errors import UnknownNameError
from ..formats import Bits, parse_bits
from .scheme import Scheme
from .wage import Wage

SCHEMES = {scheme.name: scheme for scheme in (Wage,)}


def make_scheme(name, bits, rounding=None, random=None):
    """The scheme `name` at `bits`, a Bits or any notation of it ("2888", "W2A8G8E8").

    rounding, random : as `Scheme.__init__`; the paper's where left out.
    """
    if name not in SCHEMES:
        raise UnknownNameError("scheme", name, SCHEMES)
    return SCHEMES[name](bits if isinstance(bits, Bits) else parse_bits(bits), rounding, random)


__all__ = ["SCHEMES", "Scheme", "Wage", "make_scheme"]
