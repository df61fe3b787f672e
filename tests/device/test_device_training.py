"""Training under a device: wide enough is exact, too narrow is the same everywhere."""

import json

import numpy as np
import pytest

from command_line import call, metrics, write_idx
from intflow import Trainer
from intflow.errors import OverflowTrap
from intflow.kernels import available
from test_digests import branching, lenet, make, run

BACKENDS = [name for name, (usable, _) in available().items() if usable]
TINY = ["train", "--model", "lenet", "--batch-size", 16, "--threads", 1, "--width", "1/8",
        "--quiet"]
NARROW = {
    "product": '[accumulator]\nbits = 12\noverflow = "saturate"\ncheck = "product"\n',
    "tile": '[accumulator]\nbits = 13\noverflow = "saturate"\ncheck = "tile"\ntile = 7\n'
            '[gradient]\norder = "WHN"\n',
    "end": '[accumulator]\nbits = 13\noverflow = "saturate_symmetric"\n',
    "wrap": '[accumulator]\nbits = 13\noverflow = "wrap"\n',
    "products": '[accumulator]\nbits = 32\noverflow = "saturate"\nproduct_bits = 7\n',
    "rounding": '[rounding]\nweight = "half_up"\nactivation = "floor"\nerror = "toward_zero"\n',
}


def under(device, model=branching, backend="auto", threads=1):
    """The Trainer of test_digests.py under a device."""
    shape = (1, 28, 28) if model is lenet else (3, 12, 12)
    return Trainer(model(), input_shape=shape, classes=5, seed=5, batch_size=6, backend=backend,
                   threads=threads, device=device)


def overflows(trainer):
    return sum(event["overflows"] for event in trainer.network.products.events.values())


@pytest.mark.parametrize("model", [lenet, branching])
@pytest.mark.parametrize("device", [
    "exact", "acc32-wrap", '[accumulator]\nbits = 40\noverflow = "saturate"\ncheck = "product"\n',
    '[accumulator]\nbits = 34\noverflow = "trap"\ncheck = "tile"\ntile = 3\nproduct_bits = 25\n',
], ids=["exact", "acc32-wrap", "saturate", "trap"])
def test_wide_enough_is_exact(model, device):
    """Provably wide: the exact product itself, not only its bits."""
    trainer = under(device, model)
    trainer.network.products.kernels = None             # nothing is summed in order or fitted
    assert run(trainer) == run(make(model))
    assert overflows(trainer) == 0


@pytest.mark.parametrize("check", ["end", "tile", "product"])
def test_wide_in_fact_is_exact_too(check):
    """No proof, but no overflow: the ordered sums give the plain digest."""
    tile = 5 if check == "tile" else 0
    text = f'[accumulator]\nbits = 23\noverflow = "saturate"\ncheck = "{check}"\ntile = {tile}\n'
    trainer = under(text)
    assert run(trainer) == run(make(branching))
    assert overflows(trainer) == 0
    assert max(e["largest"] for e in trainer.network.products.events.values()) > 0


@pytest.mark.parametrize("device", NARROW.values(), ids=NARROW)
def test_backends_and_threads(device):
    first = under(device, threads=2)
    digest, events = run(first), first.network.products.events
    assert digest != run(make(branching))
    assert (overflows(first) > 0) == ("rounding" not in device)
    for backend, threads in [("auto", 1), ("auto", 3), *((name, 1) for name in BACKENDS)]:
        trainer = under(device, backend=backend, threads=threads)
        assert run(trainer) == digest, (backend, threads)
        assert trainer.network.products.events == events, (backend, threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_lenet_in_many_rows(threads):
    """Enough sums for several tasks of the ordered kernel."""
    trainer = under("acc16-saturate-each", lenet, threads=threads)
    assert run(trainer) == run(under("acc16-saturate-each", lenet, "portable"))
    assert overflows(trainer) > 0


def test_a_trap_says_where_and_changes_nothing():
    trainer = under(NARROW["wrap"].replace("wrap", "trap"))
    before = trainer.digest()
    with pytest.raises(OverflowTrap) as trap:
        run(trainer)
    assert trap.value.layer == "linear_1" and trap.value.product == "gradient"
    assert str(trap.value).startswith("linear_1 gradient [o=") and trainer.digest() == before


def test_saved_and_loaded(tmp_path):
    trainer = under(NARROW["product"])
    run(trainer, last=2)
    trainer.save(tmp_path / "middle.h5")
    other = under(NARROW["product"], threads=2)
    other.load(tmp_path / "middle.h5")
    assert run(other, first=2) == run(under(NARROW["product"]))


def test_evaluation_is_under_the_device():
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 12, 12), np.uint8)
    labels = np.arange(6) % 5
    exact, _ = make(branching).evaluate(images, labels)
    narrow, _ = under('[forward]\nbits = 8\noverflow = "saturate"\n').evaluate(images, labels)
    assert narrow.tolist() != exact.tolist()


# ------------------------------------------------------------------ command line


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    path = tmp_path_factory.mktemp("chip") / "mine.toml"
    path.write_text(NARROW["tile"])
    return path


def test_stopped_and_resumed(data, chip, tmp_path, capsys):
    """The run folder carries the device whole: the file is gone when the run goes on."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    mine = tmp_path / "moved.toml"
    mine.write_text(chip.read_text())
    steps = ["--data", data, "--epochs", 1]
    assert call(capsys, *TINY, *steps, "--device", chip, "--out", whole)[0] == 0
    stop = [*TINY, *steps, "--device", mine, "--out", parts, "--max-steps", 2]
    assert call(capsys, *stop)[0] == 0
    mine.unlink()
    resume = ["train", "--resume", parts, "--max-steps", 0, "--quiet", "--threads", 1]
    assert call(capsys, *resume)[0] == 0
    assert metrics(parts)[-1]["digest"] == metrics(whole)[-1]["digest"]
    assert 'device = "name = ' in (parts / "config.toml").read_text()

    code, out, err = call(capsys, "eval", parts, "--json", "--threads", 1)
    assert (code, err) == (0, "")
    assert json.loads(out)["test_error"] == metrics(whole)[-1]["test_error"]
    assert json.loads(call(capsys, "summary", whole, "--json")[1])["device"] == "mine"
    code, out, _ = call(capsys, "eval", parts, "--json", "--threads", 1, "--device", "acc8-wrong")
    assert code == 2 and out == ""
    code, out, err = call(capsys, "train", "--resume", parts, "--device", "exact")
    assert code == 2 and "--device cannot change" in err


def test_a_trap_stops_the_command_line(data, tmp_path, capsys):
    code, out, err = call(capsys, *TINY, "--data", data, "--device", "acc16-trap", "--out",
                          tmp_path / "run")
    assert code == 1 and out == ""
    assert err.count("\n") == 1 and "does not fit 16 bits" in err


def test_summary_marks_what_can_overflow(capsys):
    code, out, _ = call(capsys, "summary", "--model", "lenet", "--device", "acc16-saturate-each",
                        "--json")
    report = json.loads(out)
    rows = {row["layer"]: row for row in report["layers"]}
    assert code == 0 and report["device"] == "acc16-saturate-each"
    assert rows["conv2d_1"]["device"] == {"fwd": 16, "err": 16, "grad": 16}
    for row in rows.values():
        if "can_overflow" in row:
            assert row["can_overflow"] == {face: row[face] > 16 for face in ("fwd", "err", "grad")}
    assert "can_overflow" not in rows["relu_1"]
    table = call(capsys, "summary", "--model", "lenet", "--device", "acc16-saturate-each")[1]
    assert "18 16*" in table and "13 16 " in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize("device, words", [
    ("acc16", "unknown device 'acc16': did you mean acc16-trap"),
    ("[forward]\nbits = 3", "8 to 64 bits, got 3"),
    ('[rounding]\nweight = "stochastik"', "did you mean stochastic"),
])
def test_bad_devices_are_one_line(device, words, data, tmp_path, capsys):
    out = tmp_path / "run"
    code, printed, err = call(capsys, *TINY, "--data", data, "--device", device, "--out", out)
    assert code == 2 and printed == "" and not out.exists()
    assert words in err and err.count("\n") == 1
