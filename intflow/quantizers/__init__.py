"""Schemes: one file a paper, one line each in `SCHEMES`. See README.md for the equations."""

from ..errors import UnknownNameError, UsageError
from .faq import Faq
from .float_weight import FloatWeight
from .qnn import Qnn
from .qnn_recurrent import QnnRecurrent
from .scheme import Scheme
from .wage import Wage
from .wrpn import Wrpn

SCHEMES = {scheme.name: scheme for scheme in (Wage, Qnn, Wrpn, Faq, FloatWeight)}
RECURRENT = {scheme.name: scheme for scheme in (QnnRecurrent,)}      # as they train recurrent nets


def make_scheme(name, bits, rounding=None, random=None, options=None, recurrent=False):
    """The scheme `name` at `bits`, in any notation that the scheme reads.

    rounding, random, options : as `Scheme.__init__`; the paper's where left out. Options may also
        be a text such as "batch_norm=trained".
    recurrent : whether it is for a recurrent net.

    Examples
    --------
    ("wage", "2888"), ("wage", Bits(2, 8, 8, 8)), ("float-weight", "e4m3,8").
    """
    if name not in SCHEMES:
        raise UnknownNameError("scheme", name, SCHEMES)
    if recurrent and name not in RECURRENT:
        raise UsageError(f"the {name} scheme trains no recurrent nets; use --scheme "
                         f"{', '.join(RECURRENT)}")
    table = RECURRENT if recurrent else SCHEMES
    return table[name].parse(bits, rounding, random, options)


__all__ = ["SCHEMES", "Faq", "FloatWeight", "Qnn", "QnnRecurrent", "Scheme", "Wage", "Wrpn", "make_scheme"]
