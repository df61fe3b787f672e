"""Figures by hand: counts of kernels, energies, exchange, files for other simulators, WRPN."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.costs import (
    PASSES, Counts, compute_cost, narrow_bits, problem_yaml, product_sizes, read_energy, ring,
    scale_sim_csv, sent_bytes,
)
from intflow.costs import kernels
from intflow.costs.energy import interpolate
from intflow.costs.timeloop import instance
from intflow.errors import UsageError
from intflow.formats import Fixed, parse_format
from intflow.kernels.geometry import geometry
from intflow.layers import Conv2d, Flatten, Linear, Requantize, Sequential
from intflow.models import find_model, make_layers
from intflow.quantizers import make_scheme
from intflow.training.count import Plan, count
from intflow.training.network import Network

S8, S2, S32 = (Fixed(bits, 1, symmetric=True) for bits in (8, 2, 21))


def sizes(groups=1, stride=1, padding=1):
    """3x3 over 4x4 pixels, 2 images, 4 to 6 channels."""
    out = (4 + 2 * padding - 3) // stride + 1
    return geometry((4, 4, 2, 4), (3, 3, 4 // groups, 6), (out, out, 2, 6), (stride, stride),
                    (padding,) * 4, (1, 1), groups)


# kernels -----------------------------------------------------------------------------------


def test_a_product():
    counts = kernels.product(sizes(), S8, S2, S32, [("activations", 128, S8), ("weights", 216, S2)],
                             [("activations", 192, S32)])
    assert counts.operations == {("mac", "8x2+32"): 16 * 9 * 4 * 6 * 2,
                                 ("padding", "8x2+32"): (16 * 9 - 10 * 10) * 4 * 6 * 2}
    assert counts.read == {"activations": 128, "weights": 216}
    assert counts.written == {"activations": 768}
    assert counts.packed == 128 * 8 + 216 * 2


def test_a_minifloat_product_shifts_each_product():
    plain = kernels.product(sizes(), S8, S2, S32, [], [])
    mini = kernels.product(sizes(), S8, parse_format("e4m3"), S32, [], [])
    assert mini.total("shift") == mini.total("mac") == plain.total("mac")
    assert ("mac", "8xe4m3+32") in mini.operations


def test_counts_add_up():
    one = kernels.requantize_masked(10, S32, S8)
    assert one.operations == {("shift", "32"): 10, ("add", "32"): 10, ("compare", "32"): 40}
    assert one + one == kernels.requantize_masked(20, S32, S8)
    assert one + Counts() == one
    assert one.bytes == 40 + 10 + 10 and one.packed == 80 + 10
    assert one.to_dict()["packed_bytes"] == 12


# energy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation, width, picojoules", [
    ("add", "32", "0.1"), ("add", "8", "0.03"), ("add", "64", "0.2"), ("add", "16", "0.16/3"),
    ("compare", "32", "0.1"), ("shift", "8", "0.03"), ("multiply", "32", "3.1"),
    ("mac", "8x2+32", "0.15"), ("mac", "8x8+32", "0.3"), ("mac", "fp32xfp32+fp32", "4.6"),
    ("mac", "bf16xbf16+fp32", "2.0"), ("padding", "8x2+32", "0"), ("divide", "32", "3.2"),
    ("lookup", "16", "2.5"), ("random", "32", "16"), ("mac", "8xe4m3+32", "0.225"),
])
def test_energy_of_operations(operation, width, picojoules):
    top, _, bottom = picojoules.partition("/")
    expected = Fraction(top) / Fraction(bottom or 1)
    assert read_energy().operation(operation, width) == expected


@given(st.dictionaries(st.integers(1, 64), st.integers(1, 99), min_size=1), st.integers(1, 80))
def test_interpolation_goes_through_its_points(points, x):
    y = interpolate(points, x)
    if x in points:
        assert y == points[x]
    below, above = ([k for k in points if sign * k < sign * x] for sign in (1, -1))
    if below and above and x not in points:
        a, b = max(below), min(above)
        assert (y - points[a]) * (b - a) == (points[b] - points[a]) * (x - a)


def test_memory_takes_picojoules_for_64_bits(tmp_path):
    counts = Counts.of(read=[("weights", 16, S8)])
    assert read_energy().bits(8 * counts.bytes, "dram") == 2 * 1300
    file = tmp_path / "own.toml"
    file.write_text("[memory]\nrram = 2.5\n[add]\n8 = 1\nfp16 = 2\nfp32 = 3\n")
    own = read_energy(file)
    assert own.bits(128, "rram") == 5
    assert own.operation("add", "32") == 4 and own.operation("multiply", "8") == Fraction("0.2")
    with pytest.raises(UsageError, match="no memory is called dram; the table has rram"):
        own.bits(128, "dram")


@pytest.mark.parametrize("text, said", [
    ("[ad]\n8 = 1", "none of add, multiply, memory"), ("add = 3", "none of add"),
    ("[add]\neight = 1", "eight in .add. is no width"), ("[memory]\ndram = -1", "from 0, got -1"),
    ("[memory]\ndram = 'x'", "from 0, got x"), ("[memory]\ndram = inf", "cannot read"),
    ("[add]\n8 = 1", "needs fp16, fp32"), ("[memory]", "needs one level"), ("[", "cannot read"),
    ("[memory]\ndram = true", "from 0, got True"),
])
def test_tables_that_make_no_sense(tmp_path, text, said):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_energy(file)


# exchange ----------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(2, 6))
def test_a_ring_is_played(n, workers):
    """Every worker sums parts that it receives, until all have the whole sum."""
    part = -(-n // workers)
    held = np.zeros((workers, workers * part), int)
    held[:, :n] = np.arange(workers * n).reshape(workers, n)
    whole, sent, added = held.sum(axis=0), 0, 0
    parts = held.reshape(workers, workers, part)
    for turn in range(2 * (workers - 1)):
        moving = [parts[k, (k - turn) % workers].copy() for k in range(workers)]
        for k, codes in enumerate(moving):
            target = parts[(k + 1) % workers, (k - turn) % workers]
            target[:] = target + codes if turn < workers - 1 else codes
        sent += part
        added += part if turn < workers - 1 else 0
    assert (held == whole).all()
    counts = ring(n, S32, workers)
    assert counts.written == counts.read == {"gradients": 4 * sent}
    assert counts.operations == {("add", "32"): added}
    assert sent_bytes([n], 32, workers) == 4 * sent


@given(st.integers(2, 32), st.integers(1, 1000))
def test_sums_of_narrow_gradients_fit(bits, workers):
    top = (1 << (bits - 1)) - 1
    assert workers * top <= (1 << (narrow_bits(bits, workers) - 1)) - 1


# other simulators --------------------------------------------------------------------------


def plan(model, width=1, scheme="wage", bits="2888", classes=1000):
    entry = find_model(model)
    layers = make_layers(model, classes, Fraction(width))
    return Network(layers, entry.input_shape, make_scheme(scheme, bits), None, 1, 1)


def small():
    layers = Sequential(Conv2d(4, 3, padding=1), Requantize(), Conv2d(6, 3, stride=2, groups=2),
                        Requantize(), Flatten(), Linear(5))
    return Network(layers, (2, 7, 7), make_scheme("wage", "2888"), None, 1, 3)


def test_products_of_a_step():
    listed = product_sizes(small(), 3, True)
    assert [(name, kind) for name, kind, _ in listed] == [
        ("conv2d_1", "forward"), ("conv2d_2", "forward"), ("linear_1", "forward"),
        ("linear_1", "error"), ("linear_1", "gradient"), ("conv2d_2", "error"),
        ("conv2d_2", "gradient"), ("conv2d_1", "gradient")]
    assert len(product_sizes(small(), 3, False)) == 3


def test_scale_sim_has_all_products():
    header, *lines = scale_sim_csv(product_sizes(small(), 3, True)).splitlines()
    assert header == "Layer,M,N,K,"
    rows = {name: tuple(map(int, numbers)) for name, *numbers, _ in (x.split(",") for x in lines)}
    assert rows["conv2d_1_forward"] == (7 * 7 * 3, 4, 9 * 2)
    assert rows["conv2d_2_forward_g0"] == rows["conv2d_2_forward_g1"] == (3 * 3 * 3, 3, 9 * 2)
    assert rows["conv2d_2_error_g1"] == (27, 18, 3)
    assert rows["conv2d_2_gradient_g1"] == (18, 3, 27)
    assert rows["linear_1_gradient"] == (54, 5, 3)
    assert len(lines) == 8 + 3
    for name, kind, shape in product_sizes(small(), 3, True):
        found = [m * n * k for row, (m, n, k) in rows.items() if row.startswith(f"{name}_{kind}")]
        assert sum(found) == shape.products


@pytest.mark.parametrize("kind, result", [
    ("forward", "[[M]]"), ("error", "[[R, Hdilation], [P, Hstride]]"), ("gradient", "[[R]]")])
def test_timeloop_problems(kind, result):
    shape = sizes(groups=2, stride=2)
    text = problem_yaml(kind, shape)
    numbers = instance(shape)
    assert [numbers[k] for k in "NGCMPQRS"] == [2, 2, 2, 3, 2, 2, 3, 3]
    assert np.prod([numbers[k] for k in "NGCMPQRS"]) == shape.products
    tensors = text.split("- name: ")[-3:]
    assert [t.split()[0] for t in tensors] == ["Inputs", "Weights", "Outputs"]
    assert f"- {result}\n" in tensors[2] and "read_write: True" in tensors[2]
    assert text.count("read_write") == 1
    assert "    Hstride: 2\n" in text and "\t" not in text


# WRPN --------------------------------------------------------------------------------------


def three_digits(value):
    return float(f"{value:.3g}")


def test_cost_of_alexnet():
    """In two groups 0.7244 G multiply-accumulates, without 1.135 G."""
    grouped, whole = plan("alexnet-grouped"), plan("alexnet")
    assert round(compute_cost(grouped, (32, 32)) / 64e9, 4) == 0.7244
    assert three_digits(compute_cost(grouped, (32, 32))) == 46.4e9
    assert three_digits(compute_cost(whole, (32, 32)) / 64) == 1.14e9
    growth = [compute_cost(plan("alexnet-grouped", w), (1, 0)) / compute_cost(grouped, (1, 0))
              for w in ("1.3", "1.6", "2")]
    assert [round(g, 1) for g in growth] == [1.6, 2.4, 3.7]


@pytest.mark.parametrize("width, bits, ratio", [
    (2, (4, 8), 0.738), (2, (4, 4), 0.492), (2, (4, 2), 0.369), (2, (2, 4), 0.369),
    (2, (2, 2), 0.246), (2, (1, 1), 0.123), (3, (1, 1), 0.275), (1, (1, 1), 0.031)])
def test_cost_of_resnet34(width, bits, ratio):
    fp32 = compute_cost(plan("resnet34"), (32, 32))
    assert round(compute_cost(plan("resnet34", width), bits) / fp32, 3) == ratio


def test_cost_with_the_formats_of_a_network():
    assert compute_cost(plan("resnet34")) == compute_cost(plan("resnet34"), (8, 2))
    growth = [compute_cost(plan("resnet34", w), (1, 0)) / compute_cost(plan("resnet34"), (1, 0))
              for w in (2, 3)]
    assert [round(g, 2) for g in growth] == [3.94, 8.81]


# the report --------------------------------------------------------------------------------


def test_the_report_of_a_plan():
    report = count(Plan("lenet", "2888", batch_size=4), read_energy(), "dram", workers=2)
    assert list(report["passes"]) == list(PASSES)
    for side in ("read", "written"):
        for role, number in report["total"][side].items():
            assert number == sum(p[side].get(role, 0) for p in report["passes"].values())
            assert number == sum(p[side].get(role, 0) for row in report["layers"]
                                 for p in row["passes"].values())
    weights = 32 * 25 + 64 * 32 * 25 + 1024 * 512 + 512 * 10
    assert report["passes"]["update"]["operations"]["random"] == {"32": weights}
    assert report["fp32"]["operations"]["mac"]["fp32xfp32+fp32"] > 4 * weights
    assert report["all_reduce"]["exact"] == report["all_reduce"]["fp32"] == 4 * weights
    assert report["all_reduce"]["narrow (9 bits)"] == -(-weights * 9 // 8)
    assert report["wrpn"]["ratio"] == 10 / 64


def test_a_scheme_that_does_not_train_has_a_forward_pass():
    plan = Plan("squeezenet1_1", "e4m3,8", "float-weight", batch_size=1)
    report = count(plan, read_energy(), "sram-8k")
    assert list(report["passes"]) == ["forward"] and report["loss"] is None
    assert "cannot be trained" in report["forward_only"]


def test_fine_tuning_draws_for_every_weight():
    """Three random numbers for the velocity and one for the update, one for the narrowed gradient."""
    plan = Plan("resnet20", "4-4-16-16", "faq", batch_size=2)
    report = count(plan, read_energy(), "sram-8k")
    weights = plan.network.count_weights()
    assert list(report["passes"]) == ["forward", "error", "gradient", "update"]
    assert report["passes"]["update"]["operations"]["random"] == {"32": 5 * weights}
    assert report["passes"]["error"]["operations"]["random"]["32"] > weights
