"""The roofline of a measured machine: what bounds a pass, products or memory.

A pass with m multiply-accumulates and b bytes cannot be quicker than max(m / peak, b / bandwidth) on a
machine that makes `peak` multiply-accumulates a second and moves `bandwidth` bytes a second. Both are
measured by our own kernels in a second or two; the bytes are those of `operations.py`, every operand of
every kernel once, so caches that keep one kernel's results for the next can beat the memory's bound.
"""

import time
from dataclasses import dataclass

import numpy as np

ROWS, INPUTS, OUTPUTS = 512, 1024, 1024     # of the product
NUMBERS = 8 << 20                           # of the sum, 4 bytes each: more than caches hold
SECONDS = 0.7


@dataclass(frozen=True)
class Machine:
    """macs, bytes : a second, of the best of several runs."""

    macs: float
    bytes: float
    backend: str
    threads: int


def measure(kernels):
    """The Machine that runs these kernels: a product of bytes, and a sum of two arrays."""
    x = np.ones((1, 1, ROWS, INPUTS), np.int8)
    w = np.ones((1, 1, INPUTS, OUTPUTS), np.int8)
    out = np.empty((1, 1, ROWS, OUTPUTS), np.int32)
    window = dict(stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1, w_max=127)
    a, b, c = (np.ones(NUMBERS, np.int32) for _ in range(3))
    product = _best(lambda: kernels.conv2d_forward(out, x, w, **window))
    total = _best(lambda: kernels.add_aligned(c, a, 0, b, 0))
    return Machine(ROWS * INPUTS * OUTPUTS / product, (a.nbytes + b.nbytes + c.nbytes) / total,
                   kernels.backend, kernels.threads)


def _best(call):
    """Seconds of the quickest of several calls; the first, which may compile, is not among them."""
    call()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def bound(counts, machine):
    """{seconds, bound, macs_per_byte} of a pass: the least time, and whether products or memory set it."""
    macs, moved = counts.total("mac"), counts.bytes
    compute, memory = macs / machine.macs, moved / machine.bytes
    return {
        "seconds": max(compute, memory),
        "bound": "products" if compute > memory else "memory",
        "macs_per_byte": macs / moved if moved else 0,
    }
