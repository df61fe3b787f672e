"""Operations and bytes of a whole training step, by layer and by pass.

    encode, forward --loss--> error, gradient --all-reduce--> update

The prediction comes from shapes and formats alone; a test holds it against a step of the reference
kernels that is counted while it runs. What a single operation is: counts.py; what a kernel takes:
kernels.py. Where the data decide, the usual case is counted: gradients that are not all zero, and
errors that meet in a sum at steps so near that 32 bits hold it where formats allow (slots.py).
"""

from math import prod

from .all_reduce import exchange, ring, travelling
from .counts import Counts
from .layers import BACKWARD, FORWARD
from .losses import LOSS_COSTS
from .places import places, rows, trained_layers
from .slots import Floats

PASSES = ("forward", "error", "gradient", "all_reduce", "update")
IMAGES, LOSS = "images", "loss"         # rows of what is no layer: encoding; loss and its [E]


def count_step(network, slots, images, loss=None, rate=1, workers=1):
    """Count one step.

    Parameters
    ----------
    network : training.Network; a plan without kernels will do.
    slots : `slots_of(scheme)`, or Floats for comparison.
    images : int; the batch, of which one of several workers has its share, rounded up; streams of
        a text.
    loss : a name of losses.LOSSES; None counts the forward pass alone.
    rate : the learning rate.
    workers : int; more than one exchange their gradients.

    Returns
    -------
    {layer: {pass: Counts}}, layers in the order of the forward pass, between "images" and "loss".
    """
    return walked(network, slots, images, loss, rate, workers).rows


def exchange_of(network, slots, images, loss, workers):
    """What one of several workers exchanges in a step; see `all_reduce.exchange`."""
    step = walked(network, slots, images, loss, workers=workers)
    sizes = {layer.name: layer.weight.master.codes.size for layer in trained_layers(network)}
    return exchange([(sizes[name], bits) for name, bits in step.gradient_bits.items()], step.maxima)


def walked(network, slots, images, loss=None, rate=1, workers=1):
    """The Step behind `count_step`."""
    step = Step(network, slots, -(-images // workers), images)
    if not network.reads_text:
        step.count("forward", slots.encode(step.images * prod(network.input_shape)))
    step.forward(network.layers)
    if loss is not None:
        step.backward(network.layers, step.lose(loss))
        step.update(rate, workers)
    return step


class Step:
    """A training step that is counted instead of made; `count_step` walks it.

    Attributes
    ----------
    rows : {layer: {pass: Counts}}
    images : int; of one worker. whole : of all.
    gradients : {layer: format of its gradient}
    gradient_bits : {layer: bits that hold it over the whole batch}
    maxima : errors that were narrowed by their largest.
    in_floats : whether the step is that of the comparison.
    """

    def __init__(self, network, slots, images, whole=None):
        self.network, self.slots, self.images = network, slots, rows(network, images)
        self.whole = rows(network, whole or images)
        self.in_floats = isinstance(slots, Floats)
        self.gradients, self.gradient_bits, self.maxima, self._at = {}, {}, 0, IMAGES
        names = [layer.name for layer in network.layers.walk()]
        self.rows = {name: {} for name in (IMAGES, *names)}
        self._places = places(network)

    # what the functions of layers.py ask ---------------------------------------------------

    def before(self, layer):
        """Spec of a layer's input."""
        return self._places[layer][0]

    def after(self, layer):
        """Spec of a layer's output."""
        return self._places[layer][1]

    def size(self, spec):
        """Numbers of a batch."""
        return self.images * prod(spec.shape)

    def format(self, spec):
        """Format of a tensor with this Spec."""
        return self.slots.format(spec.format)

    def count(self, name, counts):
        """Add counts to a pass of the layer at hand."""
        row = self.rows[self._at]
        row[name] = row.get(name, Counts()) + counts

    def narrowed(self, slot, n, e):
        """An error behind [E] or its like; its counts are noted."""
        counts, narrow = slot(n, e)
        self.count("error", counts)
        self.maxima += self.slots.by_maximum and narrow is not e
        return narrow

    # the step ------------------------------------------------------------------------------

    def forward(self, layer):
        """Count the forward pass of a layer and all inside it."""
        around, self._at = self._at, layer.name
        FORWARD[layer.kind](self, layer)
        self._at = around

    def lose(self, loss):
        """Count the loss and the narrowing of its error; returns the error's format."""
        self._at, (n,) = LOSS, self.network.output.shape
        self.rows[LOSS] = {}
        counts, e = LOSS_COSTS[loss](self, self.images * n, self.format(self.network.output))
        self.count("error", counts)
        return self.narrowed(self.slots.error, self.images * n, e)

    def backward(self, layer, e):
        """Count the error and gradient passes of a layer; the error's format before it, or None."""
        around, self._at = self._at, layer.name
        below = BACKWARD[layer.kind](self, layer, e)
        self._at = around
        return below

    def update(self, rate, workers):
        """Count the exchange of all gradients and the update of all weights."""
        for layer in trained_layers(self.network):
            self._at, weight = layer.name, layer.weight.master
            n, gradient = weight.codes.size, self.gradients[layer.name]
            if workers > 1:
                fmt = gradient if self.in_floats else travelling(self.gradient_bits[layer.name])
                self.count("all_reduce", ring(n, fmt, workers))
            self.count("update", self.slots.update(n, gradient, weight.format, rate))


def totals(rows):
    """{pass: Counts} over all layers."""
    found = {}
    for row in rows.values():
        for name, counts in row.items():
            found[name] = found.get(name, Counts()) + counts
    return {name: found[name] for name in PASSES if name in found}
