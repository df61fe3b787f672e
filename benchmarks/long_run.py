"""Memory of a long run: a small net, ten thousand steps with tests and checkpoints.

    python benchmarks/long_run.py --steps 10000 --out benchmarks/results/long_run.json
"""

import argparse
import gc
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from intflow.commands.reporters import Quiet
from intflow.data.sources import module
from intflow.training import Config, Training

BATCH, EVERY, IMAGES = 4, 500, 4000


class Watch(Quiet):
    """Notes the resident memory and Python's blocks every EVERY steps."""

    def __init__(self):
        self.rows = []

    def stepped(self, training):
        if training.trainer.steps % EVERY == 0:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.rows.append({"step": training.trainer.steps, "blocks": sys.getallocatedblocks(),
                              "resident_kib": pages * os.sysconf("SC_PAGE_SIZE") >> 10})


def write_data(path):
    """A pack of noise."""
    random = np.random.default_rng(1)
    splits = {name: module("source").ArrayImages(random.integers(0, 256, (count, 1, 28, 28), np.uint8),
                                                 np.arange(count) % 10)
              for name, count in (("train", IMAGES), ("test", 100))}
    source = module("source").Source("noise", "noise", tuple("0123456789"), "symmetric", "none", "", **splits)
    return module("pack_writer").write_pack(path, source, "made by a benchmark")


def measure(steps):
    """The rows of a run of so many steps."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        config = Config("lenet", width="1/8", batch_size=BATCH, max_steps=steps, threads=1,
                        data=str(write_data(Path(folder, "noise.h5"))))
        Training.start(config, Path(folder, "run"), watch, save_every=EVERY).run()
    return watch.rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--out", metavar="FILE.json")
    options = parser.parse_args()
    rows = measure(options.steps)
    half = rows[len(rows) // 2]
    report = {"steps": options.steps, "rows": rows, "growth_of_second_half": {
        key: rows[-1][key] - half[key] for key in ("resident_kib", "blocks")}}
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
