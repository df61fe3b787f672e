"""The compute cost of WRPN: multiply-accumulates weighted by the bits of their operands.

One measure for networks of any width and precision: a layer that multiplies a-bit activations by
w-bit weights M times in its forward pass costs M * (a + w). In fp32 that is 64 a multiply-accumulate.
"""

from .layers import is_weighted

FLOAT_BITS = 64


def forward_macs(network):
    """[(layer, multiply-accumulates of an image's forward pass)], padding included."""
    return [(layer, layer.multiplications) for layer in network.layers.walk() if is_weighted(layer)]


def compute_cost(network, activation_bits, weight_bits):
    """Cost of one image with these bits in every layer.  [WRPN cost]

    Examples
    --------
    AlexNet in two groups has 0.724 G multiply-accumulates: 46.4e9 at 32 and 32 bits.
    """
    return sum(macs for _, macs in forward_macs(network)) * (activation_bits + weight_bits)


def cost_in_floats(network):
    """The same network in fp32: 64 a multiply-accumulate."""
    return compute_cost(network, 32, 32)
