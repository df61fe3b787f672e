"""Rates and batch sizes over epochs, as exact fractions; options of a scheme."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import UnknownNameError, UsageError
from intflow.quantizers.options import chosen, format_options, parse_options
from intflow.training.schedule import (
    Decay, format_schedule, latest, parse_batch_schedule, parse_schedule, rate_at, rates_of, shortened,
)


def test_steps():
    schedule = parse_schedule("2:1,3:1/8")
    assert [rate_at(epoch, Fraction(8), schedule) for epoch in range(5)] == [8, 8, 1, Fraction(1, 8)] + [
        Fraction(1, 8)]
    assert format_schedule(schedule) == "2:1,3:1/8" and rates_of(schedule) == (1, Fraction(1, 8))


def test_a_decay_is_exact_while_short_and_then_sixteen_bits():
    schedule = parse_schedule("exp:0.936")
    first = Fraction(3, 2000)
    assert schedule == Decay(Fraction(117, 125)) == parse_schedule(format_schedule(schedule))
    assert rate_at(0, first, schedule) == first
    assert rate_at(1, first, schedule) == Fraction(351, 250_000)
    assert rate_at(10, first, schedule) == Fraction(51955, 1 << 26)
    assert rates_of(schedule) == ()


@given(st.fractions(min_value=Fraction(1, 10**12), max_value=10**6))
def test_a_shortened_rate_is_the_nearest_of_its_bits(rate):
    short = shortened(rate)
    odd = [n // (n & -n) for n in (short.numerator, short.denominator)]
    assert max(odd) < 1 << 16
    if short != rate:
        scale = Fraction(1)
        while rate / scale >= 1 << 16:
            scale *= 2
        while rate / scale < 1 << 15:
            scale /= 2
        assert abs(short - rate) <= scale / 2


def test_batches():
    schedule = parse_batch_schedule("30:256, 60:512")
    assert [latest(epoch, 128, schedule) for epoch in (0, 29, 30, 60, 99)] == [128, 128, 256, 512, 512]


@pytest.mark.parametrize("text", ["exp:", "exp:0", "exp:1.1", "3", "3:x", "3:1,2:1"])
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(UsageError):
        parse_schedule(text)


@pytest.mark.parametrize("text", ["3", "3:0", "3:1/2", "3:8,3:9"])
def test_what_is_no_batch_schedule_is_refused(text):
    with pytest.raises(UsageError):
        parse_batch_schedule(text)


TABLE = {"norm": ("frozen", "trained"), "ends": ("8", "4")}


def test_options():
    assert parse_options("norm=trained, ends=4") == {"norm": "trained", "ends": "4"}
    assert format_options({"norm": "trained", "ends": "4"}) == "norm=trained,ends=4"
    assert chosen("s", TABLE, "ends=4") == {"norm": "frozen", "ends": "4"}
    assert chosen("s", TABLE, {"ends": 4}) == {"norm": "frozen", "ends": "4"}
    assert chosen("s", TABLE, None) == {"norm": "frozen", "ends": "8"}


@pytest.mark.parametrize("given, error", [
    ("norm", UsageError), ("=4", UsageError), ("ends=4,ends=8", UsageError), ("colour=red", UsageError),
    ("ends=5", UnknownNameError)])
def test_other_options_are_refused(given, error):
    with pytest.raises(error):
        chosen("s", TABLE, given)
