"""How far the weights of a run have come from those it began with.  [FAQ drift]

    changed   share of the weight codes, as products see them, that differ from those at the start
    cosine    of the angle between the codes now and the master weights at the start

The sums are exact integers; only the report is made of floats.
"""

from math import prod, sqrt

import numpy as np

from ..formats import Tensor
from ..layers import Parameter
from .checkpoint import read_checkpoint

LOW = 16        # bits of a factor that are summed apart


def drift(trainer, start):
    """{"changed", "cosine", "layers": {layer: {"changed", "cosine"}}} of all weights.

    start : path of a checkpoint of the same network.

    Examples
    --------
    Codes 1, 2 where the masters began with 1 and 1.5 (code 2): changed 0, cosine 4 / sqrt(16.25).
    """
    begun = read_checkpoint(start)[1]
    layers = {}
    for parameter in trainer.network.parameters:
        if parameter.role == "weight":
            layer = parameter.name.rpartition(".")[0]
            layers[layer] = _compare(trainer, parameter, begun[parameter.name][0])
    return {**_told(_total(layers.values())),
            "layers": {name: _told(sums) for name, sums in layers.items()}}


def _compare(trainer, parameter, codes):
    """(weights, changed, now . start, now . now, start . start); sums in real units, as fractions
    of a power of two would be, but exact: integers times the layer's step, a Fraction."""
    scheme, kernels, master = trainer.scheme, trainer.kernels, parameter.master
    order = [master.logical_axes.index(axis) for axis in master.axes]
    start = Tensor(np.ascontiguousarray(codes.transpose(order)), master.format, master.axes)
    before = Parameter(parameter.name, start, parameter.fan_in, parameter.index)
    now, then = (scheme.weight(kernels, p) for p in (parameter, before))
    changed = int(np.count_nonzero(now.codes != then.codes))
    units = now.format.step, master.format.step
    sums = (_dot(now.codes, start.codes) * prod(units),
            _dot(now.codes, now.codes) * units[0] ** 2,
            _dot(start.codes, start.codes) * units[1] ** 2)
    return (now.codes.size, changed, *sums)


def _dot(a, b):
    """Sum of products, exact, a Python int; |a|, |b| < 2**32, fewer than 2**31 of them."""
    a, b = a.reshape(-1).astype(np.int64), b.reshape(-1).astype(np.int64)
    high, low = b >> LOW, b & (1 << LOW) - 1
    if np.abs(a).max(initial=0) < 1 << LOW:
        return (int(np.dot(a, high)) << LOW) + int(np.dot(a, low))
    return (_dot(a >> LOW, b) << LOW) + _dot(a & (1 << LOW) - 1, b)


def _total(layers):
    return [sum(column) for column in zip(*layers)]


def _told(sums):
    size, changed, product, now, start = sums
    norm = sqrt(now * start)
    return {"changed": changed / max(1, size), "cosine": float(product) / norm if norm else 0.0}
