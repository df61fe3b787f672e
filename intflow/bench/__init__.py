"""Measuring the engine: equality first, then time, beside other engines on the same shapes.

A benchmark is a module with `run(options, tell)`, which returns a plain dictionary ready for JSON,
and `lines(report)`, the same for people. What is timed runs in processes of its own that take turns
(contest.py), so a ratio compares neighbours in time, and no two thread pools meet in one process.

    options     what the user chose: `options.Options`
    tell        function(text) that is told what is going on
"""

import importlib

from ..errors import UnknownNameError

# name -> (module, what it measures). A benchmark is one file here and one line.
BENCHES = {
    "gemm": ("gemm", "Matrix products of bytes: share of the instruction's peak, ratio to peers."),
    "elementwise": ("elementwise", "Everything but products, beside a plain copy of memory."),
    "conv": ("conv", "The three products of every layer of some models."),
    "step": ("step", "Whole training steps beside PyTorch's; the bits checked, digests told."),
    "input": ("inputs", "Steps with data against steps on a fixed batch; pictures a second."),
    "startup": ("startup", "First and second start of a run, up to its first step."),
    "memory": ("memory", "Peak memory beside what was predicted and what PyTorch takes."),
    "growth": ("growth", "How a step grows with batch, width and threads."),
}


def find_bench(name):
    """The module of a benchmark, or UnknownNameError with the near names."""
    if name not in BENCHES:
        raise UnknownNameError("benchmark", name, BENCHES)
    return importlib.import_module(f".{BENCHES[name][0]}", __name__)
