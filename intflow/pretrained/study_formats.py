"""Which formats of weights a study compares, and what each costs.

Lingo: *kind* is "fixed" or "minifloat". A grid such as "s4..s12,e4m1..e4m6" is a list of names,
where A..B stands for all names between two that differ in one number. Of s8 and e4m3 every layer
has its own radix point or bias; Q1.6 and e4m3b8 are the same for all layers.
"""

import re
from fractions import Fraction

from ..costs import weight_multiplier
from ..errors import FormatError
from ..formats import Minifloat
from ..quantizers import FloatWeight

GRID = "s4..s12,e4m1..e4m6"
LONGEST = 32            # names in one A..B
LAYER_BYTES = 1         # a layer's own bias or radix point


def parse_grid(text, activations=8):
    """The schemes of a grid, fixed point first, narrow before wide.

    Parameters
    ----------
    text : names as FloatWeight takes them, with commas between; A..B for a run of them.
    activations : int; bits of the activations of all.

    Returns
    -------
    list of FloatWeight, each with its own `formats`.

    Raises
    ------
    FormatError : a name that is no format of weights, or ends of a run that do not fit.

    Examples
    --------
    "s7..s8,e4m2..e4m3": s7, s8, e4m2, e4m3.
    """
    names = [name for part in str(text).split(",") for name in _run(part.strip())]
    schemes = [FloatWeight(name, activations) for name in dict.fromkeys(names)]
    return sorted(schemes, key=lambda scheme: (kind(scheme.weights), scheme.weights.bits))


def _run(part):
    """The names that "s4..s12" stands for; a name alone stands for itself."""
    first, dots, last = part.partition("..")
    if not dots:
        return [part]
    first, last = (re.split(r"(\d+)", end.strip()) for end in (first, last))
    differ = [i for i, (a, b) in enumerate(zip(first, last)) if a != b]
    if len(first) != len(last) or len(differ) != 1 or not first[differ[0]].isdecimal():
        raise FormatError(f"{part}: the ends of a run differ in one number; write s4..s12 or "
                          "e4m1..e4m6")
    place = differ[0]
    low, high = int(first[place]), int(last[place])
    if not low < high < low + LONGEST:
        raise FormatError(f"{part}: a run goes upwards by fewer than {LONGEST}, as s4..s12")
    return ["".join([*first[:place], str(n), *first[place + 1:]]) for n in range(low, high + 1)]


def kind(fmt):
    """ "minifloat" or "fixed"."""
    return "minifloat" if isinstance(fmt, Minifloat) else "fixed"


def short_name(fmt):
    """Name of a format whose bias or radix point is each layer's own.

    Examples
    --------
    Fixed(8, 0, symmetric=True): "s8"; Minifloat(4, 3): "e4m3".
    """
    return str(fmt).removesuffix("sym")


def weight_bytes(counts, bits):
    """Bytes of the weights of layers, each packed, filled up to a byte, with its own radix point.

    counts : weights of every layer.

    Examples
    --------
    Layers of 3 and 8 weights, 7 bits: 21 and 56 bits, 3 + 7 bytes, and one a layer: 12.
    """
    return sum((count * bits + 7) // 8 + LAYER_BYTES for count in counts)


def multiplier_size(fmt, activations):
    """NAND2 equivalents of a multiplier of such a weight and an activation, a Fraction; see costs.

    Examples
    --------
    s8 and 8 bits: 1,606 transistors, 803/2.
    """
    return Fraction(weight_multiplier(fmt, activations).nand2)
