"""WRPN: whole steps equal the oracle's; grids, digests, refusals."""

from fractions import Fraction

import numpy as np
import pytest

import bridge
import oracle_wrpn
from intflow import Trainer
from intflow.errors import FormatError, RangeError, UsageError
from intflow.formats import Fixed, Scaled, Tensor, levels
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential,
)
from intflow.quantizers import make_scheme
from intflow.quantizers.wrpn import prescale

BACKENDS = bridge.BACKENDS


def conv(channels, **settings):
    return [Conv2d(channels, 3, padding=1, **settings), BatchNorm2d()]


def residual():
    """Stem, one block, average, classifier."""
    return Sequential(
        *conv(4), ReLU(), Requantize(),
        Residual(Requantize(), *conv(4), ReLU(), Requantize(), *conv(4)), ReLU(), Requantize(),
        AvgPool2d(guard_bits=6), Requantize(), Flatten(), Linear(5, bias=True),
    )


def plain():
    """No batch norm at all."""
    return Sequential(
        Conv2d(6, 3, padding=1, bias=True), MaxPool2d(2), ReLU(), Requantize(),
        Conv2d(6, 3, padding=1, bias=True), ReLU(), Requantize(), Flatten(),
        Linear(9), BatchNorm2d(), ReLU(), Requantize(), Linear(5, bias=True),
    )


def make(net, bits, backend="reference", threads=1, **options):
    return Trainer(net(), bits, "wrpn", input_shape=(3, 6, 6), seed=7, batch_size=4, lr="1/8",
                   backend=backend, threads=threads, **options)


def data(steps):
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (steps, 4, 3, 6, 6), np.uint8), rng.integers(0, 5, (steps, 4))


@pytest.mark.parametrize("bits, momentum, decay", [
    ("2-4-16-16", None, None), ("4-2-32-32", "9/10", "1/1000"), ("8-8-16-16", "0", "1/4096"),
])
def test_whole_steps_equal_the_oracle(bits, momentum, decay):
    trainer = make(residual, bits, "portable", momentum=momentum, weight_decay=decay)
    widths = [16 if i == 3 and b == "32" else int(b) for i, b in enumerate(bits.split("-"))]
    twin = oracle_wrpn.Network(4, 5, widths, 7)
    check(trainer, twin, skip="variance")
    for number, (images, labels) in enumerate(zip(*data(3))):
        trainer.step(images, labels)
        twin.step(images.tolist(), labels.tolist(), Fraction(1, 8), Fraction(momentum or "7/8"),
                  Fraction(decay or 0), number)
        check(trainer, twin)


def check(trainer, twin, skip=None):
    """Every master and every velocity."""
    parameters = {p.name: p for p in trainer.network.parameters}
    assert set(parameters) == set(twin.parameters)
    for name, expected in twin.parameters.items():
        got = parameters[name]
        assert got.index == expected["index"]
        if not (skip and name.endswith(skip)):
            assert got.master.logical().tolist() == expected["master"], name
        assert got.state.get("velocity", np.zeros(0, int)).ravel().tolist() == (
            expected.get("velocity", [])), name


def run(trainer, first=0, last=3):
    images, labels = data(3)
    for step in range(first, last):
        trainer.step(images[step], labels[step])
    return trainer.digest()


@pytest.mark.parametrize("net, bits", [
    (residual, "2-4-16-16"), (plain, "4-2-16-8"), (plain, "1-1-32-32")])
def test_one_digest(net, bits, tmp_path):
    """Threads, backends, an interruption."""
    expected = run(make(net, bits))
    for backend, threads in [(BACKENDS[-1], 1), ("portable", 2)]:
        assert run(make(net, bits, backend, threads)) == expected
    first = make(net, bits, "portable")
    run(first, last=1)
    first.save(tmp_path / "a.h5")
    second = make(net, bits, "portable")
    second.load(tmp_path / "a.h5")
    assert run(second, 1) == expected
    assert run(make(net, bits, "portable", momentum="1/2")) != expected


def test_evaluation_changes_nothing():
    trainer = make(residual, "2-4-16-16", "portable")
    run(trainer, last=1)
    before = trainer.digest()
    images, labels = data(1)
    a = trainer.evaluate(images[0], labels[0])[0]
    b = np.concatenate([trainer.evaluate(images[0][i:i + 1], labels[0][i:i + 1])[0] for i in range(4)])
    assert (a == b).all() and trainer.digest() == before


def test_recording_and_counting_change_nothing():
    from intflow.training.counters import Counters

    plainly, watched, counters = (make(residual, "2-4-16-16", "portable"),
                                  make(residual, "2-4-16-16", "portable"), Counters())
    images, labels = data(1)
    plainly.step(images[0], labels[0])
    result = watched.step(images[0], labels[0], record=True, measure=True, counters=counters)
    assert watched.digest() == plainly.digest()
    kept = result.recorder.layers["batch_norm2d_1"]
    assert {"scale", "bias", "mean", "variance", "error_in", "error_out"} <= set(kept)
    assert kept["mean"].codes.tolist() == [0] * 4                 # as the step found it
    assert counters.layers["conv2d_2"]["slots"]["update"]["size"] == 144
    grid = result.tensor("requantize_2/output").format
    assert grid.step == Fraction(2, 15) and str(grid) == "uniform<4,2/15,unsigned>"


@pytest.mark.parametrize("bits", range(1, 9))
def test_the_papers_grids(bits):
    """papers' formulas on every code of a 12-bit fixed point, ties to even."""
    scheme, kernels = make_scheme("wrpn", f"{max(bits, 2)}-{bits}-16-16"), bridge.kernels("portable")
    x = Tensor(np.arange(-100, 4300, dtype=np.int32).reshape(1, -1), Fixed(28, 12, symmetric=True), "NC")
    fmt, most = levels(bits), 2**bits - 1
    codes, mask = scheme.activation(kernels, x, fmt)
    values = [min(max(Fraction(v, 4096), 0), 1) for v in x.codes[0].tolist()]
    assert codes.codes[0].tolist() == [round(v * most) for v in values]
    assert mask[0].tolist() == [int(0 <= v <= 4096) for v in x.codes[0].tolist()]
    assert fmt.step == Fraction(1, most) and fmt.value(most) == 1
    if bits > 1:
        most = 2 ** (bits - 1) - 1
        assert levels(bits, signed=True).step == Fraction(1, most)


def test_prescale_brings_the_deviation_near_a_half():
    assert [prescale(n) for n in (1, 27, 144, 288, 576, 4608)] == [0, 1, 2, 3, 3, 5]
    scheme = make_scheme("wrpn", "2-4-16-16")
    w = scheme.initial_weight(bridge.kernels("portable"), "conv2d_1", (3, 3, 64, 64), 576, 1, 0)
    squares = sum(int(v) ** 2 for v in w.codes.ravel())
    assert 0.3 < (squares / w.codes.size) ** 0.5 / 2**14 < 0.7    # sqrt(2 / 576) * 8 = 0.47, clipped at 1


def test_scaled_codes_are_added_to_nothing():
    from intflow import ops

    assert Scaled(4, 4, False, factor=Fraction(16, 15)).step == Fraction(1, 15)
    with pytest.raises(FormatError, match="in \\[1, 2\\)"):
        Scaled(4, 4, False, factor=Fraction(2))
    with pytest.raises(FormatError, match="cannot be added"):
        ops.sum_format(levels(4), Fixed(8, 4))


@pytest.mark.parametrize("bits, message", [
    ("9-4-16-16", "wrpn takes 1 to 8 bits for W, got 9"), ("2-9-16-16", "for A, got 9"),
    ("2-4-1-16", "2 to 16 bits, or 32 for wide for G, got 1"), ("2-4-16-1", "for E, got 1")])
def test_bits_that_it_has_not(bits, message):
    with pytest.raises(FormatError, match=message):
        make_scheme("wrpn", bits)


def test_bad_settings_are_refused_in_one_line():
    with pytest.raises(UsageError, match="rounds slot activation deterministically"):
        make_scheme("wrpn", "2-4-16-16", {"activation": "stochastic"})
    with pytest.raises(UsageError, match="rounds its updates stochastically"):
        trainer = Trainer(plain(), scheme=make_scheme("wrpn", "2-4-16-16", {"gradient": "half_even"}),
                          input_shape=(3, 6, 6), batch_size=4, threads=1)
        run(trainer, last=1)
    for settings, message in (({"momentum": "1"}, r"lies in \[0, 1\)"), ({"weight_decay": "-1"}, "starts at 0")):
        with pytest.raises(RangeError, match=message):
            make(plain, "2-4-16-16", **settings)
    with pytest.raises(UsageError, match="wage scheme trains without momentum"):
        Trainer("mlp", "2888", momentum=Fraction(1, 2))


@pytest.mark.parametrize("bits, cost", [
    ("8-4-16-16", 0.742), ("4-4-16-16", 0.500), ("2-4-16-16", 0.379), ("4-2-16-16", 0.379),
    ("2-2-16-16", 0.258), ("1-1-16-16", 0.137)])
def test_the_papers_costs_with_ends_of_8_bits(bits, cost):
    """ResNet-34, width 2, over fp32 at width 1; the paper: 0.74, 0.50, 0.39, 0.39, 0.27, 0.15."""
    from intflow.costs import compute_cost

    fp32 = compute_cost(plan("resnet34", 1, "8-8-16-16"), (32, 32))
    assert round(compute_cost(plan("resnet34", 2, bits)) / fp32, 3) == cost


@pytest.mark.parametrize("name, width, growth", [
    ("alexnet-bn", 2, 3.70), ("resnet34", 2, 3.94), ("resnet34", 3, 8.81)])
def test_multiply_adds_grow_with_the_width(name, width, growth):
    """By almost its square; the paper's AlexNet, in two groups, has 46.4e9 of cost in fp32."""
    from intflow.costs import compute_cost

    wide, narrow = (compute_cost(plan(name, w, "8-8-16-16"), (32, 32)) for w in (width, 1))
    assert round(wide / narrow, 2) == growth
    assert name != "alexnet-bn" or narrow == 724_406_816 * 64


def plan(name, width, bits):
    from intflow.models import MODELS, make_layers
    from intflow.training.network import Network

    layers = make_layers(name, 1000, width)
    return Network(layers, MODELS[name].input_shape, make_scheme("wrpn", bits), None, 1, 8)


@pytest.mark.parametrize("name, multiplied", [
    ("bnn-cifar10", slice(0)), ("alexnet-bn", slice(-1, None)), ("alexnet-cifar", slice(-1, None)),
    ("resnet20", slice(-1, None)), ("vgg16", slice(None))])
@pytest.mark.parametrize("bits", ["1-1-16-16", "2-4-16-16", "8-8-16-16"])
def test_only_where_no_norm_follows_are_sums_multiplied(name, multiplied, bits):
    """By the constant of the grids' steps; a pool before the norm changes nothing."""
    network = plan(name, 1, bits)
    products = [layer for layer, _ in network.specs if layer.kind in ("conv2d", "linear")]
    assert [layer for layer in products if layer.factors] == products[multiplied]


def test_the_rate_falls_within_the_epochs_that_the_user_wants():
    from intflow.models import MODELS

    scheme = make_scheme("wrpn", "2-4-16-16")
    schedules = [scheme.recipe(MODELS["resnet20"], epochs)["schedule"] for epochs in (None, 20, 3, 1)]
    assert schedules == ["150:1/64,225:1/512", "10:1/64,15:1/512", "1:1/64,3:1/512", "1:1/512"]


@pytest.mark.parametrize("name", ["densenet161", "inception-v3", "bn-inception", "googlenet", "vgg16bn",
                                  "resnet50", "alexnet", "alexnet-tv", "squeezenet1_1", "lenet", "mlp"])
def test_every_model_has_a_way_back(name):
    plan(name, Fraction(1, 16), "2-4-16-16").require_trainable()


def test_branches_of_different_grids_train():
    """Codes of 15ths beside sums: a step, the same in both backends."""
    from intflow.layers import Concatenate

    def net():
        return Sequential(
            *conv(4), ReLU(), Requantize(),
            Concatenate([Requantize()], conv(3)), BatchNorm2d(), ReLU(), Requantize(),
            *conv(4), ReLU(), Requantize(), Flatten(), Linear(5, bias=True))

    assert run(make(net, "2-4-16-16")) == run(make(net, "2-4-16-16", BACKENDS[-1]))
