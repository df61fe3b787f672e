"""A batch norm behind every product, for schemes whose products have no scale of their own."""

from .batch_norm2d import BatchNorm2d
from .max_pool2d import MaxPool2d
from .requantize import Requantize
from .sequential import Sequential
from .weighted import Weighted


def normalise(layers):
    """Complete a network in place: product, [pool], batch norm, as QNN has it.

    A batch norm that stands where a product and its pool end stays; a Requantize at the very end,
    which would leave one bit of every output, goes.

    layers : Sequential, not built before.
    """
    if layers.layers and isinstance(layers.layers[-1], Requantize):
        layers.layers.pop()
    for layer in [layer for layer in layers.walk() if isinstance(layer, Sequential)]:
        layer.layers[:] = _completed(layer.layers)


def _completed(layers):
    complete, lacks = [], False
    for layer in layers:
        if lacks and not isinstance(layer, (BatchNorm2d, MaxPool2d)):
            complete.append(BatchNorm2d())
            lacks = False
        complete.append(layer)
        lacks = isinstance(layer, Weighted) or (lacks and not isinstance(layer, BatchNorm2d))
    return complete + [BatchNorm2d()] * lacks
