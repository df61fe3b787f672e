"""Products of minifloat weights against plain byte products of the same shape.

    python benchmarks/minifloat.py --threads 2

Every shape is first computed, for one image, by two schedules (ops/minifloat.py: by_digits and
by_exponent), and must agree bit for bit. Then both kinds of product run in turn, and the table
shows medians: milliseconds, and the throughput of the minifloat product as a share of the plain
one's. As in a network that is evaluated, weights are cut into digits once, in the first product.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np

from intflow import ops
from intflow.formats import Fixed, Tensor, parse_format
from intflow.formats.minifloat_codec import best_bias, encode_integers
from intflow.kernels import available, load
from intflow.ops.minifloat import by_digits, by_exponent, expanded, signed_digits
from intflow.training.memory import keep_freed_memory

# name: (pixels a side, inputs, outputs, taps a side)
SHAPES = {
    "squeezenet1_1 features.3.squeeze": (55, 64, 16, 1),
    "squeezenet1_1 features.3.expand3x3": (55, 16, 64, 3),
    "squeezenet1_1 features.12.expand3x3": (13, 64, 256, 3),
    "squeezenet1_1 classifier.1": (13, 512, 1000, 1),
    "vgg16 features.2": (224, 64, 64, 3),
    "vgg16 features.12": (56, 256, 256, 3),
    "vgg16 features.26": (14, 512, 512, 3),
}
FORMATS = ("1-4-3", "e5m2")
ACTIVATIONS = Fixed(8, 8, signed=False)
MASTER_BITS = 20        # of the random weights before they are encoded


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4, help="batch size")
    parser.add_argument("--runs", type=int, default=9, help="of each product; medians are shown")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--threads", type=int, default=None, help="default: all cores")
    parser.add_argument("--shapes", default="", help="only names that hold this text")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if min(options.images, options.runs) < 1 or (options.threads or 1) < 1:
        parser.error("--images, --runs and --threads start at 1")
    backends = ["auto", *(name for name, (runs, _) in available().items() if runs)]
    if options.backend not in backends:
        parser.error(f"--backend is one of {', '.join(backends)} here, got {options.backend}")
    keep_freed_memory()
    kernels = load(options.backend, options.threads)
    rows = [measure(kernels, name, shape, text, options)
            for name, shape in SHAPES.items() if options.shapes in name for text in FORMATS]
    about = {"backend": kernels.backend, "threads": kernels.threads, "images": options.images,
             "runs": options.runs}
    if options.json:
        print(json.dumps({**about, "rows": rows}))
    else:
        print_table(about, rows)


def measure(kernels, name, shape, text, options):
    """One row: both products of a shape, checked, then in turn."""
    x, plain, small, window = operands(shape, text, options.images)
    check(kernels, x, small, window, name)
    products = ops.Products(kernels)
    runs = {"plain": lambda: products.forward("plain", x, plain, window),
            "minifloat": lambda: products.forward("minifloat", x, small, window)}
    seconds = {kind: [] for kind in runs}
    for _ in range(options.runs + 1):
        for kind, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[kind].append(time.perf_counter() - start)
    medians = {f"{kind}_ms": 1000 * statistics.median(seconds[kind][1:]) for kind in runs}
    shares = sorted(a / b for a, b in zip(seconds["plain"][1:], seconds["minifloat"][1:]))
    return {"shape": name, "weights": text, "digits": len(signed_digits(expanded(small).codes)),
            **medians, "share": statistics.median(shares), "least": shares[0], "most": shares[-1]}


def operands(shape, text, images):
    """(activations, plain weights, minifloat weights, window) of pseudo-random integers.

    Weights are sums of twelve uniform numbers, bell-shaped as those of networks are.
    """
    side, inputs, outputs, taps = shape
    random = np.random.default_rng(1)
    x = random.integers(0, 256, (side, side, images, inputs), dtype=np.uint8)
    spread = 1 << MASTER_BITS - 5
    w = sum(random.integers(-spread, spread, (taps, taps, inputs, outputs)) for _ in range(12))
    master = Tensor(w, Fixed(62, MASTER_BITS, symmetric=True), "HWIO")
    fmt = parse_format(text)
    top = int(np.abs(w).max()).bit_length() - 1 - MASTER_BITS
    fmt = type(fmt)(fmt.exponent_bits, fmt.mantissa_bits, best_bias(top, fmt), fmt.subnormals)
    codes = np.clip(w >> top + MASTER_BITS - 6, -127, 127).astype(np.int8)
    return (Tensor(x, ACTIVATIONS, "HWNC"), Tensor(codes, Fixed(8, 6, symmetric=True), "HWIO"),
            Tensor(encode_integers(master.codes, MASTER_BITS, fmt), fmt, "HWIO"),
            ops.Window.of(taps, padding=taps // 2))


def check(kernels, x, w, window, name):
    """Stop unless two schedules agree in every bit, of the first image."""
    x = Tensor(np.ascontiguousarray(x.codes[:, :, :1]), x.format, x.axes)
    fast, slow = by_digits(kernels, x, w, window), by_exponent(kernels, x, w, window)
    if fast.format != slow.format or not np.array_equal(fast.codes, slow.codes):
        sys.exit(f"{name}: the schedules differ; nothing is timed")


def print_table(about, rows):
    """For people, as Markdown."""
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "; all products equal")
    columns = ("shape", "weights", "digits", "plain, ms", "minifloat, ms", "throughput",
               "least .. most")
    print("\n| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        cells = (row["shape"], row["weights"], row["digits"], f"{row['plain_ms']:.2f}",
                 f"{row['minifloat_ms']:.2f}", f"{row['share']:.2f}",
                 f"{row['least']:.2f} .. {row['most']:.2f}")
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
