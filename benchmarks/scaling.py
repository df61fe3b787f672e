"""A simulated curve of images a second over workers: a step measured here, a stated network.

    python benchmarks/scaling.py --model vgg7 --images 32
    python benchmarks/scaling.py --model lenet --images 64 --latency 2 --gigabits 100 --out l.json

Every worker computes the same number of images (weak scaling), on one thread. Measured, in
processor time, least of several steps: when each layer's gradient is there, when the backward pass
ends, and when the step does. The network has a latency a (`--latency`, microseconds) and a
bandwidth b (`--gigabits`, both ways at once). A sum of n bytes over K workers takes

    ring    2 (K - 1) (a + n / (K b))
    tree    2 ceil(log2 K) a + 2 (K - 1) / K n / b   (halving and doubling)

whichever is less, as MPI libraries choose; a maximum, or the totals, ceil(log2 K) (a + n / b). Sums
of gradients travel one after the other, each as soon as it is there, beside the backward pass; a
maximum stops the backward pass for its time. The update waits for all. Nothing else slows workers
down: no stragglers, no shared switch, no shared memory bus.

`narrow` is what the WAGE paper argues for: each worker would send its own quantised gradients, of
the bits of slot G and log2 K more. That is other arithmetic than one worker's, so the engine sends
exact sums; the column says what the exactness costs.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np

from intflow import Trainer
from intflow.costs import narrow_bits
from intflow.group import Alone
from intflow.models import find_model
from intflow.training.count import Plan

WORKERS = [1 << n for n in range(11)]


class Stopwatch(Alone):
    """A worker whose others answer at once: notes when it would have sent what.

    marks : [(seconds, bytes)] of the sums; ended : seconds of the end of the backward pass.
    """

    size = 2

    def share(self, whole):
        """All images are its own."""
        return super().share(whole)._replace(first=0, count=whole)

    def start_sum(self, codes, bits):
        """Nothing to add."""
        width = 2 if bits <= 16 else 4 if bits <= 32 else 8
        self.marks.append((time.process_time() - self.started, codes.size * width))
        return codes

    def finish_sums(self):
        """The end of the backward pass."""
        self.ended = time.process_time() - self.started

    def start(self):
        """A step begins."""
        self.marks, self.started = [], time.process_time()


def measure(model, bits, images, steps):
    """{"sums": [(seconds, bytes)], "backward", "step"} of the quickest step."""
    entry, watch = find_model(model), Stopwatch()
    trainer = Trainer(model, bits, batch_size=images, threads=1, group=watch)
    random = np.random.default_rng(0)
    batch = random.integers(0, 256, (images, *entry.input_shape), np.uint8)
    labels = random.integers(0, 10, images)
    found = []
    for _ in range(steps + 1):
        watch.start()
        trainer.step(batch, labels)
        seconds = time.process_time() - watch.started
        found.append({"sums": watch.marks, "backward": watch.ended, "step": seconds})
    return min(found[1:], key=lambda step: step["step"])


class Network:
    """Times of exchanges, in seconds. latency in seconds, bandwidth in bytes a second."""

    def __init__(self, latency, bandwidth):
        self.latency, self.bandwidth = latency, bandwidth

    def sum(self, size, workers):
        """A large sum."""
        rounds = 2 * math.ceil(math.log2(workers))
        moved = 2 * size * (workers - 1) / (workers * self.bandwidth)
        return min(rounds, 2 * (workers - 1)) * self.latency + moved

    def small(self, size, workers):
        """A maximum or a few totals."""
        return math.ceil(math.log2(workers)) * (self.latency + size / self.bandwidth)


def simulated(step, exchange, network, workers, share=1.0):
    """Seconds of a step of so many workers; `share` of the gradients' bytes travels."""
    if workers == 1:
        return step["step"]
    maxima = exchange["maxima"]["messages"]
    stop = network.small(8, workers)
    # The maxima spread evenly over the backward pass, which they lengthen.
    stretch = 1 + maxima * stop / step["backward"]
    channel = 0.0
    for ready, size in step["sums"]:
        channel = max(channel, ready * stretch) + network.sum(size * share, workers)
    update = step["step"] - step["backward"]
    return (max(channel, step["backward"] * stretch) + update
            + network.small(exchange["totals"]["bytes"], workers))


def curve(options):
    """What is printed: the measured step, and a row for each number of workers."""
    step = measure(options.model, options.bits, options.images, options.steps)
    network = Network(options.latency * 1e-6, options.gigabits * 1e9 / 8)
    plan = Plan(options.model, options.bits, batch_size=options.images)
    exchange, rows = plan.exchange(2), []
    sent = sum(size for _, size in step["sums"])
    for workers in WORKERS:
        bits = narrow_bits(plan.scheme.bits.gradient, workers)
        share = bits * plan.network.count_weights() / (8 * sent)
        seconds = simulated(step, exchange, network, workers)
        rows.append({
            "workers": workers, "step_ms": 1000 * seconds,
            "images_per_second": workers * options.images / seconds,
            "efficiency": step["step"] / seconds,
            "narrow_efficiency": step["step"] / simulated(step, exchange, network, workers, share),
        })
    return {"model": options.model, "bits": options.bits, "images_per_worker": options.images,
            "latency_us": options.latency, "gigabits": options.gigabits, "bytes": sent,
            "messages": {kind: counts["messages"] for kind, counts in exchange.items()},
            "measured_ms": {"backward": 1000 * step["backward"], "step": 1000 * step["step"]},
            "rows": rows}


def show(report):
    """The table."""
    print("{model} {bits}, {images_per_worker} images a worker; {latency_us:g} us, {gigabits:g} "
          "Gbit/s; {bytes:,} bytes of gradients a step".format(**report))
    print("one worker, one thread: {backward:.1f} ms to the end of the backward pass, {step:.1f} "
          "ms in all".format(**report["measured_ms"]))
    print(f"{'workers':>8}{'ms a step':>11}{'images/s':>11}{'efficiency':>12}{'narrow':>9}")
    for row in report["rows"]:
        print(f"{row['workers']:8}{row['step_ms']:11.2f}{row['images_per_second']:11.0f}"
              f"{row['efficiency']:12.1%}{row['narrow_efficiency']:9.1%}")


def draw(report, path):
    """The curve as a picture, beside that of perfect scaling."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = report["rows"]
    workers = [row["workers"] for row in rows]
    first = rows[0]["images_per_second"]
    figure, axes = pyplot.subplots(figsize=(6, 4))
    axes.loglog(workers, [first * k for k in workers], "--", color="grey", label="perfect")
    axes.loglog(workers, [row["images_per_second"] for row in rows], "o-", label="exact sums")
    axes.loglog(workers, [first * row["narrow_efficiency"] * row["workers"] for row in rows], ":",
                label="narrow gradients")
    axes.set(xlabel="workers", ylabel="images a second",
             title="simulated: {model} {bits}, {images_per_worker} images a worker,\n"
                   "{latency_us:g} us, {gigabits:g} Gbit/s".format(**report))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vgg7")
    parser.add_argument("--bits", default="2888")
    parser.add_argument("--images", type=int, default=32, help="of one worker a step")
    parser.add_argument("--steps", type=int, default=3, help="measured; the quickest counts")
    parser.add_argument("--latency", type=float, default=20, help="microseconds")
    parser.add_argument("--gigabits", type=float, default=10, help="a second")
    parser.add_argument("--out", default=None, metavar="FILE.json",
                        help="the report; with matplotlib a picture beside it")
    options = parser.parse_args()
    if min(options.images, options.steps) < 1 or min(options.latency, options.gigabits) <= 0:
        parser.error("--images and --steps start at 1; --latency and --gigabits are above 0")
    report = curve(options)
    show(report)
    if options.out:
        out = Path(options.out)
        out.write_text(json.dumps(report, indent=2) + "\n")
        try:
            draw(report, out.with_suffix(".png"))
        except ImportError:
            print("no picture: pip install 'intflow[plots]'")


if __name__ == "__main__":
    main()
