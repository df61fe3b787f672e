"""What every layer is: built once from a Spec, then stepped forwards and backwards.

`forward(x, run)` returns (y, saved); `backward(e, saved, run)` takes the error at y and returns the
error at x. A layer holds its parameters and nothing about a step: what backward needs travels in
`saved`, what both need of the outside (kernels, scheme, recorder) in `run`.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import FormatError, RangeError, ShapeError, UsageError
from ..formats import Tensor
from ..group import ALONE
from ..random_streams import Address


@dataclass(frozen=True)
class Spec:
    """What is known of a tensor before training: shape of one image, and format.

    shape : (C, H, W) or (C,)
    format : Fixed
    is_input : the images themselves; nobody needs an error at them.
    nonnegative : no code is below zero, as behind a ReLU.
    """

    shape: tuple
    format: object
    is_input: bool = False
    nonnegative: bool = False


@dataclass
class Parameter:
    """A tensor that a layer keeps: trained, or read from a file.

    name : the layer's and the role's: "conv2d_1.weight", "linear_1.bias".
    master : Tensor; stored codes, updated in place; axes HWIO or IO, C for one code a channel.
    fan_in : int; inputs of one output.
    index : int; number of the tensor in the random stream: weights alone, in order of the layers.
    role : "weight", "bias" or "scale" (the multipliers of a batch norm).
    gradient, update : Tensor or None; of the latest step, kept for who wants to look.
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
    state: dict = field(default_factory=dict)
    peers: list = field(default_factory=list, repr=False, compare=False)


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

    def vector(self, name, role, channels, fmt):
        """A new vector of zeros of the layer `name`, one code a channel; `role` as in Parameter."""
        master = Tensor(np.zeros(channels, fmt.dtype), fmt, "C")
        self.parameters.append(Parameter(f"{name}.{role}", master, 1, None, role))
        return self.parameters[-1]


@dataclass
class Run:
    """What a layer may use while it steps.

    seed, step, first, turns : of the random numbers, see `random_streams.Address`.
    keep : whether `backward` will come, and needs what `forward` saved.
    group : who else holds images of the batch; see `group.Alone`.
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

    @property
    def watchers(self):
        """Who is shown every tensor: the recorder and the counters, where somebody asked for them."""
        return [w for w in (self.recorder, self.counting) if w is not None]

    def address(self, purpose, layer=None):
        """Where a tensor of a layer stands; without a layer, the error of the loss."""
        number = 0 if layer is None else layer.number
        source = self.scheme.random
        return Address(self.seed, purpose, self.step, number, self.first, source, self.turns)

    def count_saturated(self, layer, mask):
        """Note the share of values outside the range, where somebody asked for it."""
        if self.saturated is None and self.counting is None:
            return
        outside = mask.size - int(np.count_nonzero(mask))
        if self.saturated is not None:
            self.saturated[layer.name] = round(outside / mask.size, 6)    # edge: a report
        if self.counting is not None:
            self.counting.count_saturated(layer, outside, mask.size)

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
    """

    kind = None
    name = None
    number = None
    source = None
    trains = True

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
