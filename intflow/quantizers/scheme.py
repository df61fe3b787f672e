"""A scheme: what a paper puts into the slots W, A, G and E of any model.

Layers call the slots and nothing else, so every model trains under every scheme. A scheme holds
no tensors and no step; it is a value made from `Bits`, a rounding for each slot and the source of
random numbers.
"""

from ..errors import UnknownNameError
from ..formats import Rounding

WIDE = 32
WIDE_OPERAND = 16


def operand_bits(bits):
    """Width of a slot that feeds products: as asked, and 16 where 32 ("wide") was asked."""
    return WIDE_OPERAND if bits == WIDE else bits


class Scheme:
    """The slots. All formats are `Fixed`; all arguments and results are `Tensor`s.

    weight_format(fan_in), weight(kernels, parameter, address)       W: master -> codes of products
    activation_format(), activation(kernels, x, fmt, address)        A: accumulator -> (codes, mask)
    error_format(), error(kernels, e, address)                       E: wide error -> codes
    update(kernels, parameter, rate, seed, step)           G: gradient -> step taken by the master
    initial_weight(kernels, shape, fan_in, seed, index)    the master weight at step 0
    input_format()                                         codes of the images
    default_rate(), check_rate(rate), warnings()           what the command line offers and says

    address : random_streams.Address of the tensor; a slot that rounds stochastically draws by it.
    """

    name = None
    loss = "sse"
    optimizer = "sgd"
    roundings = {}

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

    def warnings(self):
        """Combinations known to fail, one sentence each."""
        return []


def _roundings(defaults, given):
    """{slot: Rounding}: the defaults, where nothing else is given."""
    for slot in given:
        if slot not in defaults:
            raise UnknownNameError("rounding slot", slot, defaults)
    return {slot: Rounding.parse(given.get(slot, paper)) for slot, paper in defaults.items()}
