"""Hypothesis strategies of formats."""

from fractions import Fraction

from hypothesis import strategies as st

from intflow.formats import Binary, Fixed, Minifloat, PowerOfTwo, Uniform
from intflow.formats.format import LEGAL_BITS
from intflow.formats.minifloat import SPECIALS

# (signed, symmetric)
KINDS = st.sampled_from([(True, False), (True, True), (False, False)])
STEPS = st.builds(Fraction, st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))


@st.composite
def widths(draw):
    """(bits, (signed, symmetric)) of a format that can exist."""
    signed, symmetric = draw(KINDS)
    return draw(st.sampled_from(LEGAL_BITS[1:] if symmetric else LEGAL_BITS)), signed, symmetric


@st.composite
def fixed(draw, frac_bits=st.integers(-10_000, 10_000)):
    bits, signed, symmetric = draw(widths())
    return Fixed(bits, draw(frac_bits), signed, symmetric)


@st.composite
def uniform(draw, steps=STEPS):
    bits, signed, symmetric = draw(widths())
    return Uniform(bits, draw(steps), signed, symmetric)


@st.composite
def minifloat(draw, most_bits=32):
    exponent_bits = draw(st.integers(1, min(8, most_bits - 2)))
    mantissa_bits = draw(st.integers(0, min(23, most_bits - 1 - exponent_bits)))
    refused = {"ieee"} if exponent_bits == 1 else set()
    refused |= {"fn"} if mantissa_bits == 0 else set()
    return Minifloat(exponent_bits, mantissa_bits, draw(st.none() | st.integers(-200, 200)),
                     draw(st.booleans()), draw(st.sampled_from(sorted(set(SPECIALS) - refused))))


binary = st.builds(Binary, STEPS)
powers = st.builds(PowerOfTwo, st.integers(2, 5), st.integers(-10_000, 10_000))
formats = st.one_of(fixed(), uniform(), minifloat(), binary, powers)
