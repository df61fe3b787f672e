"""Training, evaluating and asking from the command line, on small data made here."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from command_line import call, metrics, start, write_idx

TRAIN = ["train", "--model", "lenet", "--batch-size", 16, "--threads", 1, "--width", "1/8", "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A finished run of two epochs."""
    out = tmp_path_factory.mktemp("run") / "whole"
    process = start(*TRAIN, "--data", data, "--epochs", 2, "--out", out)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def test_run_folder(run):
    assert {p.name for p in run.iterdir()} == {
        "config.toml", "metrics.jsonl", "checkpoint.h5", "best.h5"
    }
    lines = metrics(run)
    assert [(m["epoch"], m["step"]) for m in lines] == [(1, 6), (2, 12)]
    assert {"lr", "train_loss", "train_error", "test_error", "images_per_second", "seconds",
            "saturated", "digest"} <= set(lines[0])
    assert lines[0]["lr"] == "8"
    assert 0 <= lines[1]["test_error"] <= 1


def test_eval_and_digest_say_what_training_said(run, capsys):
    code, out, err = call(capsys, "eval", run, "--json", "--threads", 1)
    report, last = json.loads(out), metrics(run)[-1]
    assert (code, err) == (0, "")
    assert report["images"] == 32
    assert report["test_error"] == last["test_error"]
    assert report["digest"] == last["digest"]
    assert call(capsys, "digest", run / "checkpoint.h5")[1].strip() == last["digest"]


def test_predict(run, tmp_path, capsys):
    from PIL import Image

    Image.fromarray(np.full((40, 30, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    code, out, _ = call(capsys, "predict", run, tmp_path / "grey.png", "--json")
    (row,) = json.loads(out)
    assert code == 0 and len(row["classes"]) == 3
    assert row["classes"][0]["output"] >= row["classes"][1]["output"]


def test_config_takes_a_run_back(run, tmp_path, capsys):
    out = tmp_path / "again"
    code, _, err = call(capsys, "train", "--config", run / "config.toml", "--out", out, "--quiet")
    assert (code, err) == (0, "")
    assert metrics(out)[-1]["digest"] == metrics(run)[-1]["digest"]


def test_max_steps_then_resume_is_the_whole_run(run, data, tmp_path, capsys):
    out = tmp_path / "parts"
    call(capsys, *TRAIN, "--data", data, "--epochs", 2, "--out", out, "--max-steps", 4)
    assert metrics(out)[-1]["step"] == 4
    code, _, _ = call(capsys, "train", "--resume", out, "--max-steps", 9, "--quiet")
    assert code == 0 and metrics(out)[-1]["step"] == 9
    call(capsys, "train", "--resume", out, "--max-steps", 0, "--quiet")
    assert same_run(metrics(out), metrics(run))


def same_run(one, other):
    """Equal in everything but time."""
    timed = ("seconds", "images_per_second")
    plain = [[{k: v for k, v in line.items() if k not in timed} for line in r] for r in (one, other)]
    return plain[0] == plain[1]


def test_ctrl_c_saves_and_says_how_to_go_on(run, data, tmp_path, capsys):
    out = tmp_path / "stopped"
    process = start(*TRAIN[:-1], "--data", data, "--epochs", 400, "--out", out)
    wait_for(out / "metrics.jsonl", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"intflow train --resume {out}" in err and "Traceback" not in err
    done = len(metrics(out))
    call(capsys, "train", "--resume", out, "--epochs", done + 2, "--quiet")
    assert same_run(metrics(out)[:2], metrics(run))


@pytest.mark.parametrize("moment", [0.02, 0.11, 0.23])
def test_sigkill_at_any_moment_then_resume(run, data, tmp_path, moment, capsys):
    out = tmp_path / "killed"
    process = start(*TRAIN, "--data", data, "--epochs", 400, "--out", out, "--save-every", 1)
    wait_for(out / "checkpoint.h5", process)
    time.sleep(moment)
    process.kill()
    process.communicate(timeout=120)
    epochs = len(metrics(out)) + 2 if (out / "metrics.jsonl").exists() else 2
    code, _, err = call(capsys, "train", "--resume", out, "--epochs", epochs, "--quiet")
    assert (code, err) == (0, "")
    assert [m["epoch"] for m in metrics(out)] == list(range(1, epochs + 1))
    assert same_run(metrics(out)[:2], metrics(run))
    assert not list(out.glob(".checkpoint.h5*.tmp"))


def wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_threads_and_backends_give_one_digest(run, data, tmp_path, capsys):
    from intflow.kernels import available

    usable = [name for name, (ok, _) in available().items() if ok and name != "reference"]
    for backend in usable:
        out = tmp_path / backend
        call(capsys, *TRAIN, "--data", data, "--epochs", 2, "--out", out, "--backend", backend,
             "--threads", 2)
        assert metrics(out)[-1]["digest"] == metrics(run)[-1]["digest"], backend


def test_summary_and_info(capsys):
    code, out, _ = call(capsys, "summary", "--model", "vgg7", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["weights"] == 12_973_440          # papers, table of VGG-7
    assert round(report["mac"] / 1e6, 1) == 615.9
    assert [r["err"] for r in report["layers"] if r["kind"] == "linear"] == [18, 12]
    code, out, _ = call(capsys, "summary", "--model", "alexnet")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    code, out, _ = call(capsys, "info")
    assert code == 0 and "backends" in out


def test_help_needs_no_engine():
    heavy = "numba numpy h5py scipy PIL rich".split()
    code = ("import sys\nfrom intflow.cli import main\ntry:\n    main(['--help'])\n"
            "except SystemExit as stop:\n    assert not stop.code\n"
            f"sys.exit(str([m for m in {heavy} if m in sys.modules] or '') or 0)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "train" in done.stdout


def test_stopped_between_the_last_batch_and_its_metrics(run, data, tmp_path, capsys):
    from intflow.commands.reporters import Quiet
    from intflow.training import Config, Training

    class Dying(Quiet):
        def evaluating(self, training):
            raise MemoryError

    out = tmp_path / "late"
    config = Config("lenet", data=str(data), epochs=2, batch_size=16, width="1/8", threads=1)
    with pytest.raises(MemoryError):
        Training.start(config, out, Dying(), save_every=1).run()
    call(capsys, "train", "--resume", out, "--quiet")
    assert same_run(metrics(out), metrics(run))
