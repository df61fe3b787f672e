"""The roofline of a measured machine: what bounds a pass, products or memory.

A pass with m multiply-accumulates and b bytes cannot be quicker than max(m / peak, b / bandwidth)
on a machine that makes `peak` multiply-accumulates a second and moves `bandwidth` bytes a second.
Both are measured by our own kernels in a second or two; the bytes are those of `operations.py`,
every operand of every kernel once, so caches that keep one kernel's results for the next can beat
the memory's bound; and products of few-bit weights can be quicker than those of bytes, which are
measured.
"""

import time
from dataclasses import dataclass

import numpy as np

SIDE, IMAGES, CHANNELS, TAPS = 8, 64, 256, 3        # of a 3x3 convolution in the middle of VGG-7
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
    """The Machine that runs these kernels: a convolution of bytes, and a sum of two arrays.

    Other work on the machine lowers both figures.
    """
    pixels = (SIDE, SIDE, IMAGES, CHANNELS)
    x, out = np.ones(pixels, np.int8), np.empty(pixels, np.int32)
    w = np.ones((TAPS, TAPS, CHANNELS, CHANNELS), np.int8)
    window = dict(stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1, w_max=127)
    a, b, c = (np.ones(NUMBERS, np.int32) for _ in range(3))
    product = _best(lambda: kernels.conv2d_forward(out, x, w, **window))
    total = _best(lambda: kernels.add_aligned(c, a, 0, b, 0))
    return Machine(out.size * CHANNELS * TAPS ** 2 / product,
                   (a.nbytes + b.nbytes + c.nbytes) / total, kernels.backend, kernels.threads)


def _best(call):
    """Seconds of the quickest of several calls; the first, which may compile, is not among them."""
    call()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while best == float("inf") or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def bound(counts, machine):
    """{seconds, bound, macs_per_byte} of a pass: least time, and whether products or memory set it."""
    # Products with powers of two are products of bytes on a processor, see ops/power.py.
    macs, moved = counts.total("mac") + counts.total("shifted"), counts.bytes
    compute, memory = macs / machine.macs, moved / machine.bytes
    return {
        "seconds": max(compute, memory),
        "bound": "products" if compute > memory else "memory",
        "macs_per_byte": macs / moved if moved else 0,
    }
