"""Texts on the command line: train, stop, resume, eval, and what is refused."""

import json

import numpy as np
import pytest
from command_line import call, metrics

from intflow.layers import Embedding, Linear, Lstm, Sequential
from intflow.models import MODELS, Model
from intflow.training.load import load_checkpoint
from intflow.training.metrics import read_lines

WORDS = "the cat sat on a mat and saw another dog".split()


@pytest.fixture
def small(monkeypatch):
    """A model `tiny`, of a small embedding and 6 units."""
    def layers(classes, width):
        return Sequential(Embedding(classes, 5), Lstm(6), Linear(classes, bias=True))

    monkeypatch.setitem(MODELS, "tiny", Model(layers, (4,), "softmax", batch_size=3, text="words"))


@pytest.fixture
def book(tmp_path):
    order = np.random.default_rng(0).integers(0, len(WORDS), (60, 4))
    path = tmp_path / "book.txt"
    path.write_text("".join(" ".join(WORDS[i] for i in line) + "\n" for line in order))
    return path


def train(capsys, *arguments):
    code, out, err = call(capsys, "train", *arguments, "--quiet", "--threads", 1, "--backend", "portable")
    assert (code, out) == (0, ""), err


def test_a_run_over_epochs_stopped_inside_one(small, book, tmp_path, capsys):
    """Stopped in the middle of the second epoch and resumed: the bits of a run that was not."""
    settings = ["--model", "tiny", "--scheme", "qnn", "--data", book, "--epochs", 3, "--vocabulary", 9]
    train(capsys, *settings, "--out", tmp_path / "whole")
    whole = metrics(tmp_path / "whole")
    train(capsys, *settings, "--out", tmp_path / "half", "--max-steps", whole[0]["step"] + 4)
    train(capsys, "--resume", tmp_path / "half", "--max-steps", 0)
    half = metrics(tmp_path / "half")
    assert [line["digest"] for line in half] == [line["digest"] for line in whole]
    assert whole[-1]["train_loss"] < whole[0]["train_loss"]


def test_what_is_reported(small, book, tmp_path, capsys):
    """Perplexity and bits stand beside the contract's fields and follow from the loss."""
    train(capsys, "--model", "tiny", "--scheme", "qnn", "--data", book, "--epochs", 1, "--time-steps", 6,
          "--out", tmp_path / "run")
    line, = read_lines(tmp_path / "run" / "metrics.jsonl")
    code, out, _ = call(capsys, "eval", tmp_path / "run", "--json")
    report = json.loads(out)
    assert code == 0 and report["digest"] == line["digest"]
    for name in ("test_error", "perplexity", "bits_per_character"):
        assert report[name] == line[name]
    assert report["images"] == 10 and line["valid_perplexity"] > 1
    assert round(2 ** report["bits_per_character"]) == round(report["perplexity"])
    assert load_checkpoint(tmp_path / "run" / "checkpoint.h5")[0].network.input_shape == (6,)


@pytest.mark.parametrize("arguments, code, words", [
    (["train", "--model", "tiny", "--scheme", "qnn"], 2, "reads text and none comes with intflow"),
    (["train", "--model", "tiny", "--data", "BOOK"], 2, "the wage scheme trains no recurrent nets"),
    (["train", "--model", "lenet", "--data", "BOOK"], 2, "lenet takes images and text is a text"),
    (["train", "--model", "tiny", "--scheme", "qnn", "--data", "sample"], 2, "sample holds images"),
    (["train", "--model", "tiny", "--scheme", "qnn", "--data", "BOOK", "--batch-size", 99], 1,
     "use a smaller --batch-size"),
    (["train", "--model", "tiny", "--scheme", "qnn", "--data", "BOOK", "--lr", "1/99999999999"], 1,
     "a short fraction such as 1 or 1/8"),
    (["data", "prepare", "ptb", "--from", "DIR"], 1, "read as it is, without a pack"),
    (["data", "fetch", "ptb"], 1, "put ptb.train.txt"),
])
def test_refused_in_one_line(small, book, tmp_path, capsys, arguments, code, words):
    named = {"BOOK": book, "DIR": tmp_path}
    got, out, err = call(capsys, *(named.get(a, a) for a in arguments))
    assert (got, out) == (code, "") and words in err and "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_predict_and_export_refuse_a_text(small, book, tmp_path, capsys):
    train(capsys, "--model", "tiny", "--scheme", "qnn", "--data", book, "--max-steps", 1, "--out", tmp_path / "run")
    run = tmp_path / "run"
    for arguments, words in ((["predict", run, book], "predict takes images"),
                             (["export", run, "--format", "hex", "--out", tmp_path / "hex"], "reads text")):
        code, _, err = call(capsys, *arguments)
        assert code in (1, 2) and words in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("model, macs", [
    ("ptb-lstm", 32 * (300 * 1200 + 300 * 1200 + 300 * 10_000)),
    ("ptb-gru", 32 * (300 * 900 + 300 * 900 + 300 * 10_000)),
    ("ptb-rnn", 50 * (128 * 2048 + 2048 * 2048 + 2048 * 50)),
])
def test_summary_and_count(model, macs, capsys):
    """Multiply-adds of a window, and of the three products of 32 of them."""
    _, out, _ = call(capsys, "summary", "--model", model, "--scheme", "qnn", "--json")
    assert json.loads(out)["mac"] == macs
    _, out, _ = call(capsys, "count", "--model", model, "--scheme", "qnn", "--json")
    passes = json.loads(out)["passes"]
    counted = {name: sum(passes[name]["operations"]["mac"].values()) for name in
               ("forward", "error", "gradient")}
    assert counted == dict.fromkeys(counted, 32 * macs)
