"""Small data on disk, and the command line called in this process or another."""

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from intflow.cli import main


def idx_bytes(array):
    """An array of bytes as an IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx(folder, train=96, test=32, size=28, classes=10, seed=0):
    """A learnable data set of MNIST's files: one blurred blob a class, and noise."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    base = random.integers(0, 200, (classes, size, size))
    for name, count in (("train", train), ("t10k", test)):
        labels = np.arange(count) % classes
        images = np.clip(base[labels] + random.integers(0, 56, (count, size, size)), 0, 255)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    return folder


def call(capsys, *arguments):
    """(exit code, stdout, stderr) of the command line."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def start(*arguments, **keywords):
    """The command line in a process of its own."""
    environment = {**os.environ, **keywords.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "intflow", *map(str, arguments)], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords,
    )


def metrics(run):
    """The records of a run."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
