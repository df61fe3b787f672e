"""Products by bits: every micro-kernel against sums in Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.errors import ShapeError
from intflow.kernels import load

import oracle_bits
from kernels.products import Convolution
from kernels.test_backends import assembly, instructions

# The other backends share the product of one of these.
NAMES = ["reference", *dict.fromkeys(("portable", load("auto").backend))]
KERNELS = {name: load(name, 1) for name in NAMES}
each_backend = pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)


def has_popcount():
    from intflow.kernels.jit import cpu

    return cpu.lacks("avx512f", "avx512vpopcntdq") is None


@st.composite
def cases(draw):
    """(sizes, bits of x, bits of w, seed); 1 bit is a sign."""
    def pair(largest):
        return st.tuples(st.integers(1, largest), st.integers(1, largest))

    kernel, dilation = draw(pair(3)), draw(pair(2))
    padding = draw(st.tuples(*[st.integers(0, 2)] * 4))
    height, width = draw(pair(4))
    height += max(0, dilation[0] * (kernel[0] - 1) + 1 - height - padding[0] - padding[1])
    width += max(0, dilation[1] * (kernel[1] - 1) + 1 - width - padding[2] - padding[3])
    sizes = Convolution(
        height, width, draw(st.sampled_from([1, 2, 3, 6])),
        draw(st.sampled_from([1, 3, 40, 63, 64, 65])), draw(st.sampled_from([1, 2, 9, 16, 17])),
        kernel, draw(pair(2)), padding, dilation, draw(st.sampled_from([1, 1, 2, 3])))
    return sizes, draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(0, 2**32))


def operands(sizes, x_bits, w_bits, seed):
    """Codes in two's complement, +-1 where there is one bit."""
    rng = np.random.default_rng(seed)

    def draw(bits, shape):
        if bits == 1:
            return rng.choice([-1, 1], shape)
        return rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)

    channels, outputs = sizes.group_inputs * sizes.groups, sizes.group_outputs * sizes.groups
    return (draw(x_bits, (sizes.height, sizes.width, sizes.images, channels)),
            draw(w_bits, (*sizes.kernel, sizes.group_inputs, outputs)))


def words(codes, bits, axis):
    """Planes of codes packed along an axis, by the oracle."""
    rows = np.moveaxis(codes, axis, -1)
    flat = rows.reshape(-1, rows.shape[-1]).tolist()
    if bits == 1:
        planes = [[oracle_bits.words([(code + 1) // 2 for code in row]) for row in flat]]
    else:
        split = [oracle_bits.planes(row, bits) for row in flat]
        planes = [[oracle_bits.words(row[p]) for row in split] for p in range(bits)]
    packed = np.array(planes, np.uint64).reshape(len(planes), *rows.shape[:-1], -1)
    return np.ascontiguousarray(np.moveaxis(packed, -1, axis))


def steps(bits):
    """Values of the planes."""
    return () if bits == 1 else (*(1 << i for i in range(bits - 1)), -(1 << bits - 1))


def run(kernels, sizes, x, w, x_bits, w_bits):
    return run_words(kernels, sizes, words(x, x_bits, -1), words(w, w_bits, -2), x_bits, w_bits)


def run_words(kernels, sizes, x, w, x_bits, w_bits):
    out = np.full((*sizes.output_size, sizes.images, w.shape[-1]), 85, np.int32)
    kernels.bitwise_forward(out, x, w, sizes.group_inputs, steps(x_bits), steps(w_bits),
                            **sizes.window)
    return out


@settings(max_examples=30, deadline=None)
@given(cases())
def test_every_backend_is_the_integer_product(case):
    sizes, x_bits, w_bits, seed = case
    x, w = operands(*case)
    window = (sizes.stride, sizes.padding, sizes.dilation, sizes.groups)
    want = oracle_bits.convolve(x.tolist(), w.tolist(), sizes.output_size, *window)
    for name, kernels in KERNELS.items():
        assert run(kernels, sizes, x, w, x_bits, w_bits).tolist() == want, name


@pytest.mark.parametrize("sizes, x_bits, w_bits", [
    (Convolution(7, 6, 21, 130, 70, (3, 3), (1, 1), (1, 1, 1, 1)), 1, 1),
    (Convolution(1, 1, 23, 900, 100), 3, 1),
    (Convolution(5, 5, 11, 100, 40, (3, 3), (2, 1), (2, 0, 1, 2), groups=2), 1, 2),
], ids=["convolution", "linear", "groups"])
def test_threads_change_no_bit(sizes, x_bits, w_bits):
    """Large enough for several tasks and runs; bytes say what is right."""
    x, w = operands(sizes, x_bits, w_bits, 3)
    want = np.empty((*sizes.output_size, sizes.images, w.shape[3]), np.int32)
    KERNELS["portable"].conv2d_forward(want, x.astype(np.int8), w.astype(np.int8), **sizes.window)
    bits = words(x, x_bits, -1), words(w, w_bits, -2)
    for name in NAMES[1:]:
        for threads in (1, 2, 3):
            got = run_words(load(name, threads), sizes, *bits, x_bits, w_bits)
            np.testing.assert_array_equal(got, want, err_msg=f"{name} {threads}")


@each_backend
def test_by_hand(kernels):
    """1 -1 1 by 1 1 -1: two differ, 3 - 2 * 2; and padding is 0, not -1."""
    x, w = np.array([1, -1, 1]).reshape(1, 1, 1, 3), np.array([1, 1, -1]).reshape(1, 1, 3, 1)
    assert run(kernels, Convolution(1, 1, 1, 3, 1), x, w, 1, 1).item() == -1
    padded = Convolution(1, 1, 1, 3, 1, padding=(1, 0, 0, 0))
    assert run(kernels, padded, x, w, 1, 1).ravel().tolist() == [0, -1]


def test_planes_and_steps_agree():
    x = np.zeros((2, 1, 1, 1, 1), np.uint64)
    w, out = np.zeros((1, 1, 1, 1, 1), np.uint64), np.zeros((1, 1, 1, 1), np.int32)
    window = Convolution(1, 1, 1, 1, 1).window
    with pytest.raises(ShapeError, match="one step for each plane.*2 planes and steps"):
        KERNELS["reference"].bitwise_forward(out, x, w, 64, (1,), (), **window)


def test_native_uses_vpopcntq_and_vpternlogq():
    if not has_popcount():
        pytest.skip("importing the kernel compiles it, which needs AVX512 VPOPCNTDQ")
    from intflow.kernels.jit.microkernels import popcount, popcount_native

    for op in (popcount.differ, popcount.both):
        text = assembly(popcount_native.emitter(op), len(popcount.ARGUMENTS), "sapphirerapids")
        assert {"vpopcntq", "vpternlogq"} <= instructions(text)


@pytest.mark.parametrize("cpu, name", [("haswell", "vpshufb"), ("icelake-server", "vpopcntq")])
def test_generic_counts_with_what_there_is(cpu, name):
    from intflow.kernels.jit.microkernels import popcount, popcount_generic

    text = assembly(popcount_generic.emitter(popcount.differ), len(popcount.ARGUMENTS), cpu)
    assert name in instructions(text)
