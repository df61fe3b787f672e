"""Layers: one file each, forward and backward on one screen.

`LAYERS` is the one table: tests, tables and traces walk it.
"""

from .avg_pool2d import AvgPool2d
from .batch_norm2d import BatchNorm2d
from .concatenate import Concatenate
from .conv2d import Conv2d
from .dropout import Dropout
from .embedding import Embedding
from .flatten import Flatten
from .gru import Gru
from .layer import Build, Layer, Parameter, Run, Spec, named
from .linear import Linear
from .local_response_norm import LocalResponseNorm
from .lstm import Lstm
from .max_pool2d import MaxPool2d
from .recurrent import Recurrent
from .relu import ReLU
from .requantize import Requantize
from .residual import Residual
from .rnn import Rnn
from .sequential import Sequential
from .subsample import Subsample

LAYERS = {
    layer.kind: layer
    for layer in (
        Conv2d, Linear, MaxPool2d, AvgPool2d, ReLU, Flatten, Requantize,
        Sequential, Residual, Concatenate, BatchNorm2d, LocalResponseNorm, Subsample,
        Dropout, Embedding, Rnn, Lstm, Gru,
    )
}



def is_recurrent(layers):
    """Whether a network has layers that walk through time."""
    return any(isinstance(layer, (Embedding, Recurrent)) for layer in layers.walk())


__all__ = [layer.__name__ for layer in LAYERS.values()] + [
    "Build", "Layer", "LAYERS", "Recurrent", "is_recurrent", "Parameter", "Run", "Spec", "named",
]
