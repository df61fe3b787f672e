"""Looking at every integer of a step."""

from ..errors import UnknownNameError
from ..formats import Tensor

MASTERS = {"weight", "bias", "scale", "mean", "variance"}


class Recorder:
    """Keeps the tensors of one step by layer and name.

    Attributes
    ----------
    layers : {layer name: {tensor name: Tensor}}; names as in a trace: input, output, error_in,
        error_out, and for layers with a weight: weight (the stored master before the update),
        weight_q, gradient, update, weight_new; bias and scale where the layer has them.
    step : {"images": u8, "labels": ints, "error": Tensor}; the error of the loss is still wide.
    """

    def __init__(self):
        self.layers = {}
        self.step = {}

    def record(self, layer, tensors):
        kept = self.layers.setdefault(layer.name, {})
        kept.update({name: t for name, t in tensors.items() if t is not None})
        for role in MASTERS.intersection(tensors):
            # Masters are updated in place: keep what the step started from.
            kept[role] = copy(tensors[role])

    def record_step(self, tensors):
        self.step.update(tensors)

    def tensor(self, name):
        """A tensor by its name in a trace: "conv2d_1/gradient", or "error" of the loss.

        Returns
        -------
        Tensor in logical order (NCHW, NC, OIHW, OI) with its format.

        Raises
        ------
        UnknownNameError : lists the near names.
        """
        layer, _, tensor = name.rpartition("/")
        place = self.layers.get(layer, {}) if layer else {"error": self.step.get("error")}
        if place.get(tensor) is None:
            known = [f"{layer}/{t}" for layer, tensors in self.layers.items() for t in tensors]
            raise UnknownNameError("tensor", name, ["error", *known])
        found = place[tensor]
        return Tensor(found.logical(), found.format, found.logical_axes)

    def record_updates(self, network):
        """After the optimiser: what it did to every weight."""
        for layer in network.layers.walk():
            for parameter in layer.parameters():
                if parameter.role == "weight":
                    self.record(layer, dict(update=parameter.update,
                                            weight_new=copy(parameter.master)))


def copy(tensor):
    """A Tensor of its own memory."""
    return Tensor(tensor.codes.copy(), tensor.format, tensor.axes)
