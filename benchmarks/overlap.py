"""Shows that sums of gradients travel while the backward pass goes on.

    mpiexec -n 2 python benchmarks/overlap.py --model vgg7 --images 64

Worker 0 prints, for one step, when each layer's gradient was there, when its sum over the workers
was done, and when the backward pass ended and began to wait; milliseconds from the first gradient.
Wall clock: on a machine with other work the figures show that, too.
"""

import argparse

import numpy as np

from intflow import Trainer
from intflow.models import find_model
from intflow.parallel import find_group


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vgg7")
    parser.add_argument("--images", type=int, default=64, help="of the whole batch")
    parser.add_argument("--steps", type=int, default=3, help="the last one is shown")
    options = parser.parse_args()
    group, shape = find_group("mpi"), find_model(options.model).input_shape
    trainer = Trainer(options.model, "2888", batch_size=options.images, group=group)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (options.images, *shape), np.uint8)
    labels = random.integers(0, 10, options.images)
    for _ in range(options.steps):
        trainer.step(images, labels)
    if group.rank == 0:
        show(trainer, group.pump)


def show(trainer, pump):
    """The table of the last step."""
    names = [p.name for p in reversed(trainer.network.parameters)]
    zero = pump.spans[0][0]
    print(f"{'gradient':20}{'bytes':>12}{'there':>10}{'done':>10}")
    for name, (started, done, size) in zip(names, pump.spans):
        print(f"{name:20}{size:12,}{1000 * (started - zero):10.2f}{1000 * (done - zero):10.2f}")
    waited = sum(done > pump.needed for _, done, _ in pump.spans)
    print(f"end of the backward pass: {1000 * (pump.needed - zero):.2f} ms; {waited} of "
          f"{len(pump.spans)} sums still under way then")


if __name__ == "__main__":
    main()
