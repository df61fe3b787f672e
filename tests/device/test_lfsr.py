"""Shift registers: by hand, against bits in a list, their periods, and where each draw belongs."""

from math import prod
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.device.linear_map import compose, power, repeated
from intflow.device.lfsr import FORMS, Lfsr, in_memory
from intflow.device.random import Philox, random_source
from intflow.errors import FormatError, IntflowError, RangeError, ShapeError, UnknownNameError
from intflow.formats import Fixed, Tensor
from intflow.kernels import load

from device.registers import states
from kernels.cases import backends

every_backend = pytest.mark.parametrize("kernels", **backends(2))
REFERENCE = load("reference")

# width: (taps of a public table of maximal registers, primes of 2**width - 1)
MAXIMAL = {
    3: ((3, 2), (7,)), 4: ((4, 3), (3, 5)), 5: ((5, 3), (31,)), 6: ((6, 5), (3, 7)),
    7: ((7, 6), (127,)), 8: ((8, 6, 5, 4), (3, 5, 17)), 9: ((9, 5), (7, 73)),
    10: ((10, 7), (3, 11, 31)), 15: ((15, 14), (7, 31, 151)),
    16: ((16, 14, 13, 11), (3, 5, 17, 257)), 24: ((24, 23, 22, 17), (3, 5, 7, 13, 17, 241)),
    31: ((31, 28), (2147483647,)), 32: ((32, 22, 2, 1), (3, 5, 17, 257, 65537)),
    64: ((64, 63, 61, 60), (3, 5, 17, 257, 641, 65537, 6700417)),
}


@st.composite
def registers(draw, lanes=st.just(1)):
    width = draw(st.integers(2, 64))
    taps = {width, *draw(st.lists(st.integers(1, width), max_size=4))}
    count = draw(lanes)
    one = st.integers(1, 2**width - 1)
    each = st.lists(one, min_size=count, max_size=count)
    seed = draw(one if count == 1 else each if count > 2**width - 1 else one | each)
    return Lfsr(width, tuple(taps), draw(st.sampled_from(FORMS)), seed,
                bits=draw(st.integers(1, min(width, 32))), steps=draw(st.integers(1, 9)),
                lanes=count, order=draw(st.sampled_from(["OIHW", "HWIO", "WOHI"])))


# the register ----------------------------------------------------------------------------------


def test_four_bits_by_hand():
    """x**4 + x**3 + 1, seed 1. Fibonacci: the new top bit is bit 0 ^ bit 1. Galois: a 1 that
    leaves inverts bits 3 and 2."""
    fibonacci = Lfsr(4, (4, 3), seed=1, bits=4)
    assert [fibonacci.state(n) for n in range(16)] == [
        1, 8, 4, 2, 9, 12, 6, 11, 5, 10, 13, 14, 15, 7, 3, 1]
    galois = Lfsr(4, (4, 3), "galois", seed=1, bits=4)
    assert [galois.state(n) for n in range(16)] == [
        1, 12, 6, 3, 13, 10, 5, 14, 7, 15, 11, 9, 8, 4, 2, 1]


def test_sixteen_bits_by_hand():
    """x**16 + x**14 + x**13 + x**11 + 1 from 0xACE1 = 1010 1100 1110 0001.

    Fibonacci: bits 0, 2, 3, 5 are 1, 0, 0, 1: 0 enters, 0x5670; 0, 0, 0, 1: 1 enters, 0xAB38;
    0, 0, 1, 1: 0 enters, 0x559C. Galois: 1 leaves, 0x5670 ^ 0xB400 = 0xE270; 0 leaves, 0x7138,
    0x389C.
    """
    settings = dict(width=16, taps=(16, 14, 13, 11), seed=0xACE1)
    assert [Lfsr(**settings).state(n) for n in range(1, 4)] == [0x5670, 0xAB38, 0x559C]
    galois = Lfsr(**settings, form="galois")
    assert [galois.state(n) for n in range(1, 4)] == [0xE270, 0x7138, 0x389C]


@given(registers())
def test_shifts_of_any_register(lfsr):
    state = lfsr.seed
    for n, expected in enumerate(states(lfsr, lfsr.seed, 40)):
        assert state == expected == lfsr.state(n)
        state = lfsr.shift(state)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("width", [w for w in MAXIMAL if w <= 10])
def test_every_state_but_zero_comes_once(width, form):
    lfsr = Lfsr(width, MAXIMAL[width][0], form, bits=1)
    seen, state = [], 1
    for _ in range(2**width - 1):
        seen.append(state)
        state = lfsr.shift(state)
    assert state == 1 and sorted(seen) == list(range(1, 2**width))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("width", MAXIMAL)
def test_periods_of_the_table(width, form):
    """Back after 2**width - 1 shifts, and after no proper divisor of it."""
    taps, primes = MAXIMAL[width]
    lfsr, whole = Lfsr(width, taps, form, bits=1), 2**width - 1
    assert lfsr.state(whole) == 1
    for prime in primes:
        assert whole % prime == 0
        assert lfsr.state(whole // prime) != 1


@given(registers(), st.integers(0, 10**30), st.integers(0, 10**30))
def test_jumps_add_up(lfsr, a, b):
    later = Lfsr(lfsr.width, lfsr.taps, lfsr.form, lfsr.state(a), lfsr.bits)
    assert later.state(b) == lfsr.state(a + b)
    assert later.shift(later.seed) == lfsr.state(a + 1)


def test_jumping_is_stepping():
    for form in FORMS:
        lfsr = Lfsr(16, (16, 14, 13, 11), form, seed=77)
        for n, expected in enumerate(states(lfsr, 77, 3000)):
            if n % 97 == 0 or n > 2990:
                assert lfsr.state(n) == expected


def test_maps_by_hand():
    """Bit 0 goes to bit 1, bit 1 to both: three times is nothing at all."""
    assert [repeated((2, 3), 1, n) for n in range(4)] == [1, 2, 3, 1]
    assert compose((2, 3), (2, 3)) == power((2, 3), 2) == (3, 1)
    assert power((2, 3), 3) == (1, 2)


def test_lanes_start_apart():
    """Width 4, 3 lanes: 0, 5 and 10 shifts after the seed; or as given."""
    lfsr = Lfsr(4, (4, 3), seed=1, bits=4, lanes=3)
    assert [lfsr.state(0, lane) for lane in range(3)] == [1, 12, 13]
    given = Lfsr(4, (4, 3), seed=[7, 2, 9], bits=4, lanes=3)
    assert [given.state(0, lane) for lane in range(3)] == [7, 2, 9]


# draws -----------------------------------------------------------------------------------------


def parameters(shapes):
    """Parameters of these shapes, HWIO or IO, that know one another."""
    peers = []
    for index, shape in enumerate(shapes):
        axes = "HWIO" if len(shape) == 4 else "IO"
        master = Tensor(np.zeros(shape, np.int8), Fixed(8, 7), axes)
        peers.append(SimpleNamespace(master=master, index=index, peers=peers))
    return peers


def sequence(lfsr, count):
    """The first `count` ticks: a list of the lanes' draws each, by bits in lists."""
    starts = [lfsr.state(0, lane) for lane in range(lfsr.lanes)]
    lanes = [list(states(lfsr, start, count * lfsr.steps + 1)) for start in starts]
    mask = 2**lfsr.bits - 1
    return [[lane[(t + 1) * lfsr.steps] & mask for lane in lanes] for t in range(count)]


shapes = st.lists(
    st.tuples(*[st.integers(1, 3)] * 4) | st.tuples(st.integers(1, 5), st.integers(1, 4)),
    min_size=1, max_size=3,
)


@every_backend
@settings(max_examples=40, deadline=None)
@given(registers(lanes=st.sampled_from([1, 1, 2, 5])), shapes, st.integers(0, 2))
def test_every_weight_takes_its_turn(kernels, lfsr, shapes, step):
    """Tensors and steps take whole ticks of one sequence, weights in the stated order."""
    peers = parameters(shapes)
    ticks = [-(-prod(shape) // lfsr.lanes) for shape in shapes]
    drawn = sequence(lfsr, (step + 1) * sum(ticks))
    at = step * sum(ticks)
    for parameter, taken in zip(peers, ticks):
        row = [draw for tick in drawn[at:at + taken] for draw in tick]
        got = lfsr.draws(kernels, parameter, step)
        assert got.shape == parameter.master.shape and got.dtype == np.uint32
        axes = parameter.master.axes
        order = [axes.index(axis) for axis in lfsr.order if axis in axes]
        assert got.transpose(order).ravel().tolist() == row[:got.size]
        at += taken


def test_an_address_far_away():
    """No step before it is needed: the billionth step of 1000 weights."""
    lfsr = Lfsr(24, (24, 23, 22, 17), seed=5, bits=12, steps=3)
    (parameter,) = parameters([(10, 100)])
    draws = lfsr.draws(REFERENCE, parameter, 10**9)
    expected = list(states(lfsr, lfsr.state(3 * 1000 * 10**9), 3001))[3::3]
    order = draws.transpose(1, 0).ravel().tolist()
    assert order == [state & 0xFFF for state in expected]


def test_a_parameter_alone_is_the_whole_network():
    lfsr, (parameter,) = Lfsr(8, (8, 6, 5, 4), bits=3), parameters([(2, 3)])
    alone = SimpleNamespace(master=parameter.master, index=4, peers=[])
    drawn = [lfsr.draws(REFERENCE, p, 2).tolist() for p in (alone, parameter)]
    assert drawn[0] == drawn[1]


def test_in_memory_by_hand():
    tensor = Tensor(np.zeros((3, 2), np.int8), Fixed(8, 7), "IO")
    assert in_memory(np.arange(6), tensor, "OIHW").tolist() == [[0, 3], [1, 4], [2, 5]]
    assert in_memory(np.arange(6), tensor, "HWIO").tolist() == [[0, 1], [2, 3], [4, 5]]


def test_draws_of_a_period_are_even():
    """Low 3 bits of all 255 states of 8: each value 32 times, 0 once less."""
    lfsr, (parameter,) = Lfsr(8, (8, 6, 5, 4), bits=3), parameters([(255, 1)])
    counts = np.bincount(lfsr.draws(REFERENCE, parameter, 0).ravel())
    assert counts.tolist() == [31] + [32] * 7


def test_the_kernel_checks():
    out, one = np.zeros(3, np.uint32), np.array([1], np.uint64)
    tick = np.array([2, 3], np.uint64)
    REFERENCE.shift_register(out, one, tick, 2)
    assert out.tolist() == [2, 3, 1]
    with pytest.raises(RangeError, match="bits in 1..2, got 3"):
        REFERENCE.shift_register(out, one, tick, 3)
    with pytest.raises(RangeError, match="states and ticks in 0..3, got 9"):
        REFERENCE.shift_register(out, one * 9, tick, 1)
    with pytest.raises(ShapeError):
        REFERENCE.shift_register(out, one[:0], tick, 1)


# descriptions ----------------------------------------------------------------------------------


@given(registers(lanes=st.sampled_from([1, 3])))
def test_descriptions_read_back(lfsr):
    description = lfsr.to_dict()
    assert random_source(description) == lfsr
    assert all(isinstance(v, (str, int, list)) for v in description.values())


def test_the_other_descriptions():
    assert random_source({"kind": "philox"}) == random_source("philox") == Philox()
    assert random_source(Philox().to_dict()) == Philox()
    lfsr = Lfsr(16, (11, 16, 13, 14))
    assert random_source(lfsr) is lfsr and lfsr.taps == (16, 14, 13, 11)
    assert random_source({"kind": "lfsr", "width": 16, "taps": [16, 14, 13, 11]}) == lfsr


GOOD = {"kind": "lfsr", "width": 8, "taps": [8, 6, 5, 4]}


@pytest.mark.parametrize("change, error, message", [
    ({"kind": "lsfr"}, UnknownNameError, "unknown random source 'lsfr': did you mean lfsr"),
    ({"kind": "philox"}, UnknownNameError, "unknown setting of philox 'width'"),
    ({"kind": ["lfsr"]}, UnknownNameError, "unknown random source"),
    ({"lane": 2}, UnknownNameError, "unknown setting of lfsr 'lane': did you mean lanes"),
    ({"width": 65}, FormatError, "width of an lfsr is an integer in 2..64, got 65"),
    ({"width": True}, FormatError, "width of an lfsr is an integer"),
    ({"taps": [6, 5, 4]}, FormatError, "with 8 among them"),
    ({"taps": [8, 8]}, FormatError, "different exponents in 1..8"),
    ({"taps": [9, 8]}, FormatError, "different exponents in 1..8"),
    ({"taps": [8, 0]}, FormatError, "different exponents in 1..8"),
    ({"taps": "8"}, FormatError, "different exponents"),
    ({"form": "galoise"}, UnknownNameError, "did you mean galois"),
    ({"seed": 0}, FormatError, "1..2\\*\\*8-1 .0 never leaves 0., got 0"),
    ({"seed": 256}, FormatError, "got 256"),
    ({"seed": [1, 2]}, FormatError, "an lfsr of 1 lanes takes 1 seed or 1, got 2"),
    ({"seed": [1, 0], "lanes": 2}, FormatError, "got 0"),
    ({"lanes": 256}, FormatError, "255 states, too few to start 256 lanes"),
    ({"bits": 9}, FormatError, "bits of an lfsr is an integer in 1..8, got 9"),
    ({"bits": 0}, FormatError, "got 0"),
    ({"steps": 0}, FormatError, "steps of an lfsr"),
    ({"lanes": 0}, FormatError, "lanes of an lfsr"),
    ({"order": "OIHH"}, FormatError, "permutation of OIHW, got 'OIHH'"),
])
def test_refusals(change, error, message):
    with pytest.raises(error, match=message) as caught:
        random_source({**GOOD, **change})
    assert isinstance(caught.value, IntflowError) and "\n" not in str(caught.value)


def test_what_is_no_description():
    with pytest.raises(FormatError, match="lfsr needs width and taps"):
        random_source("lfsr")
    with pytest.raises(FormatError, match="table with a kind"):
        random_source(7)
    with pytest.raises(UnknownNameError, match="random source"):
        random_source({"width": 8})
