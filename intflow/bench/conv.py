"""The three products of the layers of some models, at the batch sizes they train with."""

from ..costs.places import weighted_layers
from ..kernels.geometry import Geometry
from ..training.count import Plan
from .contest import Team
from .products import describe, lines, race

# model -> batch size
MODELS = {"vgg7": 128, "alexnet": 32, "resnet20": 128}
__all__ = ["lines", "run"]


def run(options, tell):
    """One row for every different shape of convolution or matrix."""
    with Team(options) as team:
        return {"rows": [row for model in options.models or MODELS
                         for row in _rows(model, options, tell, team)]}


def _rows(model, options, tell, team):
    plan = Plan(model, options.bits, options.scheme, options.width,
                batch_size=options.batch_size or MODELS.get(model))
    largest = _largest_weight(plan)
    for sizes, found in shapes(plan).items():
        label = f"{model} {', '.join(found['layers'])}"
        tell(f"conv {label}")
        yield race(label, found["faces"], describe(sizes), sizes.products, largest, options, team)


def shapes(plan):
    """{Geometry: {"layers", "faces"}}: layers of one shape are timed once."""
    found = {}
    for layer, face, sizes in plan.products():
        row = found.setdefault(Geometry(*sizes), {"layers": [], "faces": []})
        for name, value in (("layers", layer), ("faces", face)):
            if value not in row[name]:
                row[name].append(value)
    return found


def _largest_weight(plan):
    """Largest |weight code| of the products."""
    formats = {layer.weight_format for layer in weighted_layers(plan.network)}
    return max(max(-fmt.minimum, fmt.maximum) for fmt in formats)
