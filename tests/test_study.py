"""The study of weight formats: its grid, its sums by hand, and a small network from end to end."""

import csv
import json
import re
from fractions import Fraction

import numpy as np
import pytest
from command_line import call, idx_bytes
from hypothesis import given
from hypothesis import strategies as st

from intflow.data import open_dataset
from intflow.data.preprocessing import IMAGENET, Preprocessing
from intflow.errors import FormatError, UsageError
from intflow.formats import Fixed, Minifloat
from intflow.kernels import load
from intflow.layers import Flatten, Sequential
from intflow.models import MODELS, Model
from intflow.models.blocks import block, linear, normalised
from intflow.pretrained.convert import calibration_images, convert
from intflow.pretrained.float_forward import float_forward, normalise
from intflow.pretrained.match import match
from intflow.pretrained.study import First, float_errors, study
from intflow.pretrained.study_choice import choose
from intflow.pretrained.study_formats import multiplier_size, parse_grid, short_name, weight_bytes
from intflow.pretrained.study_ranges import exponents
from intflow.quantizers import FloatWeight
from intflow.training.evaluate import evaluate

CLASSES = 4


def names(grid):
    return [short_name(scheme.weights) for scheme in parse_grid(grid)]


# The grid.

def test_grid():
    assert names("e4m2..e4m3,s7..s8") == ["s7", "s8", "e4m2", "e4m3"]
    assert names("e2m3..e4m3, s8,s8") == ["s8", "e2m3", "e3m3", "e4m3"]
    assert names("s4..s12,e4m1..e4m6") == [f"s{n}" for n in range(4, 13)] + [
        f"e4m{n}" for n in range(1, 7)]
    assert all(scheme.activation_bits == 6 for scheme in parse_grid("s8,e4m3", 6))
    assert len({id(scheme.formats) for scheme in parse_grid("s8,e4m3")}) == 2


@pytest.mark.parametrize("grid", [
    "s4..e4m3", "s8..s4", "s4..s4", "e3m2..e4m3", "s4..", "..s4", "s4..s99999999", "s17", "u8", "",
    "s8,,s9", "fast", "s4..s5..s6"])
def test_grid_refuses(grid):
    with pytest.raises(FormatError) as error:
        parse_grid(grid)
    assert "\n" not in str(error.value)


# Sums by hand.

def test_bytes_and_gates():
    assert weight_bytes([3, 8], 7) == 3 + 7 + 2
    assert weight_bytes([16], 8) == 17
    assert multiplier_size(Fixed(8, 0, symmetric=True), 8) == Fraction(1606, 4)
    assert multiplier_size(Minifloat(4, 3), 8) == Fraction(1702, 4)


def test_exponents_by_hand():
    found = exponents(np.array([0.75, -0.5, 0.1, 0.001, 0]))
    assert found == {"highest": -1, "lowest": -4, "binades": 4, "exponent_bits": 3}
    assert exponents(np.zeros((2, 2)))["binades"] == 0
    assert exponents(np.full((1, 1, 2, 2), -8.0)) == {
        "highest": 3, "lowest": 3, "binades": 1, "exponent_bits": 1}


@given(st.lists(st.integers(-1023, 1023), min_size=1, max_size=30), st.integers(-20, 20))
def test_exponents_equal_integers(codes, exponent):
    """The lowest exponent counts; what lies below it is at most 1 in 10,000 of the squares."""
    found = exponents(np.ldexp(np.array(codes, np.float64), exponent))
    used = [abs(code) for code in codes if code]
    if not used:
        assert found["highest"] is None
        return
    tops = [code.bit_length() - 1 for code in used]
    total = sum(code * code for code in used)
    lowest = max(top for top in range(max(tops) + 1)
                 if 10_000 * sum(c * c for c, t in zip(used, tops) if t < top) <= total)
    assert found["highest"] == max(tops) + exponent
    assert found["lowest"] == lowest + exponent
    assert found["binades"] == max(tops) - lowest + 1


def row(weights, kind, bits, error, gates=100):
    return {"weights": weights, "kind": kind, "bits": bits, "test_error": error,
            "weight_bytes": 1000 * bits, "multiplier_nand2": gates}


ROWS = [row("s6", "fixed", 6, 0.38), row("s8", "fixed", 8, 0.37, 400),
        row("s11", "fixed", 11, 0.36), row("e4m2", "minifloat", 7, 0.371, 300),
        row("e5m1", "minifloat", 7, 0.37, 200), row("e4m3", "minifloat", 8, 0.361)]


def chosen(points, reference="fp32", rows=ROWS):
    report = {"images": 1000, "fp32": {"test_error": 0.36}, "formats": rows}
    return choose(report, Fraction(points), "top1", reference)


def test_choice():
    found = chosen("1")
    assert found["chosen"] == {"fixed": "s8", "minifloat": "e5m1"}
    assert found["storage_saved"] == 1 - 7 / 8 and found["multiplier_ratio"] == 0.5
    assert chosen("0.9")["chosen"] == {"fixed": "s11", "minifloat": "e4m3"}
    assert chosen("2")["chosen"] == {"fixed": "s6", "minifloat": "e5m1"}
    assert chosen("1", "widest")["reference"] == {"weights": "s11", "test_error": 0.36}


def test_choice_where_nothing_will_do():
    found = chosen("0")
    assert found["chosen"] == {"fixed": "s11", "minifloat": None}
    assert found["storage_saved"] is None and found["multiplier_ratio"] is None
    assert chosen("1", rows=ROWS[:3])["chosen"] == {"fixed": "s8"}


# A network of two layers, from end to end.

def tiny(classes, width):
    return Sequential(*block(*normalised("conv", "norm", 5, 3)), Flatten(), linear("fc", classes))


@pytest.fixture
def model(monkeypatch):
    preprocessing = Preprocessing(**IMAGENET)
    monkeypatch.setitem(MODELS, "tiny", Model(tiny, (3, 8, 8), preprocessing=preprocessing))
    return "tiny"


@pytest.fixture
def tensors():
    random = np.random.default_rng(5)
    shapes = {"conv.weight": (5, 3, 3, 3), "norm.weight": (5,), "norm.bias": (5,),
              "norm.running_mean": (5,), "fc.weight": (CLASSES, 180), "fc.bias": (CLASSES,)}
    drawn = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {**drawn, "norm.running_var": np.full(5, 2, np.float32)}


@pytest.fixture
def data(tmp_path):
    """Grey noise; nothing is learnt here."""
    random = np.random.default_rng(3)
    for name, count in (("train", 16), ("t10k", 60)):
        images = random.integers(0, 256, (count, 8, 8))
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(count) % CLASSES))
    return tmp_path


@pytest.fixture
def weights(tensors, tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **tensors)
    return path


def test_rows_are_evaluations(model, tensors, data):
    kernels, dataset = load("reference"), open_dataset(data)
    images = calibration_images(model, dataset, kernels)
    assert images.shape == (16, 3, 8, 8)
    said = []
    report = study(model, tensors, parse_grid("s3,s12,e4m6"), images, dataset.test,
                   kernels=kernels, loss_points=5, say=said.append)
    assert [line.split(":")[0] for line in said] == ["fp32", "s3", "s12", "e4m6"]
    for found in report["formats"]:
        scheme = FloatWeight(found["weights"], 8)
        trainer = convert(model, tensors, scheme, images, kernels=kernels)
        expected = evaluate(trainer, dataset.test, MODELS[model].preprocessing)
        assert {name: found[name] for name in ("test_error", "loss", "digest")} == {
            name: expected[name] for name in ("test_error", "loss", "digest")}
        assert found["weight_bytes"] == weight_bytes([135, 5 * 36 * CLASSES], found["bits"])
    published = match(trainer.network.layers, tensors)
    errors = float_errors(trainer.network, published, MODELS[model].preprocessing, dataset.test,
                          kernels)
    assert errors == report["fp32"]
    x = normalise(np.repeat(dataset.test.read(range(60)), 3, axis=1), MODELS[model].preprocessing)
    y = float_forward(trainer.network.layers, x, published)
    assert errors["test_error"] == (y.argmax(axis=1) != dataset.test.labels).sum() / 60
    assert [row["source"] for row in report["layers"]] == ["conv", "fc"]
    assert [row["weights"] for row in report["layers"]] == [135, 720]


def test_formats_that_cannot_hold_the_weights(model, tensors, data):
    """Exponents 60 apart and 4 bits of significand: more than the 62 bits of an integer weight."""
    kernels, dataset = load("reference"), open_dataset(data)
    images = calibration_images(model, dataset, kernels)
    tensors["fc.weight"] = tensors["fc.weight"].clip(-1, 1)
    tensors["fc.weight"][0, :2] = 2, 2.0 ** -59
    report = study(model, tensors, parse_grid("s8,e8m3"), images, First(dataset.test, 4),
                   kernels=kernels, say=lambda line: None)
    assert [row["weights"] for row in report["formats"]] == ["s8"]
    assert list(report["left_out"]) == ["e8m3"] and "exponents" in report["left_out"]["e8m3"]
    with pytest.raises(FormatError, match="none of these formats"):
        study(model, tensors, parse_grid("e8m3"), images, dataset.test, kernels=kernels,
              say=lambda line: None)


def test_first(data):
    split = open_dataset(data).test
    assert len(First(split)) == 60 and len(First(split, 7)) == 7 and len(First(split, 99)) == 60
    assert np.array_equal(First(split, 7).read([6]), split.read([6]))


def arguments(data, weights, *more):
    return ["study", "--model", "tiny", "--from", weights, "--data", data, "--threads", 1,
            "--weights", "s3..s4,e3m2", *more]


def test_command(capsys, model, data, weights, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    out = tmp_path / "out"
    more = "--json", "--images", 20
    code, text, err = call(capsys, *arguments(data, weights, *more, "--out", out))
    assert code == 0 and "pip install intflow[plots]" in err
    report = json.loads(text)
    assert report["images"] == 20 and report["calibration_images"] == 16
    assert json.loads((out / "study.json").read_text()) == report
    with open(out / "formats.csv") as file:
        assert [line["weights"] for line in csv.DictReader(file)] == ["s3", "s4", "e3m2"]
    with open(out / "layers.csv") as file:
        assert [line["source"] for line in csv.DictReader(file)] == ["conv", "fc"]
    assert {path.name for path in out.iterdir()} == {"study.json", "formats.csv", "layers.csv"}
    code, same, _ = call(capsys, *arguments(data, weights, *more, "--backend", "reference"))
    assert code == 0 and json.loads(same)["formats"] == report["formats"]


def test_tables_fit_80_columns(capsys, model, data, weights, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, text, _ = call(capsys, *arguments(data, weights, "--loss-points", "100"))
    assert code == 0 and max(map(len, text.splitlines())) <= 80
    assert re.search(r"^ s3 +3 +[\d.]+ +[\d.]+ +\d+ +\d+ +\*", text, re.M)
    assert "smallest minifloat within 100 points of fp32 (top1): e3m2" in text
    assert "e3m2 takes " in text and " more storage than s3" in text


def test_picture(capsys, model, data, weights, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no picture to look at")
    code, _, err = call(capsys, *arguments(data, weights, "--out", tmp_path / "out"))
    assert code == 0 and "matplotlib" not in err
    assert (tmp_path / "out" / "study.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("more, code, words", [
    (["--weights", "s99"], 2, "got 99"),
    (["--weights", "s4..e4m3"], 2, "differ in one number"),
    (["--activations", 9], 2, "2 to 8 bits"),
    (["--loss-points", "-1"], 2, "--loss-points"),
    (["--loss-points", "1/0"], 2, "--loss-points"),
    (["--metric", "top3"], 2, "top1 or top5"),
    (["--metric", "top5"], 2, "from 100 classes up"),
    (["--reference", "fp16"], 2, "fp32 or widest"),
    (["--from", "nowhere.pth"], 1, "nowhere.pth"),
    (["--model", "lenet"], 2, "no published weights"),
    (["--model", "resnet20"], 1, "the network takes 32 x 32"),
    (["--data", "nowhere.h5"], 1, "no such file"),
])
def test_bad_input_is_one_line(capsys, model, data, weights, more, code, words):
    found, text, err = call(capsys, *arguments(data, weights, "--backend", "reference", *more))
    assert (found, text) == (code, "")
    assert words in err.splitlines()[-1] and "Traceback" not in err


def test_weights_of_another_network(capsys, model, data, weights, tensors):
    np.savez(weights, **{**tensors, "conv.weight": tensors["conv.weight"][:, :2]})
    code, _, err = call(capsys, *arguments(data, weights, "--backend", "reference"))
    assert code == 1 and "conv.weight (5, 2, 3, 3) instead of (5, 3, 3, 3)" in err
    few = {name: tensors[name][:2] for name in ("fc.weight", "fc.bias")}
    np.savez(weights, **{**tensors, **few})
    code, _, err = call(capsys, *arguments(data, weights, "--backend", "reference"))
    assert code == 1 and "labels go up to 3, the weights tell 2 classes apart" in err


def test_schemes_are_needed(model, tensors):
    with pytest.raises(UsageError, match="formats"):
        study(model, tensors, [], None, None, kernels=None)


def test_out_must_be_a_folder(capsys, model, data, weights):
    code, _, err = call(capsys, *arguments(data, weights, "--out", weights))
    assert code == 2 and err.startswith("intflow: --out")
