"""The compute cost of WRPN: multiply-accumulates weighted by the bits of their operands.

One measure for networks of any width and precision: a layer that multiplies a-bit activations by
w-bit weights M times in its forward pass costs M * (a + w). In fp32 that is 64 a
multiply-accumulate.
"""

from .places import places, weighted_layers


def compute_cost(network, bits=None):
    """Cost of one image.  [WRPN cost]

    Parameters
    ----------
    network : training.Network
    bits : (activation bits, weight bits) of every layer; None takes those of the network's formats.

    Returns
    -------
    int; padding is counted, as in the paper.

    Examples
    --------
    AlexNet in two groups has 0.724 G multiply-accumulates: 46.4e9 with (32, 32).
    """
    found = places(network)

    def width(layer):
        return sum(bits) if bits else found[layer][0].format.bits + layer.weight_format.bits

    return sum(layer.multiplications * width(layer) for layer in weighted_layers(network))
