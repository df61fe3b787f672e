"""A built network: layers with names and parameters under one scheme."""

from ..errors import ShapeError, UsageError
from ..layers import Build, Run, Spec
from ..ops import Products
from .counting import Counting
from .turns import find_turns


class Network:
    """Layers, built for one input shape, one scheme and one backend.

    Parameters
    ----------
    layers : Sequential, not built before.
    input_shape : (C, H, W)
    scheme, kernels : the slots and the backend; without kernels (None) the network is a plan whose
        weights stay zero.
    seed : int; of the initial weights.
    batch_size : int; the accumulators of the gradients are proven for it.

    Attributes
    ----------
    parameters : list of Parameter, in order of the layers.
    specs : [(layer, Spec of its output)], in order.
    output : Spec of the last layer; (classes,).
    products : who computes the products of the weighted layers; exact, until someone else is put
        here (see `ops.Products`).
    """

    def __init__(self, layers, input_shape, scheme, kernels, seed, batch_size):
        self.layers, self.input_shape = layers, tuple(input_shape)
        self.scheme, self.kernels, self.seed, self.batch_size = scheme, kernels, seed, batch_size
        self.products = Products(kernels)
        self._turns = None
        name_layers(layers)
        build = Build(scheme, kernels, seed, batch_size)
        self.output = layers.build(Spec(self.input_shape, scheme.input_format(), True), build)
        self.parameters, self.specs = build.parameters, build.specs
        if len(self.output.shape) != 1:
            raise ShapeError(
                f"a network ends in one number per class, but its last layer makes "
                f"{self.output.shape}; end it with Flatten or a global AvgPool2d and Flatten"
            )

    @property
    def classes(self):
        return self.output.shape[0]

    def run(self, step=0, recorder=None, measure=False, counters=None, first=0, keep=True):
        """What the layers need for one step; `first` images of its batch come before these.

        keep : False where no backward pass will come.
        """
        counting = None if counters is None else Counting(self, step, counters)
        products = self.products if counting is None else counting.products
        return Run(self.kernels, self.scheme, products, step, recorder, {} if measure else None,
                   keep, counting, self.seed, first, self.turns)

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
            if parameter.role not in self.scheme.trained:
                raise UsageError(
                    f"{parameter.name} cannot be trained under {self.scheme.name}; evaluate this "
                    "network, or train it under another scheme"
                )

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
