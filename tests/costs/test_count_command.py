"""`intflow count` from the command line."""

import json

import pytest

from command_line import call
from intflow.commands.count_table import short
from intflow.costs import Counts, roofline
from intflow.formats import Fixed
from intflow.kernels import load

LENET = 24 * 24 * 25 * 32 + 8 * 8 * 25 * 32 * 64 + 1024 * 512 + 512 * 10       # products an image
COUNT = ["count", "--model", "lenet", "--batch-size", 2]


def test_the_table_has_80_columns(capsys):
    code, out, err = call(capsys, *COUNT, "--layers", "--workers", 3)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    rows = [line.split()[0] for line in out.splitlines() if line]
    for name in ("forward", "error", "gradient", "all-reduce", "update", "total", "fp32", "bf16"):
        assert rows.count(name) == 1
    assert "conv2d_1 grad " in out and "A worker of 3 sends" in out and "WRPN" in out


def test_json_is_alone_on_stdout(capsys, tmp_path):
    code, out, err = call(capsys, *COUNT, "--json", "--csv", tmp_path / "new" / "counts.csv")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["model"], report["batch_size"], report["workers"]) == ("lenet", 2, 1)
    assert report["passes"]["forward"]["operations"]["mac"] == {"8x2+32": 2 * LENET}
    lines = (tmp_path / "new" / "counts.csv").read_text().splitlines()
    assert lines[0] == "layer,pass,what,width,count"
    assert "conv2d_1,forward,mac,8x2+32,921600" in lines
    macs = [int(x.rsplit(",", 1)[1]) for x in lines if ",forward,mac," in x]
    assert sum(macs) == 2 * LENET


def test_files_for_other_simulators(capsys, tmp_path):
    files = "--scale-sim", tmp_path / "lenet.csv", "--timeloop", tmp_path / "t"
    code, out, _ = call(capsys, *COUNT, *files)
    assert code == 0 and out.count("wrote ") == 2
    assert len((tmp_path / "lenet.csv").read_text().splitlines()) == 1 + 4 + 3 + 4
    assert {p.name for p in (tmp_path / "t").iterdir()} == {
        *(f"{layer}_{kind}.yaml" for layer in ("conv2d_1", "conv2d_2", "linear_1", "linear_2")
          for kind in ("forward", "error", "gradient"))} - {"conv2d_1_error.yaml"}


@pytest.mark.parametrize("options, said", [
    (["--model", "lenett"], "did you mean lenet"), (["--loss", "see"], "did you mean sse"),
    (["--memory", "disk"], "no memory is called disk"),
    (["--energy", "/no/file"], "cannot read /no/file"),
    (["--lr", "0"], "positive number"), (["--width", "x"], "--width takes a number"),
    (["--bits", "9"], "9"), (["--scheme", "wag"], "did you mean wage"),
    (["--csv", "/proc/none/x"], "cannot write /proc/none/x"),
])
def test_mistakes_take_one_line(capsys, options, said):
    code, out, err = call(capsys, *COUNT, *options)
    assert (code, out) == (2, "")
    assert said in err and len(err.splitlines()) == 1


def test_the_least_time_of_a_pass(monkeypatch):
    monkeypatch.setattr(roofline, "SECONDS", 0)
    for name, small in (("SIDE", 2), ("IMAGES", 1), ("CHANNELS", 2), ("NUMBERS", 8)):
        monkeypatch.setattr(roofline, name, small)
    machine = roofline.measure(load("reference"))
    assert machine.macs > 0 and machine.bytes > 0 and machine.backend == "reference"
    machine = roofline.Machine(1000, 100, "portable", 2)
    counts = Counts.of([("mac", "8x8+32", 4000)], [("weights", 200, Fixed(8, 7))])
    assert roofline.bound(counts, machine) == {
        "seconds": 4, "bound": "products", "macs_per_byte": 20}
    assert roofline.bound(Counts.of(read=[("masks", 50, Fixed(8, 0))]), machine) == {
        "seconds": 0.5, "bound": "memory", "macs_per_byte": 0}


@pytest.mark.parametrize("value, text", [
    (0, "0"), (7, "7"), (1234567, "1.23M"), (0.00042, "420u"), (999.6, "1.00k"),
    (9_996_000, "10.0M"), (123e9, "123G"), (2.5, "2.50")])
def test_three_digits_and_a_prefix(value, text):
    assert short(value) == text
