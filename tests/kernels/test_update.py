"""The updates against their definitions, and the stochastic one's distribution in full."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import RangeError, ShapeError, UsageError
from intflow.formats.rounding import Rounding
from intflow.kernels import load

from kernels.cases import backends
from kernels.rounded import ROUNDED

every_backend = pytest.mark.parametrize("kernels", **backends(2))
REFERENCE = load("reference")
STREAM = 2**64 - 9, 3, 4                # seed, step, tensor


def random(n):
    out = np.zeros(n, np.uint32)
    REFERENCE.random_u32(out, STREAM[0], "update", *STREAM[1:])
    return out.tolist()


def updated(kernels, w, g, p, q, rshift, lo, hi):
    """(weights, steps) as lists; the same with nothing recorded."""
    new, update, unrecorded = w.copy(), np.zeros(w.size, np.int32), w.copy()
    kernels.stochastic_update(new, update, g, p, q, rshift, lo, hi, *STREAM)
    kernels.stochastic_update(unrecorded, update[:0], g, p, q, rshift, lo, hi, *STREAM)
    np.testing.assert_array_equal(new, unrecorded)
    return new.tolist(), update.tolist()


def step(g, r, p, q, rshift):
    """d of the definition, in Python integers."""
    x, divisor = abs(g) * p << max(-rshift, 0), q << max(rshift, 0)
    drop = max(0, (divisor - 1).bit_length() - 32)
    d = (x + (((r * (divisor >> drop)) >> 32) << drop)) // divisor
    return -d if g < 0 else d


@every_backend
@settings(max_examples=60)
@given(data=st.data())
def test_against_the_definition(kernels, data):
    width, bits = data.draw(st.sampled_from([("i4", 31), ("i4", 31), ("i8", 45)]))
    values = st.integers(-2**bits, 2**bits - 1) | st.integers(-99, 99)
    g = data.draw(st.lists(values, min_size=1, max_size=9))
    p, q = data.draw(st.sampled_from([(1, 1), (1, 1), (3, 1), (1, 3), (117, 125)]))
    need = max(map(abs, g)).bit_length() + p.bit_length()
    rshift = data.draw(st.integers(max(-20, need - 61), 60 - q.bit_length()))
    limit = data.draw(st.sampled_from([1, 64, 127]))
    weights = st.integers(-limit, limit)
    w = data.draw(st.lists(weights, min_size=len(g), max_size=len(g)).map(lambda w: np.array(w, "i1")))
    d = [step(v, r, p, q, rshift) for v, r in zip(g, random(len(g)))]
    if max(map(abs, d)) >= 2**31:
        return
    wanted = [min(max(v - s, -limit), limit) for v, s in zip(w.tolist(), d)]
    assert updated(kernels, w, np.array(g, width), p, q, rshift, -limit, limit) == (wanted, d)


@every_backend
@pytest.mark.parametrize("rshift", range(8))
def test_shift_is_exactly_unbiased(kernels, rshift):
    """Acceptance (f): over all R in [0, 2**k), each once, the steps have mean g / 2**k.

    R is the top k bits of the element's random number; the first element of each R is taken.
    """
    firsts = np.unique(np.array(random(2048)) >> (32 - rshift), return_index=True)[1]
    assert len(firsts) == 2**rshift
    for g in (-300, -129, -128, -3, -1, 0, 1, 2, 5, 127, 128, 255):
        w, same = np.zeros(2048, np.int8), np.full(2048, g, np.int32)
        _, steps = updated(kernels, w, same, 1, 1, rshift, -127, 127)
        assert Fraction(sum(steps[i] for i in firsts), 2**rshift) == Fraction(g, 2**rshift)
        assert all(abs(s - Fraction(g, 2**rshift)) < 1 for s in set(steps))


@pytest.mark.parametrize("p, q, rshift", [(1, 3, 0), (1, 5, 2), (3, 7, 1), (2, 1, 3)])
def test_the_definition_is_unbiased_to_2_32(p, q, rshift):
    """The probability of the larger step is its fraction, but for less than D * 2**-32: among the
    2**32 random numbers those giving it are counted by bisection, since the step grows with r."""
    divisor = q << rshift
    for g in range(-20, 21):
        low = abs(g) * p // divisor
        first, last = 0, 2**32                     # smallest r that steps further than `low`
        while first < last:
            middle = (first + last) // 2
            further = abs(step(g, middle, p, q, rshift)) > low
            first, last = (first, middle) if further else (middle + 1, last)
        mean = low + Fraction(2**32 - first, 2**32)
        assert abs(mean - Fraction(abs(g) * p, divisor)) < Fraction(divisor, 2**32)


@every_backend
@pytest.mark.parametrize("width, limit", [("i1", 127), ("i2", 32767), ("i4", 2**31 - 1)])
def test_largest_steps_saturate(kernels, width, limit):
    """|g| up to 2**31, unshifted: w - d leaves every width on its way to the clip."""
    g = np.array([-2**31, 2**31 - 1, -2**31, 2**31 - 1] * 5, np.int32)
    w = np.array([limit, limit, -limit, -limit] * 5, width)
    exact = [int(a) - int(b) for a, b in zip(w, g)]
    got, steps = updated(kernels, w, g, 1, 1, 0, -limit, limit)
    assert got == [min(max(v, -limit), limit) for v in exact]
    assert steps == g.tolist()


@every_backend
def test_no_gradient_no_step(kernels):
    w = np.arange(-127, 128, dtype=np.int8)
    zeros = np.zeros(255, np.int32)
    assert updated(kernels, w, zeros, 1, 1, 9, -127, 127) == (w.tolist(), zeros.tolist())


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_groups_change_nothing(threads):
    """The element's own index draws its number, wherever a task or a group of 1024 begins."""
    n = 20 * 1024 + 1
    g = np.random.default_rng(1).integers(-2**20, 2**20, n).astype(np.int32)
    w = np.zeros(n, np.int8)
    wanted = updated(REFERENCE, w, g, 1, 1, 15, -64, 64)
    assert updated(load("auto", threads), w, g, 1, 1, 15, -64, 64) == wanted


def test_the_reference_checks():
    w, none, g = np.zeros(3, np.int8), np.zeros(0, np.int32), np.full(3, 2**31 - 1, np.int32)

    def call(w=w, update=none, p=1, q=1, rshift=3, lo=-127, hi=127):
        REFERENCE.stochastic_update(w, update, g, p, q, rshift, lo, hi, *STREAM)

    with pytest.raises(RangeError, match="p, q >= 1"):
        call(q=0)
    with pytest.raises(RangeError, match="does not fit int8"):
        call(hi=128)
    with pytest.raises(RangeError, match=r"\|g\| \* p \+ D"):
        call(rshift=-33)
    with pytest.raises(RangeError, match="does not fit int32"):
        call(update=np.zeros(3, np.int32), p=2, rshift=0)
    with pytest.raises(ShapeError):
        call(w=np.zeros(4, np.int8))
    with pytest.raises(ShapeError):
        call(update=np.zeros(2, np.int32))


# The same step by a deterministic rounding, and by draws that came from elsewhere.


@st.composite
def scaled_gradients(draw):
    """(g as an array, p, q, rshift) with |g * p| + D < 2**63 and every step within s32."""
    width, bits = draw(st.sampled_from([("i4", 31), ("i8", 45)]))
    values = st.integers(-2**bits, 2**bits - 1) | st.integers(-99, 99)
    g = draw(st.lists(values, min_size=1, max_size=9))
    p, q = draw(st.sampled_from([(1, 1), (3, 1), (1, 3), (117, 125), (65535, 65533)]))
    need = max(map(abs, g)).bit_length() + p.bit_length()
    rshift = draw(st.integers(max(-20, need - 30 - q.bit_length()), 61 - q.bit_length()))
    return np.array(g, width), p, q, rshift


def both(call, size, limit, w=None):
    """(weights, steps) of call(w, update) as lists; the same with nothing recorded."""
    w = np.zeros(size, np.int8) if w is None else w
    new, update, unrecorded = w.copy(), np.zeros(size, np.int32), w.copy()
    call(new, update)
    call(unrecorded, update[:0])
    np.testing.assert_array_equal(new, unrecorded)
    wanted = [min(max(int(v) - int(d), -limit), limit) for v, d in zip(w, update)]
    assert new.tolist() == wanted
    return update.tolist()


@every_backend
@pytest.mark.parametrize("rounding", ROUNDED)
@settings(max_examples=30)
@given(scaled=scaled_gradients(), limit=st.sampled_from([1, 64, 127]))
def test_rounded_update_against_fractions(kernels, rounding, scaled, limit):
    g, p, q, rshift = scaled
    w = np.linspace(-limit, limit, g.size).astype(np.int8)
    steps = both(lambda w, update: kernels.rounded_update(
        w, update, g, p, q, rshift, rounding, -limit, limit), g.size, limit, w)
    exact = [int(v) * p / (q * Fraction(2) ** rshift) for v in g]
    assert steps == [ROUNDED[rounding](x) for x in exact]


@every_backend
@pytest.mark.parametrize("rounding", ROUNDED)
@pytest.mark.parametrize("q, rshift", [(1, 3), (3, 1), (5, 0), (1, 0), (7, 2)])
def test_every_tie_of_a_step(kernels, rounding, q, rshift):
    g, divisor = np.arange(-60, 61, dtype=np.int32), q << rshift
    steps = both(lambda w, update: kernels.rounded_update(
        w, update, g, 1, q, rshift, rounding, -127, 127), g.size, 127)
    assert steps == [ROUNDED[rounding](Fraction(int(v), divisor)) for v in g]


@every_backend
@settings(max_examples=60)
@given(scaled=scaled_gradients(), bits=st.sampled_from([1, 2, 8, 31, 32]), data=st.data())
def test_drawn_update_against_its_definition(kernels, scaled, bits, data):
    g, p, q, rshift = scaled
    near = [floor_of_fraction(int(v), p, q, rshift, bits)[1] for v in g]
    drawn = [data.draw(st.sampled_from([0, 2**bits - 1, max(t - 1, 0), t])) for t in near]
    draws = np.array(drawn, np.uint32)
    steps = both(lambda w, update: kernels.drawn_update(
        w, update, g, p, q, rshift, -64, 64, draws, bits), g.size, 64)
    for v, r, d in zip(g.tolist(), drawn, steps):
        whole, fraction = floor_of_fraction(v, p, q, rshift, bits)
        assert abs(d) == whole + (r < fraction) and d * v >= 0


def floor_of_fraction(g, p, q, rshift, bits):
    """(whole part of |g| * p / D, floor of 2**bits times the rest)."""
    exact = abs(g) * p / (q * Fraction(2) ** rshift)
    whole = exact.numerator // exact.denominator
    return whole, int((exact - whole) * 2**bits)


@every_backend
@pytest.mark.parametrize("bits, rshift", [(3, 2), (3, 3), (3, 5), (4, 0)])
def test_all_draws_have_the_mean_of_the_cut_fraction(kernels, bits, rshift):
    """Each draw once: the mean is g / 2**rshift, cut towards zero to `bits` bits."""
    draws = np.arange(2**bits, dtype=np.uint32)
    for g in range(-70, 71):
        same = np.full(draws.size, g, np.int32)
        steps = both(lambda w, update: kernels.drawn_update(
            w, update, same, 1, 1, rshift, -127, 127, draws, bits), draws.size, 127)
        cut = int(Fraction(abs(g), 2**rshift) * 2**bits)
        assert sum(steps) == (cut if g >= 0 else -cut)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_neither(threads):
    n, kernels = 20 * 1024 + 1, load("auto", threads)
    rng = np.random.default_rng(1)
    g, draws = rng.integers(-2**20, 2**20, n).astype(np.int32), rng.integers(0, 256, n, np.uint32)
    calls = {
        "rounded_update": (Rounding.JAM, -64, 64),
        "drawn_update": (-64, 64, draws, 8),
    }
    for name, rest in calls.items():
        results = [both(lambda w, update: getattr(k, name)(w, update, g, 1, 1, 15, *rest), n, 64)
                   for k in (REFERENCE, kernels)]
        assert results[0] == results[1]


@every_backend
def test_no_stochastic_rounding_without_a_stream(kernels):
    w, g = np.zeros(3, np.int8), np.ones(3, np.int32)
    with pytest.raises(UsageError, match="got stochastic"):
        kernels.rounded_update(w, g[:0], g, 1, 1, 3, Rounding.STOCHASTIC, -64, 64)
    with pytest.raises(UsageError, match="gemmlowp rounds shifts, got a division by 24"):
        kernels.rounded_update(w, g[:0], g, 1, 3, 3, Rounding.GEMMLOWP, -64, 64)


def test_the_reference_checks_draws():
    w, g, draws = np.zeros(3, np.int8), np.ones(3, np.int32), np.full(3, 8, np.uint32)
    with pytest.raises(RangeError, match="draws in 0..7, got 8"):
        REFERENCE.drawn_update(w, g[:0], g, 1, 1, 3, -64, 64, draws, 3)
    with pytest.raises(RangeError, match="bits in 1..32, got 33"):
        REFERENCE.drawn_update(w, g[:0], g, 1, 1, 3, -64, 64, draws, 33)
    with pytest.raises(RangeError, match="p, q >= 1"):
        REFERENCE.rounded_update(w, g[:0], g, 0, 1, 3, Rounding.FLOOR, -64, 64)
    with pytest.raises(ShapeError):
        REFERENCE.drawn_update(w, g[:0], g, 1, 1, 3, -64, 64, draws[:2], 8)
