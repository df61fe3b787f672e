"""What every layer is: built once from a Spec, then stepped forwards and backwards.

`forward(x, run)` returns (y, saved); `backward(e, saved, run)` takes the error at y and returns the
error at x. A layer holds its parameters and nothing about a step: what backward needs travels in
`saved`, what both need of the outside (kernels, scheme, recorder) in `run`.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from .. import ops
from ..errors import FormatError, RangeError, ShapeError, UsageError
from ..formats import BitMask, Tensor
from ..group import ALONE
from ..random_streams import Address

VECTORS = 1 << 31
STATISTICS = "mean", "variance"
STATE = "state"


@dataclass(frozen=True)
class Spec:
    """What is known of a tensor before training: shape of one image, and format.

    shape : (C, H, W) or (C,)
    format : Fixed
    is_input : the images themselves; nobody needs an error at them.
    nonnegative : no code is below zero, as behind a ReLU.
    steps : time steps of a text's window. Each is a row of its own: rows of a tensor are all streams
        of the first step, then all of the second, and (C,) is the shape of a row.
    """

    shape: tuple
    format: object
    is_input: bool = False
    nonnegative: bool = False
    steps: int = 1


@dataclass
class Parameter:
    """A tensor that a layer keeps: trained, or read from a file.

    name : the layer's and the role's: "conv2d_1.weight", "linear_1.bias".
    master : Tensor; stored codes, updated in place; axes HWIO or IO, C for one code a channel.
    fan_in : int; inputs of one output.
    index : int; number of the tensor in the random stream: weights count from 0 in order of the
        layers, vectors of one code a channel from VECTORS.
    role : "weight", "bias", "scale" (the multipliers of a batch norm), or what no optimiser moves:
        one of STATISTICS, the running "mean" and "variance"; STATE, what a recurrent layer carries
        from window to window of the training text.
    gradient, update : Tensor or None; of the latest step, kept for who wants to look.
    codes : Tensor or None; what products read, where nothing else is kept (`Network.compact`).
    keeps_update : whether somebody wants to look at the next update; each step says so.
    state : dict; integer arrays of the optimiser.
    peers : list of every Parameter of the network, this one too, in order: who draws random
        numbers from one register in turn counts their weights.
    """

    name: str
    master: Tensor
    fan_in: int
    index: int
    role: str = "weight"
    gradient: Tensor = None
    update: Tensor = None
    codes: Tensor = None
    keeps_update: bool = True
    state: dict = field(default_factory=dict)
    peers: list = field(default_factory=list, repr=False, compare=False)

    def keep(self, update, fmt):
        """Leave codes of an update, or nothing where they have no element."""
        self.update = Tensor(update, fmt, self.master.axes) if update.size else None

    def empty(self):
        """Forget the stored codes and all that training needs."""
        self.master = replace(self.master, codes=self.master.codes[:0].copy())
        self.state, self.gradient, self.update = {}, None, None


@dataclass
class Build:
    """What a layer may use while it is built."""

    scheme: object
    kernels: object
    seed: int
    batch_size: int
    parameters: list = field(default_factory=list)
    specs: list = field(default_factory=list)

    def note(self, layer, spec):
        """Remember the Spec of a layer's output, and pass it on."""
        self.specs.append((layer, spec))
        return spec

    def parameter(self, name, shape, fan_in):
        """A new weight of the layer `name`, initialised by the scheme; shape HWIO or IO."""
        index = sum(p.role == "weight" for p in self.parameters)
        master = self.scheme.initial_weight(self.kernels, name, shape, fan_in, self.seed, index)
        self.parameters.append(
            Parameter(f"{name}.weight", master, fan_in, index, peers=self.parameters)
        )
        return self.parameters[-1]

    def vector(self, name, role, channels, fmt, code=0):
        """A new vector of the layer `name`, `code` in every channel; `role` as in Parameter."""
        index = VECTORS + sum(p.role != "weight" for p in self.parameters)
        master = Tensor(np.full(channels, code, fmt.dtype), fmt, "C")
        self.parameters.append(Parameter(f"{name}.{role}", master, 1, index, role))
        return self.parameters[-1]

    def state(self, name, units, fmt):
        """A new STATE called `name`, zeros for every stream of the batch."""
        index = VECTORS + sum(p.role != "weight" for p in self.parameters)
        master = Tensor(np.zeros((self.batch_size, units), fmt.dtype), fmt, "NC")
        self.parameters.append(Parameter(name, master, 1, index, STATE))
        return self.parameters[-1]


@dataclass
class Run:
    """What a layer may use while it steps.

    seed, step, first, turns : of the random numbers, see `random_streams.Address`.
    keep : whether `backward` will come, and needs what `forward` saved: a training step.
    later : [(Parameter, codes)]; what becomes of parameters when the step is whole.
    group : who else holds images of the batch; see `group.Alone`.
    whole : images in the whole batch; None where these are all.
    streams : texts that a batch goes on with side by side; rows of a tensor a time step.
    carried : {name of a STATE: codes} of an evaluation that goes on from window to window; None in
        training, where the states themselves are carried.
    """

    kernels: object
    scheme: object
    products: object
    step: int = 0
    recorder: object = None
    saturated: dict = None
    keep: bool = True
    counting: object = None
    seed: int = 0
    first: int = 0
    turns: object = None
    group: object = ALONE
    whole: int = None
    later: list = field(default_factory=list)
    streams: int = 1
    carried: dict = None

    @property
    def compares(self):
        """Whether a batch norm and a sign are one comparison: where nobody looks between them."""
        return not self.keep and not self.watchers

    @property
    def watchers(self):
        """Who is shown every tensor: the recorder and the counters, where somebody asked for them."""
        return [w for w in (self.recorder, self.counting) if w is not None]

    def address(self, purpose, layer=None):
        """Where a tensor of a layer stands; without a layer, the error of the loss."""
        number = 0 if layer is None else layer.number
        source = self.scheme.random
        return Address(self.seed, purpose, self.step, number, self.first, source, self.turns,
                       self.group)

    def sum_gradient(self, gradient, a, b, pixels):
        """The gradient over the whole batch out of that over this worker's images.

        It is complete at the end of the backward pass and travels beside it until then.

        gradient : Tensor; sums of `pixels` products an image, of codes of the formats a and b.

        Raises
        ------
        FormatError : where 64 bits do not hold the sum over the whole batch.
        """
        if self.group.size == 1:
            return gradient
        bits = ops.bound_bits(a, b, pixels * self.whole)
        fmt = ops.accumulator(a, b, pixels * self.whole)
        return Tensor(self.group.start_sum(gradient.codes, bits), fmt, gradient.axes)

    def keep_later(self, parameter, codes):
        """Put codes into a parameter once the step is whole: an abandoned step changes nothing."""
        self.later.append((parameter, codes))

    def carried_into(self, state):
        """Codes (streams, C) of a STATE as the window before left them."""
        if self.carried is None:
            return state.master.codes
        zeros = np.zeros((self.streams, state.master.codes.shape[1]), state.master.codes.dtype)
        return self.carried.get(state.name, zeros)

    def carry(self, state, codes):
        """Leave a STATE to the next window."""
        if self.carried is None:
            self.keep_later(state, codes)
        else:
            self.carried[state.name] = codes

    def finish(self):
        """The end of a step: what was kept for later."""
        for parameter, codes in self.later:
            parameter.master.codes[...] = codes

    @property
    def fuses(self):
        """Whether layers may be run together: nobody looks between them or takes the place of the
        exact products, and the slots are plain shifts."""
        slots = ("activation", "error") if self.keep else ("activation",)
        exact = type(self.products) is ops.Products
        return exact and not self.watchers and self.scheme.shifts(slots)

    def count_saturated(self, layer, mask):
        """Note the share of values outside the range, where somebody asked for it."""
        if self.saturated is None and self.counting is None:
            return
        set_bits = mask.ones() if isinstance(mask, BitMask) else int(np.count_nonzero(mask))
        self.note_saturated(layer, mask.size - set_bits, mask.size)

    def note_saturated(self, layer, outside, size):
        """Note that so many of so many values lay outside the range."""
        self.report_saturated(layer, outside, size)
        if self.counting is not None:
            self.counting.count_saturated(layer, outside, size)

    def report_saturated(self, layer, outside, size):
        """Put the share of saturated values of a layer into the step's report."""
        if self.saturated is not None:
            sums = self.group.totals([outside, size])
            self.saturated[layer.name] = round(sums[0] / sums[1], 6)      # edge: a report

    def record(self, layer, **tensors):
        """Show tensors of a layer to the watchers."""
        for watcher in self.watchers:
            watcher.record(layer, tensors)

    def record_step(self, **tensors):
        """Show tensors of the whole step."""
        for watcher in self.watchers:
            watcher.record_step(tensors)

    def record_updates(self, network):
        """Show what the optimiser did; the end of the step."""
        for watcher in self.watchers:
            watcher.record_updates(network)


class Layer:
    """Base of all layers.

    kind : its name in traces and tables. name, number : given by the network, see `name_layers`.
    source : prefix of its tensors in a published file of weights, or None; see `named`.
    trains : whether it has a backward pass.
    is_identity : whether it gives what it is given; known once it is built.
    entering : {child: Spec} of children that read something else than the layer does.
    """

    kind = None
    name = None
    number = None
    source = None
    trains = True
    is_identity = False
    entering = {}

    def build(self, spec, build):
        """Check `spec`, make the parameters, return the Spec of the output."""
        raise NotImplementedError

    def forward(self, x, run):
        raise NotImplementedError

    def backward(self, e, saved, run):
        raise NotImplementedError

    def settings(self):
        """What the layer was built with, by name: for tables and traces."""
        return {}

    def children(self):
        """[(name, layer)] of the layers inside."""
        return []

    def walk(self):
        """This layer and all inside it, in the order of the forward pass."""
        yield self
        for child in self.children():
            yield from child.walk()

    def parameters(self):
        """The parameters of this layer alone."""
        return []

    def compact(self, run):
        """Forget what inference does not read, for good; run keeps nothing."""

    def prepare(self, before, build):
        """Look at the layer right before this one, or None, just before either is built."""

    def refuse_training(self):
        """Raise UsageError: this layer runs forwards only."""
        raise UsageError(
            f"{self.name or self.kind} has no backward pass here; train a model without it, or "
            "evaluate this one"
        )

    def refuse(self, expected, spec, cure):
        """Raise ShapeError in the house's form."""
        got = "(" + ", ".join(["N", *map(str, spec.shape)]) + ")"
        raise ShapeError(f"{self.name or self.kind} expects {expected}, got {got}; {cure}")

    def proven(self, function, *arguments):
        """function(*arguments), a format or width that it refuses told with this layer's name."""
        try:
            return function(*arguments)
        except (FormatError, RangeError) as error:
            raise type(error)(f"{self.name or self.kind}: {error}")

    def expect_pixels(self, spec):
        """(C, H, W), or an error that says what came."""
        if len(spec.shape) != 3:
            self.refuse("(N, C, H, W)", spec, "put it before Flatten")
        return spec.shape


def named(source, layer):
    """`layer`, told the prefix of its tensors in published files.

    Examples
    --------
    named("features.0", Conv2d(64, 3)) reads features.0.weight and features.0.bias.
    """
    layer.source = source
    return layer


def after(spec, shape=None, fmt=None):
    """The Spec behind a layer: shape or format changed, the rest as before."""
    return replace(spec, shape=shape or spec.shape, format=fmt or spec.format)
