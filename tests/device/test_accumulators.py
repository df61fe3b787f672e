"""Every accumulator equals the model in Python integers: bits, modes, checks, orders, counts."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bridge
import oracle
import strategies
from device import model
from device.model import Chip
from intflow.device.accumulator import ORDERS, Accumulator
from intflow.device.device import Device
from intflow.device.products import DeviceProducts
from intflow.errors import FormatError, OverflowTrap, UnknownNameError
from intflow.formats import Fixed, Overflow, Tensor
from intflow.ops import Window
from test_oracle_step import NETS, compare

BACKENDS = ("reference", "auto")
MODES = ("wrap", "saturate", "saturate_symmetric")
FAST = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@st.composite
def chips(draw, face, overflow=st.sampled_from(MODES), bits=st.integers(8, 22)):
    """Any accumulator of a face."""
    check = draw(st.sampled_from(["product", "product", "tile", "end"]))
    order = "".join(draw(st.permutations(ORDERS[face])))
    tile = draw(st.integers(1, 20)) if check == "tile" else 0
    return Chip(draw(bits), draw(overflow), check, tile, order,
                draw(st.sampled_from([0, 0, 2, 8, 12, 17, 30])))


def device(face, chip):
    """A Device that is exact but for one face."""
    return Device(**{face: Accumulator(**chip._asdict())})


def weight(nested, bits):
    axes = "HWIO" if len(oracle.shape_of(nested)) == 4 else "IO"
    codes = np.array(nested, np.int64).transpose(bridge.FROM_LOGICAL[axes])
    fmt = Fixed(bits, 0, symmetric=True)
    return Tensor(np.ascontiguousarray(codes.astype(fmt.dtype)), fmt, axes)


def operand(nested, bits):
    return bridge.to_engine(oracle.Tensor(nested, 0, bits))


def engine(face, chip, backend, call, bits):
    """(sums in logical order, events) of the engine; call : strategies.Convolution."""
    products = DeviceProducts(device(face, chip), bridge.kernels(backend, 1))
    s = call.settings
    kernel_size = oracle.shape_of(call.w)[2:] or (1, 1)
    window = Window(kernel_size, s.get("stride", (1, 1)), s.get("padding", (0, 0, 0, 0)),
                    s.get("dilation", (1, 1)), s.get("groups", 1))
    x, w, e = operand(call.x, bits[0]), weight(call.w, bits[1]), operand(call.e, bits[2])
    if face == "forward":
        out = products.forward("layer", x, w, window)
    elif face == "error":
        out = products.error("layer", e, w, window, x.shape)
    else:
        out = products.gradient("layer", x, e, window, w.shape)
    out.check()
    return out.logical().tolist(), products.events["layer", face]


def expected(face, chip, call):
    """(sums, Seen) of the model."""
    seen, flat = model.Seen(), len(oracle.shape_of(call.x)) == 2
    if face == "forward":
        function = model.linear if flat else model.conv2d
        return function(chip, seen, call.x, call.w, **call.settings), seen
    if face == "error":
        if flat:
            return model.linear_error(chip, seen, call.e, call.w), seen
        return model.conv2d_error(
            chip, seen, call.e, call.w, oracle.shape_of(call.x), **call.settings), seen
    if flat:
        return model.linear_gradient(chip, seen, call.x, call.e), seen
    return model.conv2d_gradient(
        chip, seen, call.x, call.e, oracle.shape_of(call.w), **call.settings), seen


def assert_equals_the_model(face, chip, call, bits):
    sums, seen = expected(face, chip, call)
    for backend in BACKENDS:
        got, events = engine(face, chip, backend, call, bits)
        assert got == sums, backend
        assert events["overflows"] == seen.overflows, backend
        assert events["saturations"] == (0 if chip.overflow == "wrap" else seen.overflows)
        assert events["largest"] in (seen.largest, 0), backend
        if seen.largest > chip.limits(chip.bits)[1]:
            assert events["largest"], backend


@pytest.mark.parametrize("face", ORDERS)
@FAST
@given(data=st.data())
def test_convolutions(face, data):
    bits = data.draw(st.sampled_from([(8, 8, 8), (8, 2, 8), (4, 3, 5)]))
    call = data.draw(strategies.convolutions(*bits))
    assert_equals_the_model(face, data.draw(chips(face)), call, bits)


@pytest.mark.parametrize("face", ORDERS)
@FAST
@given(data=st.data())
def test_wide_operands_and_accumulators(face, data):
    """Sums beyond 32 bits, in accumulators on both sides of it."""
    bits = (16, 16, 16)
    call = data.draw(strategies.convolutions(*bits))
    assert_equals_the_model(face, data.draw(chips(face, bits=st.integers(24, 40))), call, bits)


@pytest.mark.parametrize("face", ORDERS)
@FAST
@given(data=st.data())
def test_linear(face, data):
    call = strategies.Convolution(*data.draw(strategies.codes_NI_OI()), {})
    assert_equals_the_model(face, data.draw(chips(face)), call, (8, 8, 8))


@pytest.mark.parametrize("face", ORDERS)
@FAST
@given(data=st.data())
def test_trap(face, data):
    """It stops where, and at what, the model stops; else it changes nothing."""
    call = data.draw(strategies.convolutions(4, 3, 4))
    chip = data.draw(chips(face, st.just("trap"), st.integers(8, 10)))
    try:
        sums, _ = expected(face, chip, call)
    except model.Trapped as trap:
        index, value, bits = trap.args
        for backend in BACKENDS:
            with pytest.raises(OverflowTrap) as stop:
                engine(face, chip, backend, call, (4, 3, 4))
            axes = "oihw" if face == "gradient" else "nchw"
            assert stop.value.index == dict(zip(axes, index, strict=True))
            assert (stop.value.value, stop.value.bits) == (value, bits)
            assert stop.value.exit_code == 1 and str(stop.value).startswith(f"layer {face} [")
    else:
        for backend in BACKENDS:
            assert engine(face, chip, backend, call, (4, 3, 4))[0] == sums


# ------------------------------------------------------------------ whole small domains


LEFT = np.array(list(product(range(-3, 4), repeat=4)), np.int8)     # all rows of four codes
RIGHT = np.array([[1, 1, 3], [1, -1, 2], [1, 1, -3], [1, -1, 1]], np.int8)


@pytest.mark.parametrize("mode", [None, "saturate", "wrap"], ids="products {}".format)
@pytest.mark.parametrize("tile", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_all_short_sums(bits, tile, mode):
    """Every sum of four products of 3-bit codes in an accumulator of 2 to 4 bits."""
    product_bits = 0 if mode is None else 3
    lo, hi = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    limits = (-4, 3) if product_bits else (0, 0)
    rows = np.zeros((len(LEFT), 4), np.int64)
    rows[:, 0], rows[:, 3] = np.arange(len(LEFT)), 3 * np.arange(len(LEFT))
    terms = np.array([[t, 0, 3 * t] for t in range(4)])
    table = np.arange(LEFT.size).reshape(-1, 4)
    sums, seen = model_of_rows(bits, tile, mode, product_bits)
    for backend in BACKENDS:
        for dtype in (np.int32, np.int64) if backend == "auto" else (np.int32,):
            out, counts = np.empty(3 * len(LEFT), dtype), np.empty((len(LEFT), 2), np.int64)
            bridge.kernels(backend, 1).ordered_sums(
                out, counts, LEFT.reshape(-1), RIGHT.reshape(-1), table, rows, terms, 3, tile, lo,
                hi, *limits, mode == "wrap")
            assert out.tolist() == sums
            assert counts.tolist() == seen


def model_of_rows(bits, tile, mode, product_bits):
    """Products wrap or saturate by `mode`; sums saturate."""
    clip, own = (Chip(bits, how, "tile", tile, "", 0) for how in ("saturate", mode))
    sums, seen = [], []
    for row in LEFT.tolist():
        counts = model.Seen()
        for lane in range(3):
            products = [a * b[lane] for a, b in zip(row, RIGHT.tolist(), strict=True)]
            if product_bits:
                products = [model.fit(p, product_bits, own, counts) for p in products]
            sums.append(model.accumulate(products, clip, counts))
        seen.append([counts.overflows, counts.largest])
    return sums, seen


@pytest.mark.parametrize("mode", Overflow)
@pytest.mark.parametrize("bits", [2, 3, 5, 8, 31])
def test_all_finished_sums(bits, mode):
    """Every value around the range, and the ends of the words."""
    ends = [-(2**31), 2**31 - 1, *range(-(2 ** (bits - 1)) - 3, -(2 ** (bits - 1)) + 4)]
    values = [*range(-300, 301), *ends, *(-v - 1 for v in ends)]
    chip, seen = Chip(bits, str(mode), "end", 0, "", 0), model.Seen()
    lo, hi = chip.limits(bits)
    if mode is Overflow.TRAP:
        fitted, outside = values, sum(not lo <= v <= hi for v in values)
    else:
        fitted = [model.fit(v, bits, chip, seen) for v in values]
        outside = seen.overflows
    for backend in BACKENDS:
        for dtype in np.int32, np.int64:
            x = np.array(values, dtype)
            kernels = bridge.kernels(backend, 1)
            assert kernels.fit_sums(x, bits, mode) == (outside, 2**31)
            assert x.tolist() == fitted


def test_orders_differ_when_sums_saturate():
    """Two channels, two taps: 127 + 127 - 127 - 127 in 8 bits depends on who comes first."""
    x = [[[[127, 127]], [[127, 127]]]]
    w = [[[[1, -1]], [[1, -1]]]]
    call = strategies.Convolution(x, w, [[[[0]]]], {})
    results = {}
    for order in map("".join, permutations("HWI")):
        chip = Chip(8, "saturate", "product", 0, order, 0)
        results[order] = engine("forward", chip, "auto", call, (8, 2, 8))[0][0][0][0][0]
    # Channels fastest: 127, 127, 0, -127. Columns fastest: 127, 0, 127, 0.
    assert results == {order: -127 if order.index("W") < order.index("I") else 0
                       for order in results}


# ------------------------------------------------------------------ whole steps


@pytest.mark.parametrize("net", ["mlp", "strides", "concatenate"])
@pytest.mark.parametrize("chip", [
    Chip(12, "saturate", "product", 0, "", 0), Chip(11, "wrap", "end", 0, "", 0),
    Chip(12, "saturate_symmetric", "tile", 3, "", 9),
], ids=lambda c: f"{c.bits} {c.overflow} {c.check}")
def test_whole_steps(net, chip, monkeypatch):
    """Every tensor of training under a device equals the oracle with the model's sums in it."""
    faces = {face: chip._replace(order=order[::-1]) for face, order in ORDERS.items()}
    model.put_under_oracle(monkeypatch, faces)
    accumulators = {face: Accumulator(**chip._asdict()) for face, chip in faces.items()}
    for backend in BACKENDS:
        compare(NETS[net], (2, 8, 8, 8), backend, steps=2, device=Device(**accumulators))


# ------------------------------------------------------------------ what cannot be


@pytest.mark.parametrize("settings, message", [
    ({"bits": 7}, "8 to 64 bits, got 7"), ({"bits": 65}, "got 65"),
    ({"bits": True}, "bits takes an integer, got True"), ({"bits": "16"}, "got '16'"),
    ({"check": "tile"}, "tile takes a length from 1"), ({"tile": 4}, "got 4"),
    ({"check": "tile", "tile": -4}, "got -4"),
    ({"order": "HHW"}, "a permutation of HWI or HWO or NHW, got HHW"),
    ({"product_bits": 1}, "2 to 64, or 0"), ({"product_bits": -8}, "got -8"),
    ({"overflow": "AP_SAT_ZERO"}, "not simulated; use one of wrap, saturate"),
    ({"overflow": "WRAP_SM"}, "not simulated"),
])
def test_refused(settings, message):
    with pytest.raises(FormatError, match=message):
        Accumulator(**settings)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean product"):
        Accumulator(check="products")
    with pytest.raises(UnknownNameError, match="did you mean saturate"):
        Accumulator(overflow="saturated")
    with pytest.raises(FormatError, match="error: order takes a permutation of HWO, got HWI"):
        Device(error=Accumulator(order="HWI"))


def test_names_of_ap_fixed():
    names = {"SAT": "saturate", "AP_SAT": "saturate", "ap_sat_sym": "saturate_symmetric",
             "AP_WRAP": "wrap", "wrap": "wrap", "Saturate-Symmetric": "saturate_symmetric"}
    for name, mode in names.items():
        assert str(Accumulator(overflow=name).overflow) == mode
