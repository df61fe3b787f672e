"""Runs that take days: queues that end them, logs that fill up, memory, data larger than memory."""

import gc
import os
import resource
import signal
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from command_line import call, metrics, start, write_idx
from faults.large import write_sparse_pack

import intflow
from intflow.commands.reporters import make_reporter
from intflow.data import open_dataset
from intflow.errors import CheckpointError, UsageError
from intflow.training import loop
from intflow.training.duration import parse_duration
from intflow.training.interrupt import Clock, Interrupt

TRAIN = ["train", "--model", "lenet", "--width", "1/8", "--threads", 1, "--batch-size", 16,
         "--backend", "portable"]
TIMED = ("seconds", "images_per_second")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The metrics of three undisturbed epochs."""
    out = tmp_path_factory.mktemp("whole") / "run"
    training = loop.Training.start(config(data), out, Watcher())
    assert training.run()
    return plain(out)


def config(data):
    return intflow.training.Config("lenet", width="1/8", threads=1, batch_size=16, backend="portable",
                                   data=str(data), epochs=3)


def plain(run):
    return [{k: v for k, v in line.items() if k not in TIMED} for line in metrics(run)]


class Watcher:
    """A reporter that does something of its own at one moment."""

    def __init__(self, moment="", at=0, action=None):
        self.moment, self.left, self.action = moment, at, action

    def __getattr__(self, moment):
        def told(*_):
            if moment == self.moment:
                self.left -= 1
                if self.left == 0:
                    self.action()

        return told


def resumed(out):
    training = loop.Training.resume(out, {}, Watcher())
    assert training.run()
    return plain(out)


@pytest.mark.parametrize("text, seconds", [
    ("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("3600s", 3600), ("3600", 3600), ("1d1s", 86401),
    (" 2H ", 7200),
])
def test_times(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "h", "2 h", "1h30", "-5m", "1.5h", "m5", "soon", "9" * 30])
def test_what_is_no_time(text):
    with pytest.raises(UsageError, match="2h, 90m"):
        parse_duration(text)


def test_time_is_up_saves_and_leaves_with_zero(data, whole, tmp_path, capsys):
    """Jobs in a queue: each goes on where the last one was saved; the option is not part of the run."""
    out = tmp_path / "run"
    code, _, err = call(capsys, *TRAIN, "--data", data, "--epochs", 100_000, "--out", out,
                        "--max-time", "1s")
    assert code == 0 and f"time is up; saved. Go on with: intflow train --resume {out}" in err
    done = len(plain(out)) if (out / "metrics.jsonl").exists() else 0
    code, _, err = call(capsys, "train", "--resume", out, "--epochs", done + 3, "--quiet")
    assert (code, err) == (0, "")
    assert plain(out)[:3] == whole
    assert "max_time" not in (out / "config.toml").read_text()


@pytest.mark.parametrize("moment, at", [("stepped", 7), ("stepped", 12), ("evaluating", 2)])
def test_time_is_up_at_any_step_and_in_a_test(moment, at, data, whole, tmp_path):
    training = loop.Training.start(config(data), tmp_path / "run", None, max_time=10**6)
    training.reporter = Watcher(moment, at, lambda: setattr(training, "clock", Clock(0)))
    assert not training.run() and training.out_of_time
    assert resumed(tmp_path / "run") == whole


@pytest.mark.parametrize("moment, at", [("stepped", 3), ("evaluating", 1), ("epoch_done", 1)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signals_save(moment, at, number, data, whole, tmp_path):
    action = Watcher(moment, at, lambda: os.kill(os.getpid(), number))
    training = loop.Training.start(config(data), tmp_path / "run", action)
    assert not training.run() and not training.out_of_time
    assert resumed(tmp_path / "run") == whole


def test_sigterm_from_outside(data, tmp_path):
    out = tmp_path / "run"
    process = start(*TRAIN, "--data", data, "--epochs", 100_000, "--out", out)
    while not process.stderr.readline().startswith("epoch 1:"):
        assert process.poll() is None
    process.terminate()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and f"intflow train --resume {out}" in err


def test_a_second_signal_takes_effect_at_once():
    """But not the copy of the first that mpiexec or a shell sends along."""
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.asked
        interrupt._first -= 2
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_log_that_is_closed(data, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    reporter = make_reporter(quiet=False)
    with reporter:
        assert loop.Training.start(config(data), tmp_path / "run", reporter).run()
    assert plain(tmp_path / "run") == whole


def test_a_log_on_a_full_disk(data, whole, tmp_path):
    command = [*TRAIN, "--data", data, "--epochs", 3, "--out", tmp_path / "run"]
    shell = f'"{sys.executable}" -m intflow ' + " ".join(f"'{part}'" for part in command) + "> /dev/full 2>&1"
    assert subprocess.run(shell, shell=True).returncode == 0
    assert plain(tmp_path / "run") == whole


@pytest.mark.parametrize("epoch", [1, 3])
def test_metrics_that_cannot_be_written(epoch, data, whole, tmp_path, monkeypatch):
    """What was trained is saved; the resumed run writes the line that is missing."""
    def full(path, record):
        if record["epoch"] == epoch:
            raise CheckpointError(f"cannot write {path}: No space left on device")
        append_line(path, record)

    append_line = loop.append_line
    monkeypatch.setattr(loop, "append_line", full)
    training = loop.Training.start(config(data), tmp_path / "run", Watcher())
    with pytest.raises(CheckpointError, match="No space"):
        training.run()
    monkeypatch.undo()
    assert (training.progress.epoch, training.progress.batch) == (epoch - 1, 6)
    again = loop.Training.resume(tmp_path / "run", {}, Watcher())
    assert again.trainer.steps == 6 * epoch
    assert again.run() and plain(tmp_path / "run") == whole


def test_memory_does_not_grow():
    """Three hundred steps: each hundred leaves as many blocks and objects as it found."""
    trainer = intflow.Trainer("mlp", "2888", width=Fraction(1, 64), input_shape=(1, 4, 4),
                              batch_size=4, threads=1, backend="portable")
    images, labels = np.zeros((4, 1, 4, 4), np.uint8), np.arange(4)
    blocks, objects = [], []
    for step in range(300):
        trainer.step(images, labels)
        if step % 100 == 99:
            gc.collect()
            blocks.append(sys.getallocatedblocks())
            objects.append(len(gc.get_objects()))
    # What a step keeps shows in every hundred; what the interpreter keeps for reuse, in one.
    assert min(np.diff(blocks)) < 30 and min(np.diff(objects)) < 30


def test_data_larger_than_memory(tmp_path, capfd):
    """A pack of 3.9 GB under a limit of 1 GiB of address space."""
    pack = tmp_path / "large.h5"
    assert write_sparse_pack(pack, 20_000, 16, (3, 256, 256)) > 3_900_000_000

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    process = start(*TRAIN, "--data", pack, "--max-steps", 2, "--out", tmp_path / "run",
                    preexec_fn=limit)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert metrics(tmp_path / "run")[-1]["step"] == 2


def test_little_memory_reads_images_from_the_disk(tmp_path, monkeypatch):
    """The same images, in memory or not."""
    from data.makers import write_pack

    from intflow.data.sources import module

    path = write_pack(tmp_path / "p.h5")
    ample = open_dataset(path)
    monkeypatch.setattr(module("pack"), "available", lambda: 100)
    short = open_dataset(path)
    assert ample.train.in_memory and not short.train.in_memory
    order = np.random.default_rng(1).permutation(len(ample.train))
    assert np.array_equal(ample.train.read(order), short.train.read(order))
