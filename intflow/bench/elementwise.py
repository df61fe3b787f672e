"""Everything of a step that is not a product, beside a copy of memory by as many threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..errors import BenchError
from ..formats import Rounding
from ..kernels import load
from ..kernels.threads import leave_core
from .contest import Entrant, contest

SHAPE = (16, 16, 128, 512)      # H W N C: 16 M elements, more than caches hold
CHECKED = 2                     # rows of pixels that the reference repeats
COPY = "copy"
NARROWING = 13, Rounding.HALF_EVEN, -127, 127
POOL = dict(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0, 0, 0))


class Arrays:
    """What the kernels below read (from random numbers) and write.

    Every one but `none` has rows of pixels as its axis `ROWS[name]`, so that their first rows are
    a problem of their own.
    """

    ROWS = {"passed": 1, "kept": 1}

    def __init__(self, shape):
        rng = np.random.default_rng(1)
        masks = (2, *shape[:-1], -(-shape[-1] // 8))
        small = (shape[0] // 2, shape[1] // 2, *shape[2:])
        self.wide = rng.integers(-(1 << 20), 1 << 20, shape, np.int32)
        self.narrow = rng.integers(-127, 128, shape, np.int8)
        self.kept = rng.integers(0, 256, masks, np.uint8)
        self.error = rng.integers(-127, 128, small, np.int8)
        self.taps = rng.integers(0, 4, small, np.uint8)
        self.codes, self.sums = np.zeros(shape, np.int8), np.zeros(shape, np.int32)
        self.words, self.passed = np.zeros(shape, np.uint32), np.zeros(masks, np.uint8)
        self.small, self.winner = np.zeros(small, np.int8), np.zeros(small, np.uint8)
        self.none = np.zeros(0, np.int32)

    def head(self, rows):
        """Copies of the first rows; half as many where a pool has halved them."""
        part = object.__new__(Arrays)
        for name, array in vars(self).items():
            setattr(part, name, self.first(name, rows).copy() if array.size else array)
        return part

    def first(self, name, rows):
        """The first rows of one array."""
        array, axis = getattr(self, name), self.ROWS.get(name, 0)
        rows = rows * array.shape[axis] // self.wide.shape[0]
        return array[(slice(None),) * axis + (slice(rows),)]


# name -> (call(kernels, arrays), arrays it writes, bytes that it reads and writes an element)
PASSES = {
    "requantize": (
        lambda k, a: k.requantize(a.codes, a.wide, *NARROWING), ["codes"], 5),
    "requantize_packed": (
        lambda k, a: k.requantize_packed(a.codes, a.passed, a.wide, True, *NARROWING),
        ["codes", "passed"], 5.25),
    "requantize_where": (
        lambda k, a: k.requantize_where(a.codes, a.wide, a.kept, *NARROWING), ["codes"], 5.25),
    "max_abs": (lambda k, a: k.max_abs(a.wide), [], 4),
    "max_abs_packed": (lambda k, a: k.max_abs_packed(a.wide, a.kept[0]), [], 4.125),
    "add_aligned": (lambda k, a: k.add_aligned(a.sums, a.wide, 0, a.wide, 1), ["sums"], 8),
    "max_pool2d": (
        lambda k, a: k.max_pool2d(a.small, a.winner, a.narrow, **POOL), ["small", "winner"], 1.5),
    "max_pool2d_backward": (
        lambda k, a: k.max_pool2d_backward(a.codes, a.error, a.taps, **POOL), ["codes"], 1.5),
    "random_u32": (
        lambda k, a: k.random_u32(a.words.reshape(-1), 1, 4, 0, 0), ["words"], 4),
    "stochastic_update": (
        lambda k, a: k.stochastic_update(
            a.codes, a.none, a.wide, 1, 1, 13, -127, 127, 1, 0, 0), ["codes"], 6),
}


class Pass:
    """One kernel again and again, or a copy.

    Parameters
    ----------
    name : of PASSES, or "copy". shape : of the larger arrays, H and W even.
    backend, threads : as `kernels.load`.

    Raises
    ------
    BenchError : its first rows are not the reference's, or not its result.
    """

    def __init__(self, name, shape, backend, threads):
        self.kernels, self.arrays = load(backend, threads), Arrays(tuple(shape))
        if name == COPY:
            self.run = self._copy(threads)
            self.run()
            return
        self.call, written, _ = PASSES[name]
        result = self.run()
        head, rows = self.arrays.head(CHECKED), CHECKED
        for array in written:
            getattr(head, array)[...] = 0
        reference = load("reference")
        expected = self.call(reference, head if written else self.arrays)
        if result != expected or any(
                not np.array_equal(self.arrays.first(array, rows), getattr(head, array))
                for array in written):
            raise BenchError(f"{name} of {self.kernels.backend} differs from the reference's; "
                             "nothing is timed")

    def about(self):
        return {"checked": "the first rows equal the reference kernel's"}

    def run(self):
        return self.call(self.kernels, self.arrays)

    def _copy(self, threads):
        """Each thread a share of the rows."""
        pool = ThreadPoolExecutor(threads, initializer=leave_core)
        pairs = list(zip(np.array_split(self.arrays.sums, threads),
                         np.array_split(self.arrays.wide, threads)))
        return lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs))


def run(options, tell):
    """All passes take turns with the copy."""
    shape = (*SHAPE[:2], options.batch_size or SHAPE[2], SHAPE[3])
    elements = int(np.prod(shape))
    settings = dict(shape=shape, backend=options.backend, threads=options.threads)
    rows = []
    for name, (_, _, size) in PASSES.items():
        tell(f"elementwise {name}")
        entrants = [Entrant(each, "pass", {**settings, "name": each}, work=int(size * elements))
                    for each, size in ((name, size), (COPY, 8))]
        results = contest(entrants, options)["results"]
        rows.append({"case": name, "results": results,
                     "of_copy": results[name]["rate"] / results[COPY]["rate"]})
    return {"elements": elements, "rows": rows}


def lines(report):
    """GB/s, counting what is read and what is written."""
    for row in report["rows"]:
        result = row["results"][row["case"]]
        yield (f"{row['case']:20} {result['rate'] / 1e9:7.2f} GB/s  "
               f"{1e3 * result['seconds']:8.3f} ms ({1e3 * result['least']:.3f} to {1e3 * result['most']:.3f})  "
               f"{row['of_copy']:.2f} of a copy")
