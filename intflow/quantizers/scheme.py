"""A scheme: what a paper puts into the slots W, A, G and E of any model.

Layers call the slots and nothing else, so every model trains under every scheme. A scheme holds
no tensors and no step; it is a value made from `Bits`, a rounding for each slot and the source of
random numbers.
"""

from ..errors import UnknownNameError
from ..formats import Bits, Fixed, Rounding, parse_bits

WIDE = 32
WIDE_OPERAND = 16


def operand_bits(bits):
    """Width of a slot that feeds products: as asked, and 16 where 32 ("wide") was asked."""
    return WIDE_OPERAND if bits == WIDE else bits


class Scheme:
    """The slots. All arguments and results are `Tensor`s; `name` is the layer's, `spec` its input's.

    weight_format(name, fan_in), weight(kernels, parameter, address)   W: master -> product codes
    activation_format(name, spec), activation(kernels, x, fmt, address)  A: sums -> (codes, mask)
    error_format(), error(kernels, e, address)             E: wide error -> codes
    update(kernels, parameter, rate, seed, step)           G: gradient -> step taken by the master
    initial_weight(kernels, name, shape, fan_in, seed, index)  the master weight at step 0
    product_format(name, product)                          the sums of a layer
    bias_format(name, product), scale_format(name)         biases, multipliers of batch norms
    input_format()                                         codes of the images
    default_rate(), check_rate(rate), warnings()           what the command line offers and says

    address : random_streams.Address of the tensor; a slot that rounds stochastically draws by it.

    Attributes
    ----------
    formats : {"requantize_3": format, "conv2d_1.weight": format, ...}; what calibration chose, by
        layer or parameter. Empty where a scheme needs none.
    biases : whether layers keep their biases; WAGE's networks have none.
    batch_norm : what a batch norm is: "none" (left out), "folded" (into the weights right before
        it, an affine map where there are none), or "affine" (always an affine map).
    trained : roles of the parameters that `update` can train.
    converts : whether published fp32 weights can be read into it; see `published.py`.
    """

    name = None
    loss = "sse"
    optimizer = "sgd"
    roundings = {}
    default_bits = "2888"
    biases = False
    batch_norm = "none"
    trained = ("weight",)
    converts = False

    def __init__(self, bits, rounding=None, random=None):
        """Check the slots.

        Parameters
        ----------
        bits : Bits.
        rounding : {slot: Rounding or its name} for slots that shall not round as the paper does,
            of `roundings`.
        random : what STOCHASTIC draws from: None or device.random.Philox() for the engine's own
            stream, or a source with `draws(kernels, parameter, step)`, `draws_at(kernels, x,
            address)` and `bits`, such as device.random.Lfsr.

        Raises
        ------
        UnknownNameError : a slot or a rounding that is none.
        """
        self.bits = bits
        self.rounding = _roundings(self.roundings, rounding or {})
        self.random = random
        self.formats = {}

    @classmethod
    def parse(cls, bits, rounding=None, random=None):
        """The scheme at a Bits or any notation of it: "2888", "W2A8G8E8"; None for the paper's."""
        bits = bits or cls.default_bits
        return cls(bits if isinstance(bits, Bits) else parse_bits(bits), rounding, random)

    def take_step(self, kernels, parameter, update, scale, limit, seed, step):
        """master <- clip(master - d, -limit, limit), and update = d, by the rounding of slot G.

        scale : (p, q, rshift); d = gradient * p / (q * 2**rshift), rounded.
        update : s32 of the master's shape; overwritten.
        """
        arrays = parameter.master.codes, update, parameter.gradient.codes
        rounding = self.rounding["gradient"]
        if rounding is not Rounding.STOCHASTIC:
            kernels.rounded_update(*arrays, *scale, rounding, -limit, limit)
        elif self.random is None or self.random.kind == "philox":
            kernels.stochastic_update(
                *arrays, *scale, -limit, limit, seed, step, parameter.index
            )
        else:
            draws = self.random.draws(kernels, parameter, step)
            kernels.drawn_update(*arrays, *scale, -limit, limit, draws, self.random.bits)

    def operand(self, kernels, e, address=None):
        """An error on its way into a product: narrowed by E once more where layers widened it.

        Overlapping pools widen by a few bits, which products take; averages may widen beyond.
        """
        return e if e.format.bits <= WIDE_OPERAND else self.error(kernels, e, address)

    def bias_format(self, name, product):
        """Codes of a bias: 32 bits at the step of the product that it is added to.

        31 where the product has no more, so that the sum stays in 32.
        """
        bits = 31 if product.bits <= 31 else 32
        return self.formats.get(f"{name}.bias", Fixed(bits, product.frac_bits, symmetric=True))

    def product_format(self, name, product):
        """Format of a layer's sums: as proven from formats, or better, from weights at hand."""
        return self.formats.get(f"{name}.product", product)

    def scale_format(self, name):
        """Codes of the multipliers of a batch norm, one step for the layer."""
        return self.formats.get(f"{name}.scale", Fixed(16, 14, symmetric=True))

    def warnings(self):
        """Combinations known to fail, one sentence each."""
        return []


def _roundings(defaults, given):
    """{slot: Rounding}: the defaults, where nothing else is given."""
    for slot in given:
        if slot not in defaults:
            raise UnknownNameError("rounding slot", slot, defaults)
    return {slot: Rounding.parse(given.get(slot, paper)) for slot, paper in defaults.items()}
