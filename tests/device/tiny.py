"""A small net with every kind of layer, and its trace."""

import numpy as np

from intflow import Trainer
from intflow.device.trace import write_head, write_step
from intflow.device.trace_files import create
from intflow.layers import (
    AvgPool2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual,
    Sequential,
)

STEPS = 2


def net():
    return Sequential(
        Conv2d(4, 3, padding="same"), MaxPool2d(3, 2), ReLU(), Requantize(),
        Residual(Conv2d(4, 3, padding=1, groups=2), shortcut=Conv2d(4, 1)), ReLU(), Requantize(),
        Concatenate([Conv2d(2, 1), Sequential(ReLU(), Requantize())], [Requantize()]),
        AvgPool2d(), Flatten(), Linear(5),
    )


def trainer():
    return Trainer(net(), input_shape=(2, 8, 7), seed=7, batch_size=3, threads=1)


def batch(step):
    random = np.random.default_rng(step)
    return random.integers(0, 256, (3, 2, 8, 7), np.uint8), random.integers(0, 5, 3)


def write_trace(path):
    """Trace STEPS steps; returns (trainer after them, its recorders)."""
    stepped, recorders = trainer(), []
    with create(path) as file:
        for step in range(STEPS):
            rate = stepped.rate
            recorders.append(stepped.step(*batch(step), record=True).recorder)
            write_step(file, stepped.network, recorders[-1], step, rate)
        write_head(file, digest=stepped.digest())
    return stepped, recorders
