"""Training from published weights by the command line: a run folder that needs the file once."""

import json
import shutil

import numpy as np
import pytest

from command_line import call, metrics, write_idx
from pretrained.networks import random_weights

TRAIN = ["train", "--model", "resnet20", "--width", "1/8", "--scheme", "faq", "--bits", "4-4-16-16",
         "--batch-size", 4, "--lr", "1/64", "--threads", 1, "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Grey pictures of CIFAR's size: three batches an epoch."""
    return write_idx(tmp_path_factory.mktemp("data") / "grey", train=12, test=20, size=32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet20.npz"
    np.savez(path, **random_weights("resnet20", width=1 / 8))
    return path


@pytest.fixture(scope="module")
def run(data, weights, tmp_path_factory):
    """A finished run of two epochs, the second with twice the batch."""
    from click.testing import CliRunner

    from intflow.cli import command

    out = tmp_path_factory.mktemp("run") / "whole"
    arguments = [*TRAIN, "--data", data, "--from", weights, "--epochs", 2, "--batch-schedule", "1:6",
                 "--schedule", "exp:0.5", "--out", out]
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return out


def test_the_run_tells_how_far_the_weights_came(run):
    assert {p.name for p in run.iterdir()} == {
        "config.toml", "metrics.jsonl", "checkpoint.h5", "best.h5", "start.h5"}
    first, last = metrics(run)
    assert (first["step"], last["step"], first["lr"], last["lr"]) == (3, 5, "1/64", "1/128")
    assert 0 < last["drift"]["changed"] < 1 and 0.5 < last["drift"]["cosine"] <= 1
    assert set(last["drift"]["layers"]) >= {"conv2d_1", "linear_1"}


def test_drift_of_the_start_is_none(run):
    from intflow.training.drift import drift
    from intflow.training.load import load_checkpoint

    trainer, _ = load_checkpoint(run / "start.h5", threads=1)
    report = drift(trainer, run / "start.h5")
    assert report["changed"] == 0 and 0.95 < report["cosine"] <= 1


def test_eval_says_what_training_said(run, data, capsys):
    code, out, err = call(capsys, "eval", run, "--data", data, "--threads", 1, "--json")
    report, last = json.loads(out), metrics(run)[-1]
    assert (code, err) == (0, "")
    assert [report[k] for k in ("test_error", "loss", "digest")] == [
        last["test_error"], last["test_loss"], last["digest"]]


def test_stopped_and_resumed_without_the_file(run, data, weights, tmp_path, capsys):
    copy, out = tmp_path / "copy.npz", tmp_path / "run"
    shutil.copy(weights, copy)
    code, _, err = call(capsys, *TRAIN, "--data", data, "--from", copy, "--epochs", 2,
                        "--batch-schedule", "1:6", "--schedule", "exp:0.5", "--max-steps", 4,
                        "--out", out)
    assert (code, err) == (0, "")
    copy.unlink()
    code, _, err = call(capsys, "train", "--resume", out, "--max-steps", 0, "--quiet")
    assert (code, err) == (0, "")
    assert metrics(out)[-1]["digest"] == metrics(run)[-1]["digest"]
    assert metrics(out)[-1]["drift"] == metrics(run)[-1]["drift"]


def test_trace_begins_from_the_file_too(run, data, weights, tmp_path, capsys):
    """Its digest after two steps is that of a training of two steps."""
    traced = [a for a in TRAIN[1:] if a != "--quiet"]
    code, out, err = call(capsys, "trace", *traced, "--data", data, "--from", weights, "--steps", 1,
                          "--out", tmp_path / "t.npz", "--json")
    assert (code, err) == (0, "")
    code, _, _ = call(capsys, *TRAIN, "--data", data, "--from", weights, "--max-steps", 1, "--epochs",
                      1, "--out", tmp_path / "run")
    assert json.loads(out)["digest"] == metrics(tmp_path / "run")[-1]["digest"]


FROM = [*TRAIN, "--data", "{data}", "--from", "{weights}", "--out", "{tmp}/run"]
WRONG = [
    ([*TRAIN, "--data", "{data}", "--out", "{tmp}/run"], 2, "--from"),
    ([*FROM, "--scheme", "wage", "--bits", "2888"], 2, "wage"),
    ([*FROM, "--scheme", "float-weight", "--bits", "e4m3,8"], 2, "float-weight"),
    ([*FROM, "--model", "lenet"], 2, "lenet"),
    ([*FROM, "--from", "{tmp}/no.npz"], 1, "no.npz"),
    ([*FROM, "--lr", "3"], 1, "below 1"),
    ([*FROM, "--schedule", "exp:2"], 2, "exp:0.936"),
    ([*FROM, "--batch-schedule", "1:0"], 2, "batch size"),
    ([*FROM, "--batch-schedule", "1:100"], 2, "100"),
    ([*FROM, "--batch-norm", "thawed"], 2, "frozen"),
    ([*FROM, "--scheme-option", "colour=red"], 2, "colour"),
    ([*FROM, "--momentum", "1"], 2, "--momentum"),
    (["train", "--model", "lenet", "--momentum", "7/8", "--out", "{tmp}/run"], 2, "--momentum"),
]


@pytest.mark.parametrize("arguments, code, word", WRONG, ids=[w[2] for w in WRONG])
def test_mistakes_are_one_line(arguments, code, word, data, weights, tmp_path, capsys):
    named = dict(data=data, weights=weights, tmp=tmp_path)
    got, out, err = call(capsys, *(str(a).format(**named) for a in arguments))
    assert (got, out) == (code, "")
    assert err.count("\n") == 1 and word in err
    assert not (tmp_path / "run").exists()
