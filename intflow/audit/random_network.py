"""A published network with random weights, since what is audited is how it computes."""

from math import prod

import numpy as np

from ..data.resize import to_size, with_channels
from ..device.device import Device
from ..kernels import load
from ..models import find_model, make_layers
from ..pretrained.convert import convert, require_published
from ..pretrained.match import expected
from ..quantizers import make_scheme
from ..training.network import Network
from ..training.trainer import scheme_on
from .step import raw_images

ONES = {"gamma", "variance"}        # of a batch norm; its other vectors and biases are zeros
CLASSES = 10


def random_network(model, scheme, bits=None, width=1, backend="auto", threads=None, batch_size=4,
                   device=None, loss=None, seed=1, options=None):
    """A Trainer of `model` under a scheme that converts, its weights as if initialised (He); one that
    trains where the scheme trains what it converts.

    Raises
    ------
    UsageError : a model without published weights.
    """
    device = None if device is None else Device.read(device)
    scheme = scheme_on(device, scheme, bits, options)
    require_published(model, scheme)
    kernels = load(backend, threads)
    channels, *size = find_model(model).input_shape
    images = np.ascontiguousarray(
        with_channels(to_size(raw_images(batch_size), tuple(size), kernels), channels))
    return convert(model, random_weights(model, width, seed), scheme, images, kernels=kernels,
                   width=width, batch_size=batch_size, trains=scheme.tunes, seed=seed,
                   device=device)


def random_weights(model, width, seed):
    """{published name: float32 array} of all tensors that a model asks for."""
    layers = make_layers(model, CLASSES, width)
    shape = find_model(model).input_shape
    Network(layers, shape, make_scheme("wage", None), None, seed, 1)
    generator = np.random.default_rng(seed)
    tensors = {}
    for layer in layers.walk():
        if layer.source is None:
            continue
        for role, (suffix, shape) in expected(layer).items():
            if role == "weight":
                values = generator.standard_normal(shape) * (2 / prod(shape[1:])) ** 0.5
            else:
                values = np.full(shape, role in ONES)
            tensors[f"{layer.source}.{suffix}"] = values.astype(np.float32)
    return tensors
