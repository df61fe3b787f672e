"""Counting one step while it runs: a watcher of its tensors and of its products.

`Counters` is the result; here is who fills it. Nothing is changed on the way, so that a step ends
in the same bits whether it is counted or not.
"""

import numpy as np

from ..errors import OverflowStop
from ..group import ALONE
from .counters import add_counts, needed_bits
from .shared_counts import sum_counts

LOSS = "loss"           # the error's first narrowing, between the loss and the last layer
BLOCK = 1 << 20         # elements looked at in one go, so that temporaries stay small
NO_EVENTS = {"overflows": 0, "saturations": 0, "largest": 0}


class Counting:
    """What a `Run` tells its tensors to, for one step.

    Parameters
    ----------
    network : Network that is about to step.
    step : int; number of the step, for the message of an overflow.
    counters : Counters; gets the counts when the step is whole.
    group : who has the other images of the batch; counts are those of all.

    Attributes
    ----------
    products : stands in for `network.products` during the step.
    """

    def __init__(self, network, step, counters, group=ALONE):
        self.kernels, self.step, self.counters = network.kernels, step, counters
        self.group = group
        self.last = network.layers.layers[-1]
        self.layers, self.masters = {}, {}
        self.products = CountedProducts(network.products, self)

    def count_saturated(self, layer, outside, size):
        """Activations of a layer outside the range of slot A."""
        self._slot(layer.name, "activation", saturated=outside, size=size)

    def record(self, layer, tensors):
        """Count the tensors of a layer that stand right behind a slot."""
        narrows = "activation" in self.layers.get(layer.name, {}).get("slots", {})
        if "weight_q" in tensors:
            self._count_weight(layer.name, tensors)
        if narrows and "output" in tensors:
            zeros = self._zeros(tensors["output"].codes)
            self._slot(layer.name, "activation", zeros=zeros)
        if narrows and tensors.get("error_out") is not None:
            self._count_error(layer.name, tensors["error_out"])
        if "error_q" in tensors:
            self._count_error(layer.name, tensors["error_q"])
        if layer is self.last and "error_in" in tensors:
            self._count_error(LOSS, tensors["error_in"])

    def record_step(self, tensors):
        """Images, labels and the wide error of the loss: nothing was narrowed yet."""

    def record_updates(self, network):
        """After the optimiser: the updates, and the end of the step."""
        for layer in network.layers.walk():
            for parameter in layer.parameters():
                if parameter.role != "weight":
                    continue
                counts = count_update(self.masters[layer.name], parameter)
                self._slot(layer.name, "update", **counts)
        if self.group.size > 1:
            self._count_gradients(network)
            sum_counts(self.layers, self.group)
        self.counters.add({"steps": 1, "layers": self.layers})

    def product(self, layer, product, counts):
        """The counts of one product, or of all time steps that a layer multiplies one by one."""
        total = self._layer(layer).setdefault("products", {}).setdefault(product, {})
        add_counts(total, counts)

    def _count_gradients(self, network):
        """The gradients of the whole batch, in place of this worker's: they cannot overflow."""
        for layer in network.layers.walk():
            for weight in (p for p in layer.parameters() if p.role == "weight"):
                largest = self.kernels.max_abs(weight.gradient.codes)
                products = self._layer(layer.name).setdefault("products", {})
                products["gradient"] = {**NO_EVENTS, "largest": largest}

    def _count_weight(self, name, tensors):
        self.masters[name] = tensors["weight"].codes.copy()     # updated in place at the end
        codes = tensors["weight_q"].codes
        self._slot(name, "weight", zeros=self._zeros(codes), size=codes.size)

    def _count_error(self, name, e):
        fmt = e.format
        ends = self.kernels.count_outside(e.codes, fmt.minimum + 1, fmt.maximum - 1)
        self._slot(name, "error", saturated=ends, zeros=self._zeros(e.codes), size=e.codes.size)

    def _zeros(self, codes):
        return codes.size - self.kernels.count_outside(codes, 0, 0)

    def _slot(self, layer, slot, **counts):
        self._layer(layer).setdefault("slots", {}).setdefault(slot, {}).update(counts)

    def _layer(self, name):
        return self.layers.setdefault(name, {})


class CountedProducts:
    """The products of a network, each looked at once it is done.

    A device's own products tell their overflows and the largest partial sum in `events`, a
    dictionary {(layer, product): counts}; everyone else's are taken to be exact.
    """

    def __init__(self, products, counting):
        self.products, self.counting = products, counting
        self.events = getattr(products, "events", {})
        self.events.clear()

    def forward(self, layer, x, w, window):
        """y = product(x, W), counted."""
        return self._counted(layer, "forward", self.products.forward(layer, x, w, window))

    def error(self, layer, e, w, window, input_shape):
        """Error at the input, counted."""
        below = self.products.error(layer, e, w, window, input_shape)
        return self._counted(layer, "error", below)

    def gradient(self, layer, x, e, window, weight_shape):
        """Gradient at the weights, counted."""
        gradient = self.products.gradient(layer, x, e, window, weight_shape)
        return self._counted(layer, "gradient", gradient)

    def _counted(self, layer, product, y):
        counts = {**NO_EVENTS, **self.events.get((layer, product), {})}
        # A product that needed no fitting was not looked at by the device.
        counts["largest"] = max(counts["largest"], self.counting.kernels.max_abs(y.codes))
        self.counting.product(layer, product, counts)
        if counts["overflows"] and self.counting.counters.stop_on_overflow:
            raise OverflowStop(self._message(layer, product, counts))
        return y

    def _message(self, layer, product, counts):
        width = getattr(getattr(self.products, "device", None), product, None)
        holds = f"the device has {width.bits}" if width is not None else "the device has fewer"
        return (
            f"{layer}: its {product} product overflowed {counts['overflows']} times in step "
            f"{self.counting.step} (the first is 0): the largest sum, {counts['largest']}, needs "
            f"{needed_bits(counts['largest'])} bits and {holds}; widen it, or train without "
            "--fail-on-overflow"
        )


def count_update(before, parameter):
    """What the optimiser's update did to one weight.

    Parameters
    ----------
    before : integer array; codes of the master when the step began.
    parameter : Parameter; with its gradient, its update and the new master.

    Returns
    -------
    {"nothing", "clipped", "size"} as `Counters` defines them.
    """
    arrays = before, parameter.master.codes, parameter.update.codes, parameter.gradient.codes
    nothing = clipped = 0
    for old, new, update, gradient in blocks(*arrays):
        nothing += int(np.count_nonzero((update == 0) & (gradient != 0)))
        clipped += int(np.count_nonzero(old.astype(np.int64) - update != new))
    return {"nothing": nothing, "clipped": clipped, "size": before.size}


def blocks(*arrays):
    """The flat arrays in step, BLOCK elements at a time."""
    flat = [array.reshape(-1) for array in arrays]
    for first in range(0, flat[0].size, BLOCK):
        yield [array[first:first + BLOCK] for array in flat]
