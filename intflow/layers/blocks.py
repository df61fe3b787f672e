"""Finding runs of layers that one kernel can compute: [product] [MaxPool2d] [ReLU] [Requantize]."""

from .max_pool2d import MaxPool2d
from .relu import ReLU
from .requantize import Requantize
from .weighted import Weighted


class Parts(list):
    """The layers of a run in order; `of(kind)` is the one of a kind, or None."""

    def of(self, kind):
        """The layer of this class."""
        return next((layer for layer in self if isinstance(layer, kind)), None)


def find_runs(layers):
    """Cut layers into runs that go together, in order; a run of one is a layer as it is.

    Layers that change nothing (`is_identity`) belong to whatever run they stand in. What stands
    between a product and its Requantize has to be there in the order above, each at most once:
    else the product stays alone.

    Examples
    --------
    Conv2d, ReLU, Requantize, Flatten, Linear: [Conv2d, ReLU, Requantize], [Flatten], [Linear].
    """
    runs, rest = [], list(layers)
    while rest:
        run = _run_at_head(rest)
        rest = rest[len(run):]
        runs.append(run)
    return runs


def _run_at_head(layers):
    """The longest run that the layers begin with: one that ends in a Requantize, or one layer."""
    run, order = Parts(), [Weighted, MaxPool2d, ReLU, Requantize]
    for layer in layers:
        if not (run and layer.is_identity):
            place = next((i for i, kind in enumerate(order) if isinstance(layer, kind)), None)
            if place is None:
                break
            order = order[place + 1:]
        run.append(layer)
        if not order:
            return run
    return Parts(layers[:1])
