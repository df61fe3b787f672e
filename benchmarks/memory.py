"""Memory of a training step and of inference beside fp32's, measured array by array.

    python benchmarks/memory.py [--model mlp] [--bits 1-1-32-8] [--batch-size 100] [--out FILE.json]

Training runs at the batch size, inference at one image and at the batch size.

Integers: what NumPy holds at most (tracemalloc) and what its arena takes, in training the whole step
with its stored weights and averages, in inference one batch through a Trainer that keeps the bits of
its weights alone.
fp32: the same network with the same optimiser, counted from shapes: weights, gradients, two averages
and every layer's output once for training; weights and the two largest neighbours for inference.
Scratch memory inside compiled kernels, a few hundred kB a thread, is left out on both sides.
"""

import gc
import json
import tracemalloc
from math import prod

import click
import numpy as np

from intflow import Trainer
from intflow.kernels.buffers import Pool, using
from intflow.models import find_model


def peak(function, before):
    """Bytes of arrays at the highest moment of function(), with what was there before: in NumPy's
    own memory, and in `before`, the Pool in use until now."""
    gc.collect()
    tracemalloc.reset_peak()
    with using(Pool()) as during:
        function()
    return tracemalloc.get_traced_memory()[1] + before.in_use() + during.extent


def fp32_bytes(network, images):
    """(training step, inference) of the same network in fp32."""
    weights = sum(p.master.codes.size for p in network.parameters if p.role in ("weight", "bias"))
    sizes = [images * prod(network.input_shape)] + [images * prod(s.shape) for _, s in network.specs]
    neighbours = max(a + b for a, b in zip(sizes, sizes[1:]))
    return 4 * (4 * weights + sum(sizes)), 4 * (weights + neighbours)


def measure(model, scheme, bits, batch_size):
    """[{"what", "images", "bytes", "fp32", "ratio"}]: a training step, inference twice."""
    shape = find_model(model).input_shape
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (batch_size, *shape), np.uint8)
    labels = np.arange(batch_size) % 10

    def trainer():
        gc.collect()
        return Trainer(model, bits, scheme, batch_size=batch_size, threads=1, input_shape=shape)

    warm = trainer()
    warm.step(images, labels)                   # compiles
    for n in {1, batch_size}:
        warm.evaluate(images[:n], labels[:n])
    network = warm.network
    del warm

    def training():
        with using(Pool()) as before:
            running = trainer()
            running.step(images, labels)
            return peak(lambda: running.step(images, labels), before)

    def inference(n):
        with using(Pool()) as before:
            compact = trainer()
            compact.compact()
            compact.evaluate(images[:n], labels[:n])    # workspaces are kept from here on
            return peak(lambda: compact.evaluate(images[:n], labels[:n]), before)

    tracemalloc.start()
    rows = [("training step", batch_size, training())]
    rows += [("inference", n, inference(n)) for n in sorted({1, batch_size})]
    tracemalloc.stop()
    return [row_of(network, *row) for row in rows]


def row_of(network, what, images, taken):
    """One figure beside fp32's."""
    fp32 = fp32_bytes(network, images)[what == "inference"]
    return {"what": what, "images": images, "bytes": taken, "fp32": fp32,
            "ratio": round(fp32 / taken, 2)}


@click.command()
@click.option("--model", default="mlp", show_default=True)
@click.option("--scheme", default="qnn", show_default=True)
@click.option("--bits", default="1-1-32-8", show_default=True)
@click.option("--batch-size", default=100, show_default=True)
@click.option("--out", type=click.File("w", lazy=True), help="write the record here, as JSON")
def main(model, scheme, bits, batch_size, out):
    """Print what a model takes."""
    found = measure(model, scheme, bits, batch_size)
    about = {"model": model, "scheme": scheme, "bits": bits, "batch_size": batch_size}
    if out:
        json.dump({**about, "rows": found}, out, indent=1)
    click.echo(f"{model} {bits} ({scheme})")
    for row in found:
        click.echo(f"{row['what']:13} {row['images']:4} images {row['bytes'] / 1e6:9.2f} MB   "
                   f"fp32 {row['fp32'] / 1e6:9.2f} MB   1/{row['ratio']}")


if __name__ == "__main__":
    main()
