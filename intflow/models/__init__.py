"""Models: a name, a list of layers, and how its paper trains it. One line each in `MODELS`."""

from dataclasses import dataclass

from ..errors import RangeError, UnknownNameError
from . import zoo


@dataclass(frozen=True)
class Model:
    """A network and its paper's recipe.

    layers : function (classes, width) -> Sequential
    input_shape : (C, H, W) the paper uses; data of other sizes is taken as it comes, unless
        `fixed_size` says that images are brought to this size.
    schedule : ((epochs done, divisor of the learning rate), ...)
    rate_divisor : the scheme's default rate is divided by this.
    """

    layers: object
    input_shape: tuple
    loss: str = "sse"
    epochs: int = 300
    batch_size: int = 128
    schedule: tuple = ((200, 8), (250, 64))
    rate_divisor: int = 1
    fixed_size: bool = False


MODELS = {
    "mlp": Model(zoo.mlp, (1, 28, 28)),
    "lenet": Model(zoo.lenet, (1, 28, 28)),
    "vgg7": Model(zoo.vgg7, (3, 32, 32)),
    "svhn": Model(zoo.svhn, (3, 32, 32), epochs=40, schedule=((27, 8), (34, 64))),
    "alexnet": Model(
        zoo.alexnet, (3, 224, 224), loss="softmax", epochs=70, batch_size=64,
        schedule=((60, 8), (65, 64)), rate_divisor=2, fixed_size=True,
    ),
}


def find_model(name):
    """The entry of `MODELS`, or UnknownNameError with the near names."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


def make_layers(name, classes, width=1):
    """The layers of a named model, not yet built."""
    if not 0 < width <= 16:
        raise RangeError(f"width must be above 0 and at most 16, got {width}")
    if classes < 1:
        raise RangeError(f"a model needs at least one class, got {classes}")
    return find_model(name).layers(classes, width)


__all__ = ["MODELS", "Model", "find_model", "make_layers"]
