"""A small net with every layer, and its trainer."""

from intflow import Trainer
from intflow.layers import (
    AvgPool2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential,
)


def every_layer():
    """Each kind of layer at least once; 1x12x12 images, 10 classes."""
    return Sequential(
        Conv2d(8, 3, padding="same"), MaxPool2d(3, 2, 1), ReLU(), Requantize(),
        Residual(Conv2d(8, 3, padding=1, groups=2), ReLU(), Requantize(),
                 Conv2d(8, 3, padding=2, dilation=2)), Requantize(),
        Concatenate(Conv2d(6, 3, stride=2, padding=1),
                    [AvgPool2d(2), Requantize(), Conv2d(5, 1)]), ReLU(), Requantize(),
        AvgPool2d(), ReLU(), Flatten(), Linear(10),         # a ReLU that stands alone
    )


def trainer_of(layers, bits="2888", loss="sse", backend="auto", batch_size=4, threads=2):
    """A Trainer of `layers` on images (1, 12, 12)."""
    return Trainer(layers, bits, input_shape=(1, 12, 12), loss=loss, backend=backend,
                   batch_size=batch_size, threads=threads, seed=5)


def plant(trainer, name, function):
    """Put a function in a kernel's place. Kernels of a file come together, so have them come first."""
    assert getattr(trainer.kernels, name)
    setattr(trainer.kernels, name, function)
