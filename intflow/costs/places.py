"""Where every layer of a built network stands: the Specs before and behind it."""

from ..layers import Sequential, Spec
from ..layers.weighted import Weighted


def places(network):
    """{layer: (Spec of its input, Spec of its output)} for all layers, those inside others too."""
    noted = {layer: spec for layer, spec in network.specs}
    found = {}

    def place(layer, spec):
        before = spec
        for child in layer.children():
            behind = place(child, spec)
            spec = behind if isinstance(layer, Sequential) else spec
        found[layer] = before, spec if isinstance(layer, Sequential) else noted[layer]
        return found[layer][1]

    place(network.layers, Spec(network.input_shape, network.scheme.input_format(), True))
    return found


def weighted_layers(network):
    """The layers with products, in order."""
    return [layer for layer in network.layers.walk() if isinstance(layer, Weighted)]
