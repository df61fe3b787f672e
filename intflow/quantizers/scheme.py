"""A scheme: what a paper puts into the slots W, A, G and E of any model.

Layers call the slots and nothing else, so every model trains under every scheme. A scheme holds
no tensors and no step; it is a value made from `Bits`, a rounding for each slot and the source of
random numbers.
"""

from fractions import Fraction

from ..errors import UnknownNameError, UsageError
from ..formats import Bits, Fixed, Rounding, parse_bits
from .options import chosen, format_options

WIDE = 32
WIDE_OPERAND = 16


def operand_bits(bits):
    """Width of a slot that feeds products: as asked, and 16 where 32 ("wide") was asked."""
    return WIDE_OPERAND if bits == WIDE else bits


def plain_shift(slot):
    """Mark a slot that is `ops.requantize_masked` (A) or `ops.requantize_by_maximum` at the bits of
    `error_format` (E), by its rounding, and nothing else: kernels may fuse it with their products.

    A subclass that overrides the slot is not marked, unless it says so again.
    """
    slot.is_plain_shift = True
    return slot


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
        it, an affine map where there are none), or one of layers/norms: "affine" (always an affine
        map), "integer" or "shift" (statistics of the batch).
    statistics_momentum : Fraction; part of the way that running statistics go in a step.
    trained : roles of the parameters that `update`, or the optimiser, can train.
    momentum, weight_decay : Fractions; the defaults of an optimiser that has them.
    normalises : whether every product gets a batch norm, see layers/normalise.py.
    rectifies : whether a ReLU is one; where not it is left out, and slot A cuts on both sides.
    exact_pixels : whether images are encoded as they are, see data/encode.py.
    fixed : roles of the parameters that a training leaves as they are.
    converts : whether published fp32 weights can be read into it; see `published.py`.
    tunes : whether what was read so can be trained; it then trains nothing else.
    is_recurrent : whether it is for recurrent nets, and for nothing else.
    options : {name: (default, other value, ...)}, texts; what a user may choose besides bits.
    option : {name: value}; what was chosen, of every option.
    """

    name = None
    loss = "sse"
    optimizer = "sgd"
    roundings = {}
    default_bits = "2888"
    biases = False
    batch_norm = "none"
    statistics_momentum = Fraction(1, 8)
    momentum = Fraction(7, 8)
    weight_decay = Fraction(0)
    trained = ("weight",)
    fixed = ()
    normalises = False
    rectifies = True
    exact_pixels = False
    converts = tunes = is_recurrent = False
    options = {}

    def __init__(self, bits, rounding=None, random=None, options=None):
        """Check the slots.

        Parameters
        ----------
        bits : Bits.
        rounding : {slot: Rounding or its name} for slots that shall not round as the paper does,
            of `roundings`.
        random : what STOCHASTIC draws from: None or device.random.Philox() for the engine's own
            stream, or a source with `draws(kernels, parameter, step)`, `draws_at(kernels, x,
            address)` and `bits`, such as device.random.Lfsr.
        options : {name: value} of the scheme's `options`, or the text "name=value,...".

        Raises
        ------
        UnknownNameError : a slot or a rounding that is none. UsageError : an option that is none.
        """
        self.bits = bits
        self.option = chosen(self.name, self.options, options)
        self.rounding = _roundings(self.roundings, rounding or {})
        self.random = random
        self.formats = {}

    @classmethod
    def parse(cls, bits, rounding=None, random=None, options=None):
        """The scheme at a Bits or any notation of it: "2888", "W2A8G8E8"; None for the paper's."""
        bits = bits or cls.default_bits
        bits = bits if isinstance(bits, Bits) else parse_bits(bits)
        return cls(bits, rounding, random, options)

    def shifts(self, slots):
        """Whether these slots ("activation", "error") are deterministic `plain_shift`s."""
        return all(getattr(getattr(self, slot), "is_plain_shift", False)
                   and self.rounding[slot] is not Rounding.STOCHASTIC for slot in slots)

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

    def expect_recurrent(self, name):
        """UsageError where a scheme has no arithmetic for recurrent layers."""
        raise UsageError(f"{name}: this scheme, {self.name}, trains no recurrent nets; use --scheme "
                         "qnn, or make_scheme(\"qnn\", bits, recurrent=True)")

    def survey(self, layers):
        """Look at a whole network, named and not yet built: for rules that go by a layer's place."""

    def factor_format(self, layer, spec):
        """Format of a multiplier a channel for the sums of `layer`, which reads `spec`; or None.

        For weights or activations whose steps are no powers of two, and for filters with a scale.
        """
        return None

    def factors(self, kernels, layer):
        """The multipliers themselves, a Tensor C."""
        raise NotImplementedError

    def master_limit(self, parameter):
        """Largest code that an optimiser may leave in a parameter."""
        return parameter.master.format.maximum

    def rate_factor(self, parameter):
        """The learning rate of a parameter is this times the network's; a short Fraction."""
        return Fraction(1)

    def gradient(self, kernels, parameter, address):
        """What an optimiser with a state of its own takes for the gradient of a parameter."""
        return parameter.gradient

    def operand(self, kernels, e, address=None):
        """An error on its way into a product: narrowed by E once more where layers widened it.

        Overlapping pools widen by a few bits, which products take; averages may widen beyond.
        """
        return e if e.format.bits <= WIDE_OPERAND else self.error(kernels, e, address)

    def evaluated(self, kernels, x, fmt, address=None):
        """Slot A of an evaluation."""
        return self.activation(kernels, x, fmt, address)

    def activation_error(self, kernels, e, address=None):
        """An error on its way back through slot A."""
        return self.error(kernels, e, address)

    def shortened(self, kernels, e, address=None):
        """An error with more bits than a layer takes; as it came where a scheme refuses that."""
        return e

    def options_text(self):
        """The options that differ from the defaults, "name=value,..."."""
        return format_options({name: value for name, value in self.option.items()
                               if value != self.options[name][0]})

    def loss_for(self, loss):
        """The loss of a network whose paper took `loss`."""
        return loss

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

    def recipe(self, entry, epochs=None):
        """How a model is trained where the user does not say.

        entry : models.Model. epochs : how many there will be, where the user says; a schedule of
        fixed epochs ignores it. Returns {"lr", "schedule", "epochs", "batch_size"}; a schedule is a
        text, see training/schedule.py.
        """
        rate = self.default_rate() / entry.rate_divisor         # edge: a Fraction, exact
        steps = [(epoch, rate / by) for epoch, by in entry.schedule]    # edge: Fractions, exact
        return {"lr": rate, "schedule": ",".join(f"{epoch}:{step}" for epoch, step in steps),
                "epochs": entry.epochs, "batch_size": entry.batch_size}

    def warnings(self):
        """Combinations known to fail, one sentence each."""
        return []


def _roundings(defaults, given):
    """{slot: Rounding}: the defaults, where nothing else is given."""
    for slot in given:
        if slot not in defaults:
            raise UnknownNameError("rounding slot", slot, defaults)
    return {slot: Rounding.parse(given.get(slot, paper)) for slot, paper in defaults.items()}
