"""Which tensor of a file belongs to which layer.

A layer's `source` is the prefix of its tensors in the published file: "features.0" stands for
"features.0.weight" and "features.0.bias". Names are compared after three adjustments: "/" is ".",
a prefix "module." that all of them have is taken off, old names of DenseNet get their new form.

    role        layers                    published as
    weight      convolution, linear       .weight    O I/groups KH KW, or O I
    bias        convolution, linear       .bias      O
    gamma       batch norm                .weight    C
    beta        batch norm                .bias      C
    mean        batch norm                .running_mean   C
    variance    batch norm                .running_var    C
"""

import re

import numpy as np

from ..errors import WeightsError

NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
PARALLEL = "module."                    # of a network that was trained on several devices
COUNTER = "num_batches_tracked"         # no number of the network
HEADS = ("aux1.", "aux2.", "aux_logits.", "AuxLogits.")     # GoogLeNet, Inception: for training
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
SHOWN = 4


def match(layers, tensors, ignore=HEADS):
    """The published tensors of every layer that has a `source`.

    Parameters
    ----------
    layers : the built layers: a Sequential, whose `walk` is gone through, or any iterable.
    tensors : {name: float32 array}, as `read_weights` gives them.
    ignore : prefixes of tensors that the network has no use for.

    Returns
    -------
    {layer name: {role: float32 array}}, roles as above; weights in OIHW and OI.

    Raises
    ------
    WeightsError : one line that lists what is missing, of another shape, or unexpected.
    """
    layers = list(layers.walk() if hasattr(layers, "walk") else layers)
    named = plain_names(tensors)
    wanted = {(layer.name, role): (f"{layer.source}.{suffix}", shape)
              for layer in layers if getattr(layer, "source", None) is not None
              for role, (suffix, shape) in expected(layer).items()}
    _compare(wanted, named, ignore)
    found = {}
    for (layer, role), (name, _) in wanted.items():
        if not np.isfinite(named[name]).all():
            raise WeightsError(f"{name} holds numbers that are not finite; get the file again")
        found.setdefault(layer, {})[role] = named[name]
    return found


def expected(layer):
    """{role: (suffix, shape)} of the tensors that a built layer takes.

    Examples
    --------
    A 3 x 3 convolution of 3 to 16 channels, without bias: {"weight": ("weight", (16, 3, 3, 3))}.
    """
    if layer.kind == "batch_norm2d":
        return {role: (suffix, (layer.channels,)) for role, suffix in NORM.items()}
    shape, axes = layer.weight.master.shape, layer.weight.master.axes
    logical = tuple(shape[axes.index(axis)] for axis in layer.weight.master.logical_axes)
    roles = {"weight": ("weight", logical)}
    if layer.has_bias:
        roles["bias"] = ("bias", logical[:1])
    return roles


def plain_names(tensors):
    """The same tensors under the names that layers know.

    Examples
    --------
    "module.conv1.weight" beside "module.fc.bias" becomes "conv1.weight";
    "denselayer1.norm.1.weight" becomes "denselayer1.norm1.weight".
    """
    names = {name: OLD_DENSENET.sub(r"\1\2", name.replace("/", ".")) for name in tensors}
    if all(name.startswith(PARALLEL) for name in names.values()):
        names = {name: plain.removeprefix(PARALLEL) for name, plain in names.items()}
    return {names[name]: tensor for name, tensor in tensors.items()}


def _compare(wanted, named, ignore):
    """WeightsError unless files and layers agree in names and shapes."""
    needed = dict(wanted.values())
    missing = [name for name in needed if name not in named]
    unexpected = [name for name in named if name not in needed
                  and not name.startswith(tuple(ignore)) and not name.endswith(COUNTER)]
    shapes = [f"{name} {named[name].shape} instead of {shape}" for name, shape in needed.items()
              if name in named and named[name].shape != shape]
    faults = {"missing": missing, "of another shape": shapes, "unexpected": unexpected}
    if not needed:
        raise WeightsError("this model has no layer that published weights belong to; "
                           "choose a model with a published file")
    if any(faults.values()):
        listed = "; ".join(_listed(what, names) for what, names in faults.items() if names)
        raise WeightsError(f"the weights do not fit the network: {listed}; name the model that the "
                           "file was made for, and its classes")


def _listed(what, names):
    more = f", ... ({len(names)} in all)" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN])}{more}"
