"""A scheme: what a paper puts into the slots W, A, G and E of any model.

Layers call the slots and nothing else, so every model trains under every scheme. A scheme holds
no tensors and no step; it is a value made from `Bits`.
"""

WIDE = 32
WIDE_OPERAND = 16


def operand_bits(bits):
    """Width of a slot that feeds products: as asked, and 16 where 32 ("wide") was asked."""
    return WIDE_OPERAND if bits == WIDE else bits


class Scheme:
    """The slots. All formats are `Fixed`; all arguments and results are `Tensor`s.

    weight_format(fan_in), weight(kernels, parameter)      W: master weight -> codes of the products
    activation_format(), activation(kernels, x, fmt)       A: accumulator -> (codes, mask)
    error_format(), error(kernels, e)                      E: wide error -> codes
    update(kernels, parameter, rate, seed, step)           G: gradient -> step taken by the master
    initial_weight(kernels, shape, fan_in, seed, index)    the master weight at step 0
    input_format()                                         codes of the images
    default_rate(), check_rate(rate), warnings()           what the command line offers and says
    """

    name = None
    loss = "sse"
    optimizer = "sgd"

    def __init__(self, bits):
        self.bits = bits

    def operand(self, kernels, e):
        """An error on its way into a product: narrowed by E once more where layers widened it.

        Overlapping pools widen by a few bits, which products take; averages may widen beyond.
        """
        return e if e.format.bits <= WIDE_OPERAND else self.error(kernels, e)

    def warnings(self):
        """Combinations known to fail, one sentence each."""
        return []
