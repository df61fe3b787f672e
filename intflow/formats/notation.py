"""Names of formats and of bit widths: read them, print them.

    Q3.4  UQ0.8  Q0.7sym      fixed point: whole and fraction bits, the sign not counted
    s8  u8  s8sym             the same with a step of 1
    ap_fixed<16,6>            Vitis HLS: width and whole bits, the sign counted
    ap_ufixed<8,0,AP_RND_CONV,AP_SAT>      ... with how to narrow into it
    uniform<8,1/127,sym>      width and step; signed, unsigned or sym
    binary  binary<1/4>       -step and +step
    pow2<4>  pow2<4,-3>       powers of two: bits of a sign and an exponent, the highest exponent
    e4m3  e5m2ieee  e4m3b11ftz  e3m2nz     minifloat: exponent and mantissa bits, bias, no
                              subnormals (ftz), no zero (nz), specials; 1-4-3 is e4m3ftz
    2888  2-8-8-8  W2A8G8E8   the four widths of a training scheme
"""

import re
from dataclasses import astuple, dataclass
from fractions import Fraction

from intflow.errors import FormatError, UsageError
from intflow.formats.binary import Binary
from intflow.formats.fixed_point import Fixed
from intflow.formats.minifloat import Minifloat
from intflow.formats.power_of_two import PowerOfTwo
from intflow.formats.rounding import Overflow, Rounding
from intflow.formats.uniform import Uniform

AP_ROUNDING = {
    "AP_TRN": Rounding.FLOOR,
    "AP_TRN_ZERO": Rounding.TOWARD_ZERO,
    "AP_RND": Rounding.HALF_UP,
    "AP_RND_INF": Rounding.HALF_AWAY,
    "AP_RND_CONV": Rounding.HALF_EVEN,
    "AP_RND_MIN_INF": Rounding.HALF_DOWN,
    "AP_RND_ZERO": Rounding.HALF_TOWARD_ZERO,
}
AP_OVERFLOW = {
    "AP_WRAP": (Overflow.WRAP, False),
    "AP_SAT": (Overflow.SATURATE, False),
    "AP_SAT_SYM": (Overflow.SATURATE, True),
}
BITS = (*range(1, 17), 32)
_LONGEST = 200


@dataclass(frozen=True)
class Narrowing:
    """A format together with how numbers are narrowed into it, as `ap_fixed<...>` says."""

    format: Fixed
    rounding: Rounding
    overflow: Overflow

    def __str__(self):
        fit = (self.overflow, self.format.symmetric)
        modes = ([name for name, rounding in AP_ROUNDING.items() if rounding == self.rounding]
                 + [name for name, pair in AP_OVERFLOW.items() if pair == fit])
        if len(modes) < 2:
            raise FormatError(f"{self!r} has no ap_fixed name")
        return f"{_ap_name(self.format)[:-1]},{','.join(modes)}>"


@dataclass(frozen=True)
class Bits:
    """Widths of weights, activations, gradients (updates) and errors; 32 means wide.

    Examples
    --------
    str(Bits(2, 8, 8, 8)) is "2888"; Bits(4, 4, 16, 16) is "W4A4G16E16".
    """

    weight: int
    activation: int
    gradient: int
    error: int

    def __post_init__(self):
        for slot, bits in zip("WAGE", astuple(self)):
            if bits not in BITS:
                raise FormatError(f"{slot} has {bits} bits; legal are 1 to 16, and 32 for wide")

    def __str__(self):
        widths = astuple(self)
        if all(2 <= bits <= 9 for bits in widths):
            return "".join(str(bits) for bits in widths)
        return "".join(f"{slot}{bits}" for slot, bits in zip("WAGE", widths))


def parse_bits(text):
    """Return the `Bits` that "2888", "2-8-8-8" or "W2A8G8E8" name, in the order W A G E.

    Examples
    --------
    "W4A4G16E16" -> Bits(4, 4, 16, 16); "2-8-12-12" -> Bits(2, 8, 12, 12).
    """
    for pattern in (r"(\d)(\d)(\d)(\d)", r"(\d{1,2})-(\d{1,2})-(\d{1,2})-(\d{1,2})",
                    r"W(\d{1,2})A(\d{1,2})G(\d{1,2})E(\d{1,2})"):
        if match := _match(pattern, text):
            return Bits(*(int(group) for group in match.groups()))
    raise FormatError(f"bits {_shown(text)} are not four widths; write 2888, 2-8-8-8 or W2A8G8E8"
                      " (weights, activations, gradients, errors; above 9: 2-8-12-32 or"
                      " W2A8G12E32)")


def parse_format(text):
    """Return the format that a notation names; see the head of this module.

    The modes of `ap_fixed<16,6,AP_RND_CONV,AP_SAT>` are no part of a format: `parse_narrowing`
    returns them too.

    Examples
    --------
    "Q3.4" -> Fixed(8, 4); "ap_fixed<16,6>" -> Fixed(16, 10); "u8" -> Fixed(8, 0, signed=False);
    "e4m3" -> Minifloat(4, 3).
    """
    for pattern, build in _NOTATIONS.items():
        if match := _match(pattern, text):
            return build(*match.groups())
    raise FormatError(f"unknown format {_shown(text)}; write Q3.4, UQ0.8, s8, u8, ap_fixed<16,6>,"
                      " uniform<8,1/127>, binary, pow2<4> or e4m3")


def parse_narrowing(text):
    """Return the `Narrowing` that "ap_fixed<W,I,rounding,overflow>" names.

    Modes left out are those of the notation: AP_TRN (floor) and AP_WRAP.

    Examples
    --------
    "ap_fixed<8,1,AP_RND_CONV,AP_SAT>": Fixed(8, 7), half_even, saturate. str() prints it back.
    """
    match = _match(_AP, text)
    if not match:
        raise FormatError(f"unknown narrowing {_shown(text)}; write"
                          " ap_fixed<16,6,AP_RND_CONV,AP_SAT>")
    return _ap(*match.groups())


def format_name(format, notation="q"):
    """Return the name that `parse_format` reads back.

    Parameters
    ----------
    format : Fixed, Uniform, Binary, PowerOfTwo or Minifloat.
    notation : "q" for the shortest name (also str(format)), "ap" for ap_fixed<...>.

    Examples
    --------
    Fixed(8, 4): "Q3.4" and "ap_fixed<8,4>"; Fixed(8, 0): "s8" and "ap_fixed<8,8>".
    """
    if notation == "q":
        return str(format)
    if notation != "ap":
        raise UsageError(f"notation is q or ap, got {notation!r}")
    if not isinstance(format, Fixed):
        raise FormatError(f"only fixed point has an ap_fixed name, not {format}")
    return str(Narrowing(format, Rounding.FLOOR, Overflow.SATURATE)) if format.symmetric \
        else _ap_name(format)


def _match(pattern, text):
    text = str(text)
    if len(text) > _LONGEST:
        return None
    return re.fullmatch(pattern, text.strip(), re.ASCII | re.IGNORECASE)


def _shown(text):
    text = str(text)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _q(unsigned, whole, fraction, sym):
    whole, fraction = int(whole), int(fraction)
    bits = whole + fraction + (not unsigned)
    return Fixed(bits, fraction, not unsigned, bool(sym))


def _integer(kind, bits, sym):
    return Fixed(int(bits), 0, kind in "sS", bool(sym))


def _ap(unsigned, bits, whole, rounding, overflow):
    rounding, overflow = (rounding or "AP_TRN").upper(), (overflow or "AP_WRAP").upper()
    for mode, table in ((rounding, AP_ROUNDING), (overflow, AP_OVERFLOW)):
        if mode not in table:
            raise FormatError(f"ap_fixed mode {mode} is not supported; write one of"
                              f" {', '.join(table)}")
    mode, symmetric = AP_OVERFLOW[overflow]
    format = Fixed(int(bits), int(bits) - int(whole), not unsigned, symmetric)
    return Narrowing(format, AP_ROUNDING[rounding], mode)


def _ap_name(format):
    whole = format.bits - format.frac_bits
    return f"ap_{'' if format.signed else 'u'}fixed<{format.bits},{whole}>"


def _uniform(bits, step, kind):
    kind = (kind or "signed").lower()
    return Uniform(int(bits), _fraction(step), kind != "unsigned", kind == "sym")


def _fraction(text):
    numerator, _, denominator = text.partition("/")
    if denominator and int(denominator) == 0:
        raise FormatError(f"a step is a fraction > 0, got {text}")
    return Fraction(int(numerator), int(denominator or 1))


def _minifloat(exponent, mantissa, bias, flush, specials):
    flush = (flush or "").lower()
    return Minifloat(int(exponent), int(mantissa), int(bias) if bias else None, not flush,
                     (specials or "none").lower(), flush != "nz")


_AP = r"ap_(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*(?:,\s*(\w+)\s*)?(?:,\s*(\w+)\s*)?>"
_STEP = r"\s*(\d+(?:/\d+)?)\s*"
_NOTATIONS = {
    r"(u?)Q(-?\d+)\.(-?\d+)(sym)?": _q,
    r"([su])(\d+)(sym)?": _integer,
    _AP: lambda *groups: _ap(*groups).format,
    rf"uniform<\s*(\d+)\s*,{_STEP}(?:,\s*(signed|unsigned|sym)\s*)?>": _uniform,
    rf"binary(?:<{_STEP}>)?": lambda step: Binary(_fraction(step or "1")),
    r"pow2<\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?>": lambda bits, highest: PowerOfTwo(
        int(bits), int(highest or 0)),
    r"e(\d+)m(\d+)(?:b(-?\d+))?(ftz|nz)?(fn|ieee)?": _minifloat,
    r"1-(\d+)-(\d+)": lambda e, m: _minifloat(e, m, None, "ftz", None),
}
