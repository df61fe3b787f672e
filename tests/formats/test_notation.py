"""Every notation parses, prints and parses back; what is no notation says so in one line."""

import re
from fractions import Fraction

import pytest
from formats.strategies import fixed, formats
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import FormatError, UsageError
from intflow.formats import (
    Binary,
    Bits,
    Fixed,
    Minifloat,
    Narrowing,
    Overflow,
    PowerOfTwo,
    Rounding,
    Uniform,
    format_name,
    parse_bits,
    parse_format,
    parse_narrowing,
)
from intflow.formats.notation import AP_OVERFLOW, AP_ROUNDING, BITS

NAMES = {
    "Q3.4": Fixed(8, 4),
    "Q0.7": Fixed(8, 7),
    "Q0.7sym": Fixed(8, 7, symmetric=True),
    "Q-4.11": Fixed(8, 11),
    "Q10.-3": Fixed(8, -3),
    "UQ0.8": Fixed(8, 8, signed=False),
    "s8": Fixed(8, 0),
    "s8sym": Fixed(8, 0, symmetric=True),
    "u8": Fixed(8, 0, signed=False),
    "s32": Fixed(32, 0),
    "s64": Fixed(64, 0),
    "uniform<8,1/127,sym>": Uniform(8, Fraction(1, 127), symmetric=True),
    "uniform<2,1/3,unsigned>": Uniform(2, Fraction(1, 3), signed=False),
    "uniform<4,2,signed>": Uniform(4, Fraction(2)),
    "binary": Binary(),
    "binary<1/4>": Binary(Fraction(1, 4)),
    "pow2<4>": PowerOfTwo(4),
    "pow2<3,-2>": PowerOfTwo(3, -2),
    "e4m3": Minifloat(4, 3),
    "e4m3fn": Minifloat(4, 3, specials="fn"),
    "e5m2ieee": Minifloat(5, 2, specials="ieee"),
    "e4m3b11ftz": Minifloat(4, 3, 11, subnormals=False),
    "e4m3b-2": Minifloat(4, 3, -2),
}
OTHER_NAMES = {
    "Q7.0": Fixed(8, 0),
    " q3.4 ": Fixed(8, 4),
    "S8": Fixed(8, 0),
    "ap_fixed<16,6>": Fixed(16, 10),
    "ap_fixed< 16, 6 >": Fixed(16, 10),
    "ap_ufixed<8,0>": Fixed(8, 8, signed=False),
    "ap_fixed<8,-2>": Fixed(8, 10),
    "ap_fixed<16,6,AP_RND_CONV,AP_SAT>": Fixed(16, 10),
    "ap_fixed<16,6,AP_RND>": Fixed(16, 10),
    "ap_fixed<8,1,AP_TRN,AP_SAT_SYM>": Fixed(8, 7, symmetric=True),
    "uniform<8,2/6>": Uniform(8, Fraction(1, 3)),
    "E4M3": Minifloat(4, 3),
    "POW2< 5 , 1 >": PowerOfTwo(5, 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_parse_and_print(name):
    assert parse_format(name) == NAMES[name]
    assert format_name(NAMES[name]) == str(NAMES[name]) == name


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_spellings_parse(name):
    assert parse_format(name) == OTHER_NAMES[name]


@given(formats)
def test_every_format_prints_and_parses_back(format):
    assert parse_format(format_name(format)) == format


@given(fixed())
def test_every_fixed_point_prints_and_parses_back_as_ap_fixed(format):
    name = format_name(format, "ap")
    assert name.startswith("ap_fixed<" if format.signed else "ap_ufixed<")
    assert parse_format(name) == format


def test_ap_names():
    assert format_name(Fixed(16, 10), "ap") == "ap_fixed<16,6>"
    assert format_name(Fixed(8, 8, signed=False), "ap") == "ap_ufixed<8,0>"
    with pytest.raises(FormatError, match="only fixed point"):
        format_name(Binary(), "ap")
    with pytest.raises(UsageError, match="q or ap"):
        format_name(Binary(), "hls")


@given(fixed(), st.sampled_from(sorted(AP_ROUNDING)), st.sampled_from(sorted(AP_OVERFLOW)))
def test_every_narrowing_prints_and_parses_back(format, rounding, overflow):
    mode, symmetric = AP_OVERFLOW[overflow]
    if symmetric != format.symmetric:
        return
    narrowing = Narrowing(format, AP_ROUNDING[rounding], mode)
    assert parse_narrowing(str(narrowing)) == narrowing
    assert f",{rounding},{overflow}>" in str(narrowing)
    assert parse_format(str(narrowing)) == format


def test_narrowing_defaults_are_those_of_the_notation():
    assert parse_narrowing("ap_fixed<8,1>") == Narrowing(
        Fixed(8, 7), Rounding.FLOOR, Overflow.WRAP)
    assert parse_narrowing("ap_fixed<8,1,ap_rnd_conv,ap_sat>") == Narrowing(
        Fixed(8, 7), Rounding.HALF_EVEN, Overflow.SATURATE)
    with pytest.raises(FormatError, match="no ap_fixed name"):
        str(Narrowing(Fixed(8, 7), Rounding.STOCHASTIC, Overflow.WRAP))
    with pytest.raises(FormatError, match="unknown narrowing 'Q0.7'"):
        parse_narrowing("Q0.7")


widths = st.sampled_from(BITS)


@given(widths, widths, widths, widths)
def test_bits_print_and_parse_back(w, a, g, e):
    bits = Bits(w, a, g, e)
    assert parse_bits(str(bits)) == bits
    assert parse_bits(f"{w}-{a}-{g}-{e}") == bits
    assert parse_bits(f"W{w}A{a}G{g}E{e}") == parse_bits(f"w{w}a{a}g{g}e{e}") == bits


def test_bits_names():
    assert str(parse_bits("2-8-8-8")) == str(parse_bits("W2A8G8E8")) == "2888"
    assert parse_bits("2888") == Bits(weight=2, activation=8, gradient=8, error=8)
    assert str(Bits(4, 4, 16, 16)) == "W4A4G16E16"
    assert str(Bits(1, 8, 8, 8)) == "W1A8G8E8" == str(parse_bits("1888"))


REFUSED_BITS = ["", "288", "28888", "28CC", "2-8-8", "2,8,8,8", "W2A8E8G8", "2-8-8-8-", "-2888",
                "2880", "W2A8G8E17", "33-8-8-8", "W2A8G8E64", "2 888", "\u0662888", "9" * 5000]


@pytest.mark.parametrize("text", REFUSED_BITS, ids=lambda text: text[:12])
def test_refused_bits(text):
    with pytest.raises(FormatError, match="write 2888|legal are") as error:
        parse_bits(text)
    assert len(str(error.value)) < 300 and "\n" not in str(error.value)


REFUSED = {
    "": "unknown format",
    "Q3,4": "unknown format 'Q3,4'; write Q3.4",
    "Q3": "unknown format",
    "Q70.2": "got 73",
    "Q-3.2": "got 0",
    "UQ3.4sym": "symmetric format is signed",
    "s0": "got 0",
    "s65": "got 65",
    "i8": "unknown format",
    "float32": "unknown format",
    "ap_fixed<16>": "unknown format",
    "ap_fixed<16,6,AP_RND_ODD>": "AP_RND_ODD is not supported",
    "ap_fixed<16,6,AP_RND,AP_WRAP_SM>": "AP_WRAP, AP_SAT",
    "ap_fixed<16,6,AP_SAT>": "AP_SAT is not supported; write one of AP_TRN",
    "ap_ufixed<16,6,AP_RND,AP_SAT_SYM>": "symmetric format is signed",
    "uniform<8>": "unknown format",
    "uniform<8,1/0>": "fraction > 0",
    "uniform<8,0>": "fraction > 0",
    "binary<0>": "fraction > 0",
    "e9m3": "1 to 8 exponent bits",
    "e4m3nan": "unknown format",
    "Q9999999999.1": "got 10000000001",
    "Q0.\u0667": "unknown format",
    "s" * 5000: "unknown format",
    "s8\nu8": "unknown format",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:32])
def test_refused_formats(text):
    with pytest.raises(FormatError, match=re.escape(REFUSED[text])) as error:
        parse_format(text)
    assert len(str(error.value)) < 300 and "\n" not in str(error.value)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parsers(text):
    for parse in (parse_format, parse_bits, parse_narrowing):
        try:
            parse(text)
        except FormatError:
            pass
