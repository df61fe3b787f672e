"""Faults, one kind each: a training is disturbed, looked at, and gone on with.

A round raises AssertionError where something whole was lost, where the program did not say in one
line what happened, or where the resumed run does not end in the bits of the undisturbed one.
"""

import contextlib
import io
import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from command_line import metrics, write_idx
from faults.killed import HOOKS

from intflow.cli import main
from intflow.training.checkpoint import read_checkpoint

EPOCHS, STOPPED = 4, 15         # six steps an epoch: the third epoch has begun
TRAIN = ["train", "--model", "lenet", "--width", "1/8", "--threads", 1, "--batch-size", 16,
         "--epochs", EPOCHS, "--save-every", 2, "--backend", "portable"]
FILES = ("checkpoint.h5", "best.h5", "metrics.jsonl", "config.toml")
DISK = 160                      # KiB of the small disk


class Place:
    """Data, the undisturbed run, one that was stopped on its way, and a folder for what follows."""

    def __init__(self, home):
        self.home = Path(home)
        self.data = write_idx(self.home / "data")
        self.whole, self.stopped = self.home / "whole", self.home / "stopped"
        for out, options in ((self.whole, []), (self.stopped, ["--max-steps", STOPPED])):
            code, err = call(*self.train(out), *options)
            assert code == 0, err
        self.expected = records(self.whole)
        self.run = self.home / "run"

    def train(self, out):
        return [*TRAIN, "--data", self.data, "--out", out]

    def fresh(self, start=None):
        """The folder of the next run: new, or a copy of another."""
        shutil.rmtree(self.run, ignore_errors=True)
        if start is not None:
            shutil.copytree(start, self.run)
        return self.run

    def assert_whole(self, run):
        """No checkpoint is torn, no line of the metrics is another one than it should be."""
        for name in ("checkpoint.h5", "best.h5"):
            if (run / name).exists():
                read_checkpoint(run / name)
        if (run / "metrics.jsonl").exists():
            lines = (run / "metrics.jsonl").read_text().split("\n")[:-1]
            assert [plain(json.loads(line)) for line in lines] == self.expected[:len(lines)]

    def finish(self, run, lost_lines=False):
        """Go on to the end; returns what was said. The bits must be those of the undisturbed run."""
        if any((run / name).exists() for name in ("checkpoint.h5", "best.h5")):
            code, err = call("train", "--resume", run, "--max-steps", 0)
        else:
            shutil.rmtree(run, ignore_errors=True)
            code, err = call(*self.train(run))
        assert code == 0, err
        self.assert_same(run, lost_lines)
        return err

    def assert_same(self, run, lost_lines=False):
        """lost_lines : metrics of the epochs before were damaged; those since must be right."""
        since = slice(-2, None) if lost_lines else slice(None)
        assert records(run)[since] == self.expected[since]
        assert sorted(path.name for path in run.iterdir()) == sorted(FILES)
        assert read_checkpoint(run / "checkpoint.h5")[0]["digest"] == self.expected[-1]["digest"]


def plain(record):
    return {key: value for key, value in record.items() if key not in ("seconds", "images_per_second")}


def records(run):
    return [plain(record) for record in metrics(run)]


def call(*arguments):
    """(exit code, stderr) of the command line in this process."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            return stop.code, err.getvalue()
    return 0, err.getvalue()


def one_line(err, *words):
    """The single line that the program said before it left with exit code 1."""
    lines = err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("intflow: "), err
    assert "Traceback" not in err and all(word in err for word in words), err
    return lines[0]


def start(place, *before, **keywords):
    command = [sys.executable, *map(str, before or ("-m", "intflow")), *map(str, place.train(place.run))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **keywords)


def killed(place, random):
    """SIGKILL at any moment."""
    run = place.fresh()
    process = start(place)
    wait_for(run / "config.toml", process)
    time.sleep(random.uniform(0, 0.6))
    process.kill()
    process.communicate()
    place.assert_whole(run)
    place.finish(run)


def killed_inside_a_write(place, random):
    """SIGKILL at a chosen call while a file is being written; see killed.py."""
    run = place.fresh()
    moment, count = random.choice(list(HOOKS)), random.randint(1, 12)
    process = start(place, Path(__file__).with_name("killed.py"), moment, count)
    _, err = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, f"{moment} {count}: {process.returncode} {err}"
    place.assert_whole(run)
    place.finish(run)


def terminated(place, random):
    """SIGTERM or SIGINT: saved, exit code 130."""
    run = place.fresh()
    process = start(place)
    wait_for(run / "checkpoint.h5", process)
    time.sleep(random.uniform(0, 0.1))
    process.send_signal(random.choice((signal.SIGTERM, signal.SIGINT)))
    _, err = process.communicate(timeout=300)
    assert process.returncode in (0, 130) and "Traceback" not in err, err
    if process.returncode == 130:
        assert f"intflow train --resume {run}" in err, err
    place.assert_whole(run)
    place.finish(run)


def full_disk(place, random):
    """A small disk that is full from some point on; a limit on file sizes where none can be made."""
    with small_disk(place) as disk:
        run = disk / "run" if disk else place.fresh()
        if disk:
            (disk / "fill").write_bytes(bytes((DISK - random.randint(0, 90)) << 10))
            code, err = call(*place.train(run), "--quiet")
            (disk / "fill").unlink()
        else:
            code, err = limited(place, random.randint(1, 20) << 10)
        if code:
            assert code == 1
            one_line(err, "No space left" if disk else "File too large", "free space")
        place.assert_whole(run)
        place.finish(run)


def limited(place, size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    process = start(place, preexec_fn=limit)
    _, err = process.communicate(timeout=300)
    return process.returncode, err.splitlines()[-1] if err else ""


def read_only(place, random):
    """The run's disk becomes read-only, before a resume or while it trains."""
    with small_disk(place) as disk:
        if not disk:
            raise Skipped("a disk can be made read-only by root alone")
        shutil.copytree(place.stopped, disk / "run")
        before = {name: (disk / "run" / name).read_bytes() for name in FILES}
        mount("remount,ro", disk)
        code, err = call("train", "--resume", disk / "run", "--max-steps", 0, "--quiet")
        assert code == 1
        one_line(err, "Read-only file system", "writable")
        assert {name: (disk / "run" / name).read_bytes() for name in FILES} == before
        mount("remount,rw", disk)
        place.finish(disk / "run")


def truncated(place, random):
    """A file of the run is cut off anywhere."""
    damaged(place, random, lambda content: content[:random.randrange(len(content))])


def flipped(place, random):
    """A bit of a file of the run is another one."""
    def flip(content):
        content = bytearray(content)
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        return bytes(content)

    damaged(place, random, flip)


def missing(place, random):
    """A file of the run is gone."""
    damaged(place, random, lambda content: None)


def damaged(place, random, change):
    run, name = place.fresh(place.stopped), random.choice(FILES)
    content = change((run / name).read_bytes())
    (run / name).unlink() if content is None else (run / name).write_bytes(content)
    if name != "checkpoint.h5":
        lost = name == "metrics.jsonl" and lost_lines(place, content)
        err = place.finish(run, lost)
        assert f"note: {run / name}" in err or name == "best.h5" or not (lost or name == "config.toml")
        return
    code, err = call("train", "--resume", run, "--max-steps", 0)
    assert code == 1
    line = one_line(err, "checkpoint")
    told = re.search(r"with: intflow (train --resume \S+)", line)
    assert told and code_of(told[1]) == 0, err
    place.assert_same(run)


def lost_lines(place, content):
    """Whether a line of the epochs that are done is not what it was."""
    done = (place.stopped / "metrics.jsonl").read_bytes().splitlines()[:2]
    return (content or b"").splitlines()[:2] != done


def code_of(command):
    return call(*command.split(), "--max-steps", 0)[0]


class Skipped(Exception):
    """A fault that cannot be made here; the reason is in it."""


@contextlib.contextmanager
def small_disk(place):
    """A tmpfs of DISK KiB, or None where this user may not mount one."""
    disk = place.home / "disk"
    disk.mkdir(exist_ok=True)
    if not mount(f"size={DISK}k", disk, "-t", "tmpfs"):
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def mount(options, disk, *kind):
    command = ["mount", *kind, "-o", options, *(["none"] if kind else []), disk]
    return shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0


def wait_for(path, process):
    deadline = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


ROUNDS = {function.__name__.replace("_", " "): function for function in (
    killed, killed_inside_a_write, terminated, full_disk, read_only, truncated, flipped, missing)}
