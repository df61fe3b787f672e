"""Products of bits against NumPy's float32, against bytes, and against the processor's limit.

    python benchmarks/bitwise.py [--out FILE.json] [--side 4096] [--images 100]

One thread and CPU time, the least of several runs; every product is first compared bit for bit.
Four tables: the popcount limit of the registers, the square product, each layer of the networks by
bits and by bytes (with what ops/bit_products.py chooses, and why), and bytes in memory.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")          # before NumPy: one thread of BLAS
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import platform
import time
import tracemalloc

import numpy as np

from intflow import ops
from intflow.formats import Binary, Fixed, Tensor
from intflow.kernels import load
from intflow.kernels.buffers import Pool, using
from intflow.ops import bit_products
from popcount_limit import products_per_second

# name: (pixels a side, inputs, outputs, taps a side), bits of the input
SHAPES = {
    "mlp 1": ((1, 784, 2048, 1), 8), "mlp 2, 3": ((1, 2048, 2048, 1), 1),
    "mlp 4": ((1, 2048, 10, 1), 1), "mlp-4096 2, 3": ((1, 4096, 4096, 1), 1),
    "vgg conv 1": ((32, 3, 128, 3), 8), "vgg conv 2": ((32, 128, 128, 3), 1),
    "vgg conv 3": ((16, 128, 256, 3), 1), "vgg conv 4": ((16, 256, 256, 3), 1),
    "vgg conv 5": ((8, 256, 512, 3), 1), "vgg conv 6": ((8, 512, 512, 3), 1),
    "vgg fc 1": ((1, 8192, 1024, 1), 1), "vgg fc 2": ((1, 1024, 1024, 1), 1),
    "vgg conv 6, 2-bit input": ((8, 512, 512, 3), 2),
    "vgg conv 6, 4-bit input": ((8, 512, 512, 3), 4),
    "vgg conv 6, 8-bit input": ((8, 512, 512, 3), 8),
}
RUNS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="write the record here, as JSON")
    parser.add_argument("--side", type=int, default=4096, help="of the square product")
    parser.add_argument("--images", type=int, default=100, help="batch size of the layers")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each product; the least counts")
    parser.add_argument("--shapes", default="", help="only layers whose names hold this text")
    options = parser.parse_args()
    if min(options.side, options.images, options.runs) < 1:
        parser.error("--side, --images and --runs start at 1")
    kernels = load("auto", 1)
    record = {"machine": platform.processor() or platform.machine(), "backend": kernels.backend,
              "limit": limit(), "square": square(kernels, options.side, options.runs)}
    plain = record["limit"]["xor, popcount, add"]
    record["square"]["share of the limit"] = record["square"]["bits"] / plain
    record["layers"] = [layer(kernels, name, *shape, options) for name, shape in SHAPES.items()
                        if options.shapes in name]
    record["memory"] = memory(kernels, options.images)
    show(record, options)
    if options.out:
        with open(options.out, "w") as file:
            json.dump(record, file, indent=1)


def least_seconds(run, runs):
    """CPU time of the quickest of `runs`, after one that compiles."""
    run()
    least = float("inf")
    for _ in range(runs):
        start = time.process_time()
        run()
        least = min(least, time.process_time() - start)
    return least


def limit():
    """GOP/s of loops that touch registers alone; an operation is half a multiply-add."""
    return {name: 2e-9 * rate for name, rate in products_per_second().items()}


def signs(rng, shape, axes):
    return Tensor(rng.choice(np.array([-1, 1], np.int8), shape), Binary(), axes)


def square(kernels, side, runs):
    """GOP/s of side**3 by bits, by bytes and in float32."""
    rng = np.random.default_rng(1)
    x, w = signs(rng, (1, 1, side, side), "HWNC"), signs(rng, (1, 1, side, side), "HWIO")
    small = ops.pack(kernels, x), ops.pack(kernels, w)
    out, again = (np.empty((1, 1, side, side), np.int32) for _ in range(2))
    window = ops.Window((1, 1)).keywords()
    portable = load("portable", 1)

    def byte_product(which):
        which.conv2d_forward(again, x.codes, w.codes, **window, w_max=1)

    def bit_product():
        bit_products.multiply(kernels, out, *small, window)

    bit_product()
    byte_product(portable)
    assert np.array_equal(out, again), "bits and bytes differ; nothing is timed"
    del again
    again = out.copy()
    a, b = (t.codes[0, 0].astype(np.float32) for t in (x, w))
    ways = {"bits": bit_product, "numpy float32": lambda: a @ b,
            "portable bytes": lambda: byte_product(portable),
            f"{kernels.backend} bytes": lambda: byte_product(kernels)}
    speed = {name: 2e-9 * side**3 / least_seconds(run, runs) for name, run in ways.items()}
    return {"side": side, **speed, "times numpy": speed["bits"] / speed["numpy float32"],
            "times portable": speed["bits"] / speed["portable bytes"]}


def operands(rng, shape, bits, images):
    """(x packed where it is binary, packed w, window) of a layer."""
    side, inputs, outputs, taps = shape
    if bits == 1:
        x = signs(rng, (side, side, images, inputs), "HWNC")
    else:
        codes = rng.integers(0, 1 << bits, (side, side, images, inputs), dtype=np.uint8)
        x = Tensor(codes, Fixed(bits, 0, signed=False), "HWNC")
    w = signs(rng, (taps, taps, inputs, outputs), "HWIO")
    return x, w, ops.Window.of(taps, padding=taps // 2)


def layer(kernels, name, shape, bits, options):
    """A layer's forward product by bits and by bytes, from operands as they lie in memory."""
    x, w, window = operands(np.random.default_rng(2), shape, bits, options.images)
    small = ops.pack(kernels, x) if bits == 1 else x, ops.pack(kernels, w)
    keywords = window.resolve(*x.shape[:2]).keywords()
    out, again = (np.empty((*x.shape[:3], w.shape[3]), np.int32) for _ in range(2))

    def by_bits():
        bit_products.multiply(kernels, out, *small, keywords)

    def by_bytes():
        plain = [ops.unpack(kernels, t).codes for t in small]
        kernels.conv2d_forward(again, *plain, **keywords, w_max=1)

    by_bits()
    by_bytes()
    assert np.array_equal(out, again), f"{name}: bits and bytes differ; nothing is timed"
    ms = {kind: 1e3 * least_seconds(run, options.runs) for kind, run in
          (("bits", by_bits), ("bytes", by_bytes))}
    chosen = bit_products.bits_win(kernels, *small, out.size // out.shape[3])
    return {"layer": name, "input bits": bits, **{f"{k} ms": v for k, v in ms.items()},
            "winner": min(ms, key=ms.get), "chosen": "bits" if chosen else "bytes",
            "why": bit_products.reason(kernels, *small)}


def memory(kernels, images):
    """Bytes that a binary activation and its mask take, against the same in fp32."""
    x = Tensor(np.ones((32, 32, images, 128), np.int32), Fixed(32, 4), "HWNC")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with using(Pool()) as arena:
        kept = ops.binarize_masked(kernels, x)
        taken = tracemalloc.get_traced_memory()[0] - before + arena.in_use()
    tracemalloc.stop()
    fp32 = 4 * x.codes.size
    return {"fp32": fp32, "activation": kept[0].words.nbytes, "mask": kept[1].words.nbytes,
            "measured, both": taken, "share": taken / fp32}


def show(record, options):
    """For people, as Markdown."""
    print(f"backend {record['backend']}, one thread, CPU time, least of {options.runs} runs\n")
    print("| register loop | GOP/s |\n| --- | --- |")
    for name, value in record["limit"].items():
        print(f"| {name} | {value:.0f} |")
    print(f"\n| {options.side}^3 | |\n| --- | --- |")
    for name, value in record["square"].items():
        unit = "" if "times" in name or "share" in name or name == "side" else " GOP/s"
        print(f"| {name} | {value:.4g}{unit} |")
    print(f"\n| layer, batch {options.images} | bits, ms | bytes, ms | winner | chosen | why |")
    print("| --- " * 6 + "|")
    for row in record["layers"]:
        print(f"| {row['layer']} | {row['bits ms']:.2f} | {row['bytes ms']:.2f} | "
              f"{row['winner']} | {row['chosen']} | {row['why']} |")
    m = record["memory"]
    print(f"\nA binary activation and its mask: {m['activation']} + {m['mask']} bytes, measured "
          f"{m['measured, both']}, of {m['fp32']} in fp32: {m['share']:.5f} (1/16 = 0.0625)")


if __name__ == "__main__":
    main()
