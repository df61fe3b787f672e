"""Small published networks, made by the tests: files of weights for real and for tiny models."""

from fractions import Fraction

import numpy as np

from intflow.data import Preprocessing
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Flatten, Linear, ReLU, Requantize, Residual,
    Sequential, named,
)
from intflow.models import MODELS, Model, make_layers
from intflow.pretrained.match import expected
from intflow.quantizers import make_scheme
from intflow.training import Network

GREY = Preprocessing(mean=(0, 0, 0), std=(Fraction(1, 255),) * 3)     # the network sees 0 .. 255


def exact(classes, width=1):
    """Convolution, batch norm, a block with a sum, a classifier: 4 x 4 pixels."""
    return Sequential(
        named("conv", Conv2d(3, 1)), named("bn", BatchNorm2d(0)), ReLU(), Requantize(),
        Residual(Requantize(), named("body", Conv2d(3, 1, bias=True))), ReLU(), Requantize(),
        AvgPool2d(guard_bits=6), Requantize(), Flatten(), named("fc", Linear(classes, bias=True)),
    )


def branches(classes, width=1):
    """No batch norm; two branches side by side, a padded one among them."""
    return Sequential(
        named("stem", Conv2d(4, 3, stride=2, padding=1, bias=True)), ReLU(), Requantize(),
        Concatenate(named("a", Conv2d(3, 1, bias=True)), named("b", Conv2d(3, 3, padding=1, bias=True))),
        ReLU(), Requantize(), named("last", Conv2d(classes, 1, bias=True)), ReLU(), AvgPool2d(), Flatten(),
    )


EXACT = Model(exact, (3, 4, 4), preprocessing=GREY)
BRANCHES = Model(branches, (3, 8, 8), preprocessing=Preprocessing(
    mean=("0.485", "0.456", "0.406"), std=("0.229", "0.224", "0.225")))


def plan(model, classes, width=1):
    """The network without kernels, whose layers know the shapes of their tensors."""
    entry = MODELS[model]
    layers = make_layers(model, classes, width)
    return Network(layers, entry.input_shape, make_scheme("float-weight", "e4m3,8"), None, 1, 1)


def random_weights(model, classes=10, width=1, seed=0):
    """{name: float32 array} of a model: weights of He's spread, batch norms near the identity."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in plan(model, classes, width).layers.walk():
        if layer.source is None:
            continue
        for role, (suffix, shape) in expected(layer).items():
            spread = (2 / np.prod(shape[1:])) ** 0.5 if role == "weight" else 0.1
            values = random.normal(0, spread, shape)
            if role in ("gamma", "variance"):
                values = np.exp(values)
            tensors[f"{layer.source}.{suffix}"] = values.astype(np.float32)
    return tensors


def images(count, shape, seed=0):
    """u8 (N, C, H, W)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype(np.uint8)
