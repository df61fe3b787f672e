"""Bad input: one line that says what came and what to do, an exit code, nothing lost.

Files of data sets have their own list in tests/data.
"""

import re
import shutil

import pytest

from command_line import call, start, write_idx

LENET = ["train", "--model", "lenet", "--width", "1/8", "--threads", 1, "--batch-size", 16]

# (arguments, exit code, words the line must hold); {data}, {run} and {tmp} are folders.
WRONG = [
    (["trian"], 2, "train"),
    (["train"], 2, "--model"),
    (["train", "--modle", "lenet"], 2, "--model"),
    (["train", "--model", "lennet"], 2, "lenet"),
    ([*LENET, "--bits", "28888"], 2, "28888"),
    ([*LENET, "--bits", "W2A8"], 2, "W2A8"),
    ([*LENET, "--bits", "1888"], 2, "2 to 16"),
    ([*LENET, "--bits", "W2A99G8E8"], 2, "99"),
    ([*LENET, "--scheme", "wagge"], 2, "wage"),
    ([*LENET, "--loss", "ssse"], 2, "sse"),
    ([*LENET, "--augment", "cropp"], 2, "crop"),
    ([*LENET, "--backend", "cuda"], 2, "portable"),
    ([*LENET, "--lr", "fast"], 2, "1/8"),
    ([*LENET, "--lr", "-1"], 2, "positive"),
    ([*LENET, "--lr", "1/99999"], 1, "16 bits"),
    ([*LENET, "--schedule", "5"], 2, "EPOCHS:RATE"),
    ([*LENET, "--schedule", "9:1,5:1"], 2, "rise"),
    ([*LENET, "--epochs", "0"], 2, "--epochs"),
    ([*LENET, "--epochs", "-3"], 2, "--epochs"),
    ([*LENET, "--batch-size", "1000000"], 2, "--batch-size"),
    ([*LENET, "--width", "0"], 1, "width"),
    ([*LENET, "--width", "wide"], 2, "--width"),
    ([*LENET, "--threads", "-1"], 2, "--threads"),
    ([*LENET, "--seed", "-1"], 2, "seed"),
    ([*LENET, "--data", "minst"], 2, "mnist"),
    ([*LENET, "--data", "mnist", "--data-dir", "{tmp}/nothing"], 1, "nothing"),
    ([*LENET, "--data", "{tmp}/nothing"], 1, "nothing"),
    ([*LENET, "--data", "{data}", "--out", "{run}"], 2, "--resume"),
    ([*LENET, "--data", "{data}", "--out", "{tmp}/file/run"], 2, "--out"),
    ([*LENET, "--config", "{tmp}/none.toml"], 2, "none.toml"),
    ([*LENET, "--config", "{tmp}/broken.toml"], 2, "TOML"),
    ([*LENET, "--config", "{tmp}/unknown.toml"], 2, "modell"),
    ([*LENET, "--config", "{tmp}/wrong.toml"], 2, "epochs"),
    (["train", "--model", "alexnet", "--data", "{data}"], 1, "max_pool2d_3 expects"),
    (["train", "--resume", "{tmp}/nothing"], 1, "nothing"),
    (["train", "--resume", "{run}", "--model", "lenet"], 2, "--model"),
    (["eval", "{tmp}/nothing"], 1, "nothing"),
    (["eval", "{tmp}"], 1, "checkpoint.h5"),
    (["eval", "{tmp}/file"], 1, "not an intflow checkpoint"),
    (["eval", "{tmp}/torn.h5"], 1, "torn or altered"),
    (["eval", "{tmp}/altered.h5"], 1, "torn or altered"),
    (["eval", "{tmp}/empty.h5"], 1, "not an intflow checkpoint"),
    (["eval", "{run}", "--data", "{small}"], 1, "(1, 28, 28)"),
    (["digest", "{tmp}/torn.h5"], 1, "torn or altered"),
    (["train", "--resume", "{torn}"], 1, "torn or altered"),
    (["predict", "{run}", "{tmp}/file"], 1, "file"),
    (["predict", "{run}", "{tmp}/nothing.png"], 1, "nothing.png"),
    (["summary", "--model", "vgg"], 2, "vgg7"),
    (["summary", "--model", "vgg7", "--classes", "0"], 2, "classes"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A finished run, data, and files that are broken in all ways."""
    tmp = tmp_path_factory.mktemp("bad")
    data = write_idx(tmp / "data")
    small = write_idx(tmp / "small", size=20)
    run = tmp / "run"
    process = start(*LENET, "--data", data, "--epochs", 1, "--out", run)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    whole = (run / "checkpoint.h5").read_bytes()
    (tmp / "file").write_text("not a checkpoint")
    (tmp / "empty.h5").write_bytes(b"")
    (tmp / "torn.h5").write_bytes(whole[:-100])
    middle = len(whole) // 2
    (tmp / "altered.h5").write_bytes(
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]
    )
    torn = tmp / "torn"
    shutil.copytree(run, torn)
    (torn / "checkpoint.h5").write_bytes(whole[:-1])
    (tmp / "broken.toml").write_text("epochs = = 3")
    (tmp / "unknown.toml").write_text('modell = "lenet"')
    (tmp / "wrong.toml").write_text('epochs = "three"')
    return dict(tmp=tmp, data=data, small=small, run=run, torn=torn)


@pytest.mark.parametrize("arguments, expected, words", WRONG, ids=lambda v: str(v)[-60:])
def test_one_line_and_nothing_lost(arguments, expected, words, places, capsys, monkeypatch):
    monkeypatch.chdir(places["tmp"])
    monkeypatch.delenv("INTFLOW_DATA", raising=False)
    before = contents(places["tmp"])
    code, out, err = call(capsys, *[str(a).format(**places) for a in arguments])
    assert (code, out) == (expected, "")
    assert len(err.strip().splitlines()) == 1 and err.startswith("intflow: "), err
    assert words in err
    assert not re.search(r"Traceback|Error\(|object at", err)
    assert contents(places["tmp"]) == before


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_combination_known_to_fail_is_said(places, tmp_path, capsys):
    code, _, err = call(capsys, *LENET, "--data", places["data"], "--bits", "8888", "--epochs", 1,
                        "--out", tmp_path / "run")
    assert code == 0
    assert "warning: 8888: G must have more bits than W" in err
