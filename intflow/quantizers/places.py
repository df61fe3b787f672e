"""What a scheme treats apart: both ends of a network, and the sums of residual blocks.

Lingo: the *place* of a tensor is INNER, END (what the first or the last layer with weights
multiplies), or TRUNK (the sum of a residual block, behind its ReLU).
"""

from ..errors import UsageError

INNER, END, TRUNK = "inner", "end", "trunk"


def places_of(layers):
    """{layer name: END or TRUNK} of the layers that are not INNER.

    layers : a named network, built or not.

    A residual sum is what a Requantize narrows behind a block, or what the next block adds to.
    """
    walked = list(layers.walk())
    weighted = [i for i, layer in enumerate(walked) if layer.kind in ("conv2d", "linear")]
    if not weighted:
        raise UsageError("this model has no layer with weights to read; choose another")
    lists = [layer.layers for layer in walked if layer.kind == "sequential"]
    trunks = [layer for layers in lists for layer in _sums(layers)]
    before = [layer for layer in walked[:weighted[-1]] if layer.kind == "requantize"]
    ends = [walked[weighted[0]], walked[weighted[-1]], *before[-1:]]
    return {**{layer.name: TRUNK for layer in trunks}, **{layer.name: END for layer in ends}}


def _sums(layers):
    """The Requantize layers of a list that hold a residual sum."""
    behind = False
    for layer, following in zip(layers, [*layers[1:], None]):
        if layer.kind == "requantize":
            if behind or (following and following.kind == "residual"):
                yield layer
        behind = layer.kind == "residual" or (behind and layer.kind == "relu")
