"""A built network: layers with names and parameters under one scheme."""

from ..errors import ShapeError, UsageError
from ..formats import Fixed
from ..group import ALONE
from ..kernels.buffers import Pool, using
from ..layers import Build, Run, Spec
from ..layers.layer import STATE, STATISTICS
from ..layers.normalise import normalise
from ..ops import Products
from .counting import Counting
from .turns import find_turns

TOKENS = Fixed(32, 0, symmetric=True)


class Network:
    """Layers, built for one input shape, one scheme and one backend.

    Parameters
    ----------
    layers : Sequential, not built before.
    input_shape : (C, H, W), or (T,) for windows of T tokens of a text.
    scheme, kernels : the slots and the backend; without kernels (None) the network is a plan whose
        weights stay zero.
    seed : int; of the initial weights.
    batch_size : int; the accumulators of the gradients are proven for it.

    Attributes
    ----------
    parameters : list of Parameter, in order of the layers.
    specs : [(layer, Spec of its output)], in order.
    input : Spec of what goes into the first layer. output : Spec of the last layer; (classes,).
    products : who computes the products of the weighted layers; exact, until someone else is put
        here (see `ops.Products`).
    """

    def __init__(self, layers, input_shape, scheme, kernels, seed, batch_size):
        self.layers, self.input_shape = layers, tuple(input_shape)
        self.scheme, self.kernels, self.seed, self.batch_size = scheme, kernels, seed, batch_size
        self.products = Products(kernels)
        self._turns = None
        if scheme.normalises:
            normalise(layers)
        name_layers(layers)
        scheme.survey(layers)
        build = Build(scheme, kernels, seed, batch_size)
        self.input = self._input()
        with using(Pool()):         # what the weights are made in shall not lie among the steps'
            self.output = layers.build(self.input, build)
        self.parameters, self.specs = build.parameters, build.specs
        if len(self.output.shape) != 1:
            raise ShapeError(
                f"a network ends in one number per class, but its last layer makes "
                f"{self.output.shape}; end it with Flatten or a global AvgPool2d and Flatten"
            )

    @property
    def classes(self):
        return self.output.shape[0]

    @property
    def reads_text(self):
        """Whether it takes tokens in the place of images."""
        return len(self.input_shape) == 1

    def _input(self):
        """Spec of what goes in: images, or rows of one token."""
        if self.reads_text:
            return Spec((1,), TOKENS, True, steps=self.input_shape[0])
        return Spec(self.input_shape, self.scheme.input_format(), True)

    def forget(self):
        """Begin a text anew: nothing is carried from the windows before."""
        for parameter in self.parameters:
            if parameter.role == STATE:
                parameter.master.codes[...] = 0

    def run(self, step=0, recorder=None, measure=False, counters=None, first=0, keep=True,
            group=ALONE, whole=None, streams=1, carried=None):
        """What the layers need for one step; `first` images of its batch come before these.

        keep : False where no backward pass will come.
        group, whole : who has the other images of the batch, and how many it has in all.
        streams, carried : of a text, see `Run`.
        """
        counting = None if counters is None else Counting(self, step, counters, group)
        products = self.products if counting is None else counting.products
        return Run(self.kernels, self.scheme, products, step, recorder, {} if measure else None,
                   keep, counting, self.seed, first, self.turns, group, whole, streams=streams,
                   carried=carried)

    def keep_updates(self, wanted):
        """Say whether the updates of this step are wanted beside the weights they change."""
        for parameter in self.parameters:
            parameter.keeps_update = wanted

    def turns(self, purpose):
        """[(layer's number, elements in a full batch)] of what a slot narrows; see `find_turns`."""
        if self._turns is None:
            self._turns = find_turns(self)
        return self._turns[purpose]

    def require_trainable(self):
        """Raise UsageError where a layer or a parameter cannot be trained under the scheme."""
        for layer in self.layers.walk():
            if not layer.trains:
                layer.refuse_training()
        for parameter in self.parameters:
            if parameter.role not in (*STATISTICS, STATE, *self.scheme.fixed, *self.scheme.trained):
                raise UsageError(
                    f"{parameter.name} cannot be trained under {self.scheme.name}; evaluate this "
                    "network, or train it under another scheme"
                )

    def compact(self):
        """Keep what inference reads: codes of weights, thresholds of signs."""
        run = self.run(keep=False)
        for layer in self.layers.walk():
            layer.compact(run)

    def count_weights(self):
        """Numbers in the weights of all products."""
        return self.count_parameters("weight")

    def count_parameters(self, *roles):
        """Numbers in the parameters of these roles; in all of them where none is named."""
        return sum(p.master.codes.size for p in self.parameters if not roles or p.role in roles)


def name_layers(layers):
    """Give every layer its name, kind and number in forward order: conv2d_1, relu_1, ...

    `number` counts all layers but `sequential` from 1, as `random_streams` says.
    """
    counts, number = {}, 0
    for layer in layers.walk():
        counts[layer.kind] = counts.get(layer.kind, 0) + 1
        layer.name = f"{layer.kind}_{counts[layer.kind]}"
        if layer.kind != "sequential":
            number += 1
            layer.number = number
