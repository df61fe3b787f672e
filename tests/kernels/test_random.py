"""The random stream: published vectors, our layout, and independence of how it is asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.errors import RangeError, UnknownNameError
from intflow.kernels import load
from intflow.kernels.reference.random import philox4x32
from intflow.random_streams import PURPOSES, purpose_number

from kernels.cases import backends

every_backend = pytest.mark.parametrize("kernels", **backends(1))
U32 = 0xFFFFFFFF
STREAM = 2**63 + 5, "update", 7, 9      # seed, purpose, step, tensor


def draw(kernels, n, first=0, stream=STREAM):
    out = np.zeros(n, np.uint32)
    kernels.random_u32(out, *stream, first)
    return out


@pytest.mark.parametrize("counter, key, words", [
    ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((U32,) * 4, (U32,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
])
def test_published_vectors(counter, key, words):
    """Random123, kat_vectors: philox4x32-10 of zeros, of ones, of the digits of pi."""
    assert " ".join(f"{word:08x}" for word in philox4x32(counter, key)) == words


@every_backend
def test_published_vector_by_the_kernel(kernels):
    """All zeros: one block gives elements 0, 256, 512 and 768."""
    out = draw(kernels, 1024, stream=(0, 0, 0, 0))
    assert out[::256].tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


GOLDEN = "cdbb22a2 27515e8f 69d816de 586fa249 95544054 6cdaec10"


@every_backend
def test_vectors_of_the_stream(kernels):
    """The contract: these numbers never change. Made by this very call."""
    out = draw(kernels, 1030)
    assert " ".join(f"{v:08x}" for v in out[[0, 1, 255, 256, 1023, 1024]].tolist()) == GOLDEN


@every_backend
@pytest.mark.parametrize("i", [0, 1, 255, 256, 1023, 1024, 5000, 2**32 + 777, 2**34 - 1])
def test_layout(kernels, i):
    """Element i is word (i >> 8) & 3 of block ((i >> 10) << 8) | (i & 255)."""
    seed, purpose, step, tensor = STREAM
    counter = ((i >> 10) << 8) | (i & 255), tensor, step, PURPOSES[purpose]
    words = philox4x32(counter, (seed & U32, seed >> 32))
    assert draw(kernels, 1, i)[0] == words[(i >> 8) & 3]


@every_backend
@given(first=st.integers(0, 3000), n=st.integers(0, 3000))
def test_any_part_is_the_same_part(kernels, first, n):
    whole = draw(kernels, 6000)
    np.testing.assert_array_equal(draw(kernels, n, first), whole[first:first + n])


@every_backend
def test_every_coordinate_counts(kernels):
    streams = [STREAM, (STREAM[0] + 1, *STREAM[1:]), (STREAM[0] - 2**63, *STREAM[1:]),
               (STREAM[0], "init", 7, 9), (*STREAM[:2], 8, 9), (*STREAM[:3], 10)]
    drawn = {draw(kernels, 40, stream=stream).tobytes() for stream in streams}
    assert len(drawn) == len(streams)


@every_backend
def test_bits_are_even(kernels):
    """2**18 elements: each bit is set in half, within 6 standard deviations of 256 elements."""
    words = draw(kernels, 2**18)
    ones = [int(np.count_nonzero(words >> np.uint32(bit) & 1)) for bit in range(32)]
    assert all(abs(count - 2**17) <= 6 * 256 for count in ones)


def test_purposes_are_part_of_every_digest():
    assert PURPOSES == {
        "init": 1, "shuffle": 2, "augment": 3, "update": 4, "dropout": 5, "binarize": 6,
        "activation": 7, "error": 8, "weight": 9, "momentum": 10,
        "gradient": 11}


def test_purposes_go_by_name_or_number():
    assert purpose_number("update") == purpose_number(4) == 4
    with pytest.raises(UnknownNameError, match="did you mean update"):
        purpose_number("updates")


@pytest.mark.parametrize("stream, first", [
    ((2**64, 1, 2, 3), 0), ((-1, 1, 2, 3), 0), ((1, 1, 2**32, 3), 0), ((1, 1, 2, -3), 0),
    ((1, 1, 2, 3), -1), ((1, 1, 2, 3), 2**34 - 3)])
def test_the_reference_checks(stream, first):
    with pytest.raises(RangeError):
        draw(load("reference"), 4, first, stream)
