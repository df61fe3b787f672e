"""In which order the tensors of a step are narrowed: asked of the layers themselves.

A source of random numbers that is one long sequence (a shift register) has to know what draws before
a tensor. A step of one image of zeros tells, whatever the layers are: the order does not depend on
the codes, nor do the sizes.
"""

from copy import copy

import numpy as np

from ..formats import Rounding, Tensor
from ..layers import Run
from ..ops import Products

LOSS = 0


def find_turns(network):
    """{"weight", "activation", "error": [(layer's number, elements in a full batch)]}, in order.

    Changes nothing: gradients of an earlier step stay.
    """
    scheme, gradients = copy(network.scheme), [p.gradient for p in network.parameters]
    scheme.rounding = dict.fromkeys(scheme.rounding, Rounding.FLOOR)      # so that nothing draws
    turns = Turns(network)
    run = Run(network.kernels, scheme, Products(network.kernels), recorder=turns)
    y, saved = network.layers.forward(_zeros(network.input_shape, scheme.input_format()), run)
    turns.add("error", LOSS, y.codes.size)
    e = _zeros(network.output.shape, scheme.error_format())
    network.layers.backward(e, saved, run)
    for parameter, gradient in zip(network.parameters, gradients):
        parameter.gradient = gradient
    return turns.taken


class Turns:
    """A recorder that notes which tensors come out of a slot."""

    def __init__(self, network):
        self.images = network.batch_size
        self.taken = {"weight": [], "activation": [], "error": []}

    def record(self, layer, tensors):
        """Note what of a layer's tensors stands right behind a slot."""
        if "weight_q" in tensors:
            self.taken["weight"].append((layer.number, tensors["weight_q"].codes.size))
        if layer.kind == "requantize" and "output" in tensors:
            self.add("activation", layer.number, tensors["output"].codes.size)
        if layer.kind == "requantize" and "error_out" in tensors:
            self.add("error", layer.number, tensors["error_out"].codes.size)
        if "error_q" in tensors:
            self.add("error", layer.number, tensors["error_q"].codes.size)

    def add(self, purpose, number, size):
        """`size` elements an image."""
        self.taken[purpose].append((number, size * self.images))


def _zeros(shape, fmt):
    """One image of zeros as a Tensor in memory layout."""
    axes = "HWNC" if len(shape) == 3 else "NC"
    sizes = (*shape[1:], 1, shape[0]) if len(shape) == 3 else (1, *shape)
    return Tensor(np.zeros(sizes, fmt.dtype), fmt, axes)
