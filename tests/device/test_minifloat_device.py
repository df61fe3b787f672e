"""Devices under minifloat weights, and accumulators without low bits, against Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow import ops
from intflow.device import Accumulator, Device
from intflow.device.products import DeviceProducts
from intflow.errors import FormatError, OverflowTrap
from intflow.formats import Fixed, Tensor, parse_format
from intflow.formats.minifloat_codec import expand
from intflow.kernels import load

KERNELS = [load("reference"), load("portable", 1)]
WINDOW = ops.Window.of((2, 2), 1, (1, 0, 0, 1))
FORMATS = ["e4m3", "1-4-3", "e2m1nz", "s6"]


def operands(name, unsigned, seed):
    """x (4, 3, 2, 3) and w (2, 2, 3, 4) of a format, and w as integers of one step."""
    rng = np.random.default_rng(seed)
    x_format = Fixed(8, 4, signed=not unsigned, symmetric=not unsigned)
    x = rng.integers(x_format.minimum, x_format.maximum + 1, (4, 3, 2, 3)).astype(x_format.dtype)
    fmt = parse_format(name)
    if isinstance(fmt, Fixed):
        w = rng.integers(-31, 32, (2, 2, 3, 4)).astype(np.int8)
        integers = w.astype(np.int64)
    else:
        w = rng.integers(0, 1 << fmt.bits, (2, 2, 3, 4)).astype(fmt.dtype)
        integers = expand(w, fmt)[0]
    return Tensor(x, x_format, "HWNC"), Tensor(w, fmt, "HWIO"), integers


def sums(x, integers, accumulator):
    """{index: sum} as the register makes it, one product after the other."""
    height, width, images, channels = x.codes.shape
    lo, hi = -(1 << accumulator.bits - 1), (1 << accumulator.bits - 1) - 1

    def fit(value):
        if str(accumulator.overflow) == "wrap":
            return (value - lo) % (hi - lo + 1) + lo
        return min(max(value, lo), hi)

    out = {}
    for h, v, n, o in np.ndindex(4, 3, images, integers.shape[3]):
        acc = 0
        for a, b, i in np.ndindex(2, 2, channels):
            ih, iw = h - 1 + a, v + b
            inside = 0 <= ih < height and 0 <= iw < width
            product = int(x.codes[ih, iw, n, i]) * int(integers[a, b, i, o]) if inside else 0
            acc += product >> accumulator.drop_bits
            if accumulator.check == "product":
                acc = fit(acc)
        out[h, v, n, o] = fit(acc)
    return out


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda k: k.backend)
@settings(max_examples=30)
@given(name=st.sampled_from(FORMATS), unsigned=st.booleans(), bits=st.integers(8, 30),
       overflow=st.sampled_from(["wrap", "saturate"]), check=st.sampled_from(["end", "product"]),
       drop=st.integers(0, 12), seed=st.integers(0, 99))
def test_registers_under_minifloats(kernels, name, unsigned, bits, overflow, check, drop, seed):
    accumulator = Accumulator(bits, overflow, check, drop_bits=drop if check == "end" else 0)
    x, w, integers = operands(name, unsigned, seed)
    products = DeviceProducts(Device(forward=accumulator), kernels)
    y = products.forward("conv2d_1", x, w, WINDOW)
    want = sums(x, integers, accumulator)
    assert {index: int(y.codes[index]) for index in want} == want
    exact = ops.conv2d(kernels, x, w, WINDOW)
    assert y.format.step == exact.format.step * 2**accumulator.drop_bits


def test_a_trap_names_the_place():
    x, w, _ = operands("e4m3", True, 1)
    products = DeviceProducts(Device(forward=Accumulator(12, "trap", "product")), KERNELS[1])
    with pytest.raises(OverflowTrap, match=r"conv2d_1 forward \[n=0, c=0, h=\d, w=\d\]"):
        products.forward("conv2d_1", x, w, WINDOW)


def test_by_hand():
    """5 * 3 = 15 and -5 * 3 = -15 without two low bits: 3 and -4, floored."""
    x = Tensor(np.array([[5, -5]], np.int8), Fixed(8, 0, symmetric=True), "NC")
    w = Tensor(np.array([[3], [3]], np.int8), Fixed(3, 0, symmetric=True), "IO")
    products = DeviceProducts(Device(forward=Accumulator(16, drop_bits=2)), KERNELS[1])
    y = products.forward("linear_1", x, w, ops.Window((1, 1)))
    assert y.codes.tolist() == [[3 - 4]] and y.format.frac_bits == -2


@pytest.mark.parametrize("text, message", [
    ("[forward]\ndrop_bits = 63\n", "0 to 62"), ("[gradient]\ndrop_bits = 1\n", "forward products"),
    ('[forward]\ndrop_bits = 1\ncheck = "product"\n', "check = \"end\""),
])
def test_refused(text, message):
    with pytest.raises(FormatError, match=message):
        Device.read(text)


def test_the_file_keeps_it():
    device = Device.read("[forward]\nbits = 20\ndrop_bits = 3\n")
    assert device.forward.drop_bits == 3 and Device.read(device.to_toml()) == device
