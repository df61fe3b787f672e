"""Sizes of the products of a network, for counting and for other simulators."""

from ..kernels.geometry import geometry
from .places import places, rows, weighted_layers


def sizes_of(layer, before, after, images):
    """The Geometry of a Conv2d's or Linear's products.

    before, after : Specs of its input and output.
    """
    pixels = [(*s.shape[1:], images, s.shape[0]) if len(s.shape) == 3 else (1, 1, images, *s.shape)
              for s in (before, after)]
    taps = layer.weight.master.codes.shape
    return geometry(pixels[0], taps if len(taps) == 4 else (1, 1, *taps), pixels[1],
                    **layer.window.keywords())


def product_sizes(network, images, training):
    """[(layer name, pass, Geometry)] of all products, in the order of a step.

    training : whether there is a backward pass; nobody needs the error at the images.
    """
    found, layers = places(network), weighted_layers(network)
    sizes = {layer: sizes_of(layer, *found[layer], rows(network, images)) for layer in layers}
    listed = [(layer.name, "forward", sizes[layer]) for layer in layers]
    for layer in reversed(layers) if training else ():
        if not layer.is_first:
            listed.append((layer.name, "error", sizes[layer]))
        listed.append((layer.name, "gradient", sizes[layer]))
    return listed
