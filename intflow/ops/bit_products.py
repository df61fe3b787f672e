"""Forward products by bits or by bytes: the same sums, by whichever is quicker here.

Lingo: a tensor of k bits is k *planes* of bits, a binary one is one plane of signs; a product of p
planes by q planes is p * q products of bits.
"""

import time
from math import prod

import numpy as np

from ..formats import Binary, Packed, Tensor
from ..formats.packed import WORD, words_of
from ..kernels.buffers import computing, empty
from .bitwise import pack

MOST_PLANES = 9                     # of both operands, multiplied: a pixel and its sign
SAMPLE = 256, 4096, 128             # rows, inputs, outputs of the product that is timed
ROUNDS = 7
# Products that take as long, by and large, as preparing one element:
PACKING = 1 << 8                    # products of bits, for a bit to be packed
PREPARING = 1 << 7                  # products of bytes, for a weight to be unpacked and laid out
_SPEEDS = {}


def bits_win(kernels, x, w, rows):
    """Whether the product of x and w is quicker by bits than by bytes on this machine.

    rows : images times output pixels.

    Only where one operand is binary: two planes by two never win where bytes have an instruction
    of their own. The model: products of whole words and the packing of what is not packed, against
    products of bytes and the layout of the weights. Both speeds are measured once a process
    (`speeds`). Either way the sums are the same.
    """
    if not (isinstance(x.format, Binary) or isinstance(w.format, Binary)):
        return False
    planes = plane_count(x.format) * plane_count(w.format)
    if planes > MOST_PLANES:
        return False
    if kernels.backend == "reference":
        return True
    taps = prod(w.shape[:-2])
    by_bits, by_bytes = speeds(kernels)
    words = rows * taps * words_of(w.shape[-2]) * WORD * w.shape[-1] * planes
    bits = words * by_bits + packing(x, w) * PACKING * by_bits
    return bits < (rows + PREPARING) * prod(w.shape) * by_bytes


def reason(kernels, x, w):
    """Why the one or the other is quicker, in words: for benchmarks."""
    by_bits, by_bytes = speeds(kernels)
    planes = plane_count(x.format) * plane_count(w.format)
    full = 100 * w.shape[-2] // (WORD * words_of(w.shape[-2]))
    times = 10 * by_bytes // max(1, by_bits)
    return (f"{planes} product{'s' * (planes > 1)} of bits for one of bytes, words {full} % full; "
            f"a product of bits is {times // 10}.{times % 10} times as quick")


def packing(x, w):
    """Bits that have to be packed before x and w can be multiplied by bits."""
    return sum(plane_count(t.format) * prod(t.shape) for t in (x, w)
               if not isinstance(t, Packed))


def speeds(kernels):
    """(by bits, by bytes): ns of 2**20 products of two signs, measured once a process."""
    key = kernels.backend, kernels.threads
    if key not in _SPEEDS:
        with computing():
            _SPEEDS[key] = _measure(kernels.fresh())
    return _SPEEDS[key]


def _measure(kernels):
    rows, inputs, outputs = SAMPLE
    signs = np.resize(np.array([1, -1, -1], np.int8), (1, 1, rows, inputs))
    weights = np.resize(np.array([1, 1, -1, 1, -1], np.int8), (1, 1, inputs, outputs))
    x, w = Tensor(signs, Binary(), "HWNC"), Tensor(weights, Binary(), "HWIO")
    out = np.empty((1, 1, rows, outputs), np.int32)
    window = dict(stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1)
    small = pack(kernels, x), pack(kernels, w)
    ways = (lambda: multiply(kernels, out, *small, window),
            lambda: kernels.conv2d_forward(out, signs, weights, **window, w_max=1))
    return tuple((_least_ns(way) << 20) // (rows * inputs * outputs) for way in ways)


def _least_ns(run):
    """The shortest of a few runs, after one that compiles."""
    run()
    least = 1 << 62
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        run()
        least = min(least, time.perf_counter_ns() - start)
    return least


def multiply(kernels, out, x, w, window):
    """out = the forward product of x HWNC and w HWIO (or NC and IO) by bits.

    out : s32 (OH, OW, N, O), the sums proven to fit. window : keywords of the kernel.

    Examples
    --------
    x = 1, -1, 1 and w = 1, 1, -1: 3 - 2 * popcount(101 xor 011) = -1.  [QNN XNOR]
    """
    inputs = w.shape[-2]
    kernels.bitwise_forward(
        out, _pixels(planes_of(kernels, x)), _pixels(planes_of(kernels, w)), inputs,
        steps_of(x.format), steps_of(w.format), **window)


def plane_count(fmt):
    """Planes of a format."""
    return max(1, len(steps_of(fmt)))


def steps_of(fmt):
    """Value of each plane's bit in codes; () for signs.  [QNN bit planes]

    Examples
    --------
    u3: 1, 2, 4; s3: 1, 2, -4; binary: (). Powers of two have those of the grid around them.
    """
    if isinstance(fmt, Binary):
        return ()
    steps = [1 << bit for bit in range(fmt.grid.bits)]
    return (*steps[:-1], -steps[-1] if fmt.signed else steps[-1])


def planes_of(kernels, t):
    """u64 (planes, ...): the words of a binary tensor, or each bit of codes in words of its own."""
    if isinstance(t.format, Binary):
        return pack(kernels, t).words[None]
    weights = t.axes in ("HWIO", "IO")
    at = t.codes.ndim - 1 - weights
    shape = list(t.shape)
    shape[at] = words_of(shape[at])
    out = empty((plane_count(t.format), *shape), np.uint64)
    run = kernels.pack_columns if weights else kernels.pack_rows
    for bit, plane in enumerate(out):
        run(plane, t.codes, bit, False)
    return out


def _pixels(planes):
    """(planes, H, W, N, words) or (planes, KH, KW, words, O)."""
    return planes if planes.ndim == 5 else planes[:, None, None]
