"""A simulator's products in the engine's place: what they are given, and what is compared."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import oracle
from intflow import Trainer
from intflow.errors import Mismatch, RangeError, ShapeError, UnknownNameError, UsageError
from intflow.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Sequential

LAYERS = ("conv2d_1", "conv2d_2", "linear_1")
PRODUCTS = ("forward", "error", "gradient")
STEPS = 2


def make():
    """Every setting of a window, and a linear layer."""
    net = Sequential(
        Conv2d(4, (3, 2), stride=(1, 2), padding=(1, 0, 2, 1)), MaxPool2d(2), ReLU(), Requantize(),
        Conv2d(6, 2, padding=1, dilation=2, groups=2), ReLU(), Requantize(), Flatten(), Linear(5),
    )
    return Trainer(net, input_shape=(2, 8, 7), seed=3, batch_size=3, threads=1)


def batch(step):
    random = np.random.default_rng(step)
    return random.integers(0, 256, (3, 2, 8, 7), np.uint8), random.integers(0, 5, 3)


def run(trainer):
    for step in range(STEPS):
        result = trainer.step(*batch(step), record=True)
    return result


def by_definition(a, b, geometry):
    """The product by the oracle, which shares no line with the engine."""
    g, lists = geometry, (a.tolist(), b.tolist())
    window = g.stride, g.padding, g.dilation, g.groups
    if len(g.input_shape) == 2:
        name, arguments = "linear", ()
    else:
        name, arguments = "conv2d", window
    if g.product != "forward":
        shape = {"error": g.input_shape, "gradient": g.weight_shape}[g.product]
        name, arguments = f"{name}_{g.product}", (shape, *arguments) if arguments else ()
    return np.array(getattr(oracle, name)(*lists, *arguments))


@pytest.fixture(scope="module")
def plain():
    trainer = make()
    run(trainer)
    return trainer.digest()


@pytest.mark.parametrize("compare", [True, False])
def test_every_product_by_definition(plain, compare):
    """The geometry says all that a product needs, and the result is the engine's."""
    trainer = make()
    placed = [trainer.replace_product(layer, product, by_definition, compare=compare)
              for layer in LAYERS for product in PRODUCTS]
    run(trainer)
    assert trainer.digest() == plain
    assert [r.calls for r in placed] == [STEPS] * len(placed)
    assert not any(r.differences for r in placed)


def test_what_a_product_is_given():
    seen = {}

    def look(a, b, geometry):
        seen[geometry.product] = (a, b, geometry)
        return by_definition(a, b, geometry)

    trainer = make()
    for product in PRODUCTS:
        trainer.replace_product("conv2d_2", product, look)
    result = trainer.step(*batch(0), record=True)
    x, w = (result.tensor(f"conv2d_2/{name}") for name in ("input", "weight_q"))
    for product, names in dict(forward=("input", "weight_q"), error=("error_in", "weight_q"),
                               gradient=("input", "error_in")).items():
        *operands, geometry = seen[product]
        for operand, name in zip(operands, names):
            assert operand.dtype == np.int32 and operand.flags["C_CONTIGUOUS"]
            assert operand.tolist() == result.tensor(f"conv2d_2/{name}").codes.tolist()
        assert geometry.input_shape == x.shape and geometry.weight_shape == w.shape == (6, 2, 2, 2)
        result_name = dict(forward="output", error="error_out", gradient="gradient")[product]
        expected = result.tensor(f"conv2d_2/{result_name}")
        assert geometry.result_shape == expected.shape and geometry.formats[2] == expected.format
        assert geometry.axes == expected.axes == ("OIHW" if product == "gradient" else "NCHW")


def wrong_at(index, change):
    def product(a, b, geometry):
        y = by_definition(a, b, geometry)
        y[index] += change
        return y
    return product


def test_first_difference_is_raised():
    trainer = make()
    before = trainer.digest()
    trainer.replace_product("conv2d_2", "gradient", wrong_at((5, 1, 0, 1), 8))
    message = r"conv2d_2 gradient \[o=5, i=1, h=0, w=1\]: expected"
    with pytest.raises(Mismatch, match=message) as caught:
        trainer.step(*batch(0))
    error = caught.value
    assert error.got - error.expected == 8 and error.index == dict(o=5, i=1, h=0, w=1)
    assert trainer.digest() == before           # the optimiser was not reached


def test_differences_are_collected_and_the_simulator_goes_on():
    trainer = make()
    placed = trainer.replace_product("linear_1", "forward", wrong_at((2, 4), -1),
                                     on_difference="collect")
    result = run(trainer)
    assert [d.index for d in placed.differences] == [dict(n=2, c=4)] * STEPS
    got = int(result.tensor("linear_1/output").codes[2, 4])
    assert placed.differences[-1].got == got == placed.differences[-1].expected - 1


def test_a_product_is_given_back(plain):
    trainer = make()
    trainer.replace_product("conv2d_1", "forward", wrong_at((0, 0, 0, 0), 1))
    trainer.replace_product("conv2d_1", "forward", None)
    run(trainer)
    assert trainer.digest() == plain


@pytest.mark.parametrize("layer, product, function, options, error, message", [
    ("conv2d_9", "forward", by_definition, {}, UnknownNameError, "Known: conv2d_1, conv2d_2"),
    ("relu_1", "forward", by_definition, {}, UnknownNameError, "layer with products"),
    ("conv2d_1", "forwards", by_definition, {}, UnknownNameError, "did you mean forward"),
    ("conv2d_1", "forward", 7, {}, UsageError, "a function or None, got int"),
    ("conv2d_1", "forward", by_definition, {"on_difference": "x"}, UsageError, "raise"),
])
def test_wrong_names(layer, product, function, options, error, message):
    with pytest.raises(error, match=message):
        make().replace_product(layer, product, function, **options)


@pytest.mark.parametrize("compare", [True, False])
@pytest.mark.parametrize("answer, error, message", [
    (lambda a, b, g: np.zeros(g.result_shape), ShapeError, "float64"),
    (lambda a, b, g: np.zeros(3, int), ShapeError, r"\(3,\), expected integers \(3, 5\)"),
    (lambda a, b, g: np.full(g.result_shape, 1 << 40), (RangeError, Mismatch), "linear_1 forward"),
])
def test_wrong_answers(answer, error, message, compare):
    trainer = make()
    trainer.replace_product("linear_1", "forward", answer, compare=compare)
    with pytest.raises(error, match=message):
        trainer.step(*batch(0))


def test_tensors_by_name():
    result = make().step(*batch(0), record=True)
    assert result.tensor("error").shape == (3, 5)
    assert result.tensor("conv2d_1/gradient").shape == (4, 2, 3, 2)
    with pytest.raises(UnknownNameError, match="did you mean conv2d_1/gradient"):
        result.tensor("conv2d_1/gradients")
    with pytest.raises(UsageError, match="record=True"):
        make().step(*batch(0)).tensor("error")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here; apt-get install gcc")
def test_every_product_in_c(plain, tmp_path):
    library = tmp_path / "array.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    Path(__file__).with_name("array.c")], check=True)
    function = ctypes.CDLL(str(library)).product
    trainer = make()
    placed = [trainer.replace_product(layer, product, function)
              for layer in LAYERS for product in PRODUCTS]
    run(trainer)
    assert trainer.digest() == plain
    assert [r.calls for r in placed] == [STEPS] * len(placed)
