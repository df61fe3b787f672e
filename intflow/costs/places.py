"""Where every layer of a built network stands: the Specs before and behind it."""

from ..layers import Embedding, Sequential
from ..layers.weighted import Weighted


def places(network):
    """{layer: (Spec of its input, Spec of its output)} for all layers, those inside others too."""
    noted = {layer: spec for layer, spec in network.specs}
    found = {}

    def place(layer, spec):
        before = spec
        for child in layer.children():
            behind = place(child, layer.entering.get(child, spec))
            spec = behind if isinstance(layer, Sequential) else spec
        found[layer] = before, spec if isinstance(layer, Sequential) else noted[layer]
        return found[layer][1]

    place(network.layers, network.input)
    return found


def weighted_layers(network):
    """The layers with products, in order."""
    return [layer for layer in network.layers.walk() if isinstance(layer, Weighted)]


def trained_layers(network):
    """The layers with weights, in order."""
    return [layer for layer in network.layers.walk() if isinstance(layer, (Weighted, Embedding))]


def rows(network, images):
    """Rows of a batch: images, or all tokens of a text's windows."""
    return images * network.input.steps
