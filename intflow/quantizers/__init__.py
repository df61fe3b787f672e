"""Schemes: one file a paper, one line each in `SCHEMES`. See README.md for the equations."""

from ..errors import UnknownNameError
from .faq import Faq
from .float_weight import FloatWeight
from .scheme import Scheme
from .wage import Wage

SCHEMES = {scheme.name: scheme for scheme in (Wage, Faq, FloatWeight)}


def make_scheme(name, bits, rounding=None, random=None):
    """The scheme `name` at `bits`, in any notation that the scheme reads.

    rounding, random : as `Scheme.__init__`; the paper's where left out.

    Examples
    --------
    ("wage", "2888"), ("wage", Bits(2, 8, 8, 8)), ("float-weight", "e4m3,8").
    """
    if name not in SCHEMES:
        raise UnknownNameError("scheme", name, SCHEMES)
    return SCHEMES[name].parse(bits, rounding, random)


__all__ = ["SCHEMES", "Faq", "FloatWeight", "Scheme", "Wage", "make_scheme"]
