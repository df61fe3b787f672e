"""intflow compare: one TOML, a run for each setting, one table."""

import json
from importlib.util import find_spec

import pytest

from command_line import call, metrics

COMMON = 'model = "lenet"\nwidth = "1/8"\nbatch_size = 50\nepochs = 1\n'
RUNS = '[runs.wage]\nbits = "2888"\n[runs.wage-4]\nbits = "4888"\nwidth = "1/4"\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(COMMON + RUNS)
    return path


def compare(capsys, file, *more):
    return call(capsys, "compare", file, "--out", file.parent / "out", "--threads", 1, *more)


def test_a_table_and_no_run_twice(file, capsys):
    out = file.parent / "out"
    code, text, err = compare(capsys, file, "--max-steps", 3, "--json", "--quiet")
    plots = find_spec("matplotlib") is not None
    assert code == 0 and bool(err) == (not plots)           # what is missing is told
    rows = json.loads(text)
    assert [(row["run"], row["bits"], row["width"]) for row in rows] == [
        ("wage", "2888", "1/8"), ("wage-4", "4888", "1/4")]
    first, second = rows
    # conv 1x5x5x4, conv 4x5x5x8, linear 128x64, linear 64x10; 2 bits each.
    assert first["model_bytes"] == (100 + 800 + 8192 + 640) * 2 // 8
    assert first["mac"] == 24 * 24 * 100 + 8 * 8 * 800 + 8192 + 640
    assert first["wrpn_cost"] == first["mac"] * (2 + 8)
    assert first["digest"] == metrics(out / "wage")[-1]["digest"] != second["digest"]
    assert json.loads((out / "report.json").read_text()) == rows
    assert (out / "compare.png").exists() == plots
    before = (out / "wage" / "checkpoint.h5").stat().st_mtime_ns
    assert json.loads(compare(capsys, file, "--max-steps", 3, "--json", "--quiet")[1]) == rows
    assert (out / "wage" / "checkpoint.h5").stat().st_mtime_ns == before


def test_a_stopped_run_goes_on(file, capsys):
    from intflow.training import Training
    from intflow.training.compare import read_comparison

    compare(capsys, file, "--max-steps", 2, "--quiet")
    code, text, _ = compare(capsys, file, "--max-steps", 4, "--json", "--quiet")
    assert code == 0
    config = read_comparison(file, max_steps=4, threads=1)["wage"]
    from intflow.commands.reporters import Quiet

    whole = Training.start(config, file.parent / "whole", Quiet())
    assert whole.run() and whole.trainer.steps == 4
    assert json.loads(text)[0]["digest"] == whole.trainer.digest()


def test_the_table_takes_80_columns(file, capsys):
    code, text, err = compare(capsys, file, "--max-steps", 1)
    lines = text.splitlines()
    assert code == 0 and "wage-4" in text and "error %" in text
    assert max(map(len, lines)) <= 80
    assert "wage-4:" in err


WRONG = [
    ("model = lenet\n", "TOML"),
    (COMMON, "[runs.wage]"),
    (COMMON + "[runs.a]\ncolour = 1\n", "colour"),
    (COMMON + '[runs."a/b"]\n', "folder"),
    ("epochs = 1\n" + RUNS, "model"),
    (COMMON + '[runs.a]\nscheme = "wagge"\n', "wage"),
]


@pytest.mark.parametrize("text, word", WRONG, ids=[w for _, w in WRONG])
def test_mistakes_are_one_line(text, word, file, capsys):
    file.write_text(text)
    code, out, err = compare(capsys, file, "--quiet")
    assert code in (1, 2) and out == ""
    assert err.count("\n") == 1 and word in err


def test_other_settings_are_refused(file, capsys):
    compare(capsys, file, "--max-steps", 1, "--quiet")
    file.write_text(file.read_text().replace("4888", "3888"))
    code, _, err = compare(capsys, file, "--max-steps", 1, "--quiet")
    assert code == 2 and "bits" in err and err.count("\n") == 1
