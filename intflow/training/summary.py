"""What is known of a network before it trains."""

from ..formats import format_name
from ..models import find_model, make_layers
from ..quantizers import make_scheme
from .network import Network
from .setup import parse_width

IMAGENET_CLASSES = 1000


def summarize(model, bits, scheme, width, classes=None, batch_size=None):
    """A plain dictionary: layers in order, totals, warnings.

    layers : [{layer, kind, settings, output, format, weights, fwd, err, grad}]; the last three are
        the bits of the proven bounds of a layer's accumulators, sign included. A layer with a bias
        or multipliers of a batch norm has their number as `bias` and `scale`.
    """
    entry = find_model(model)
    if classes is None:
        classes = IMAGENET_CLASSES if entry.fixed_size else 10
    if batch_size is None:
        batch_size = entry.batch_size
    scheme = make_scheme(scheme, bits)
    layers = make_layers(model, classes, parse_width(width))
    network = Network(layers, entry.input_shape, scheme, None, 1, batch_size)
    rows = [_row(layer, spec) for layer, spec in network.specs]
    return {
        "model": model,
        "bits": str(scheme.bits),
        "input": _shape(entry.input_shape),
        "batch_size": batch_size,
        "layers": rows,
        "weights": network.count_weights(),
        "parameters": network.count_parameters(),
        "weight_bytes": sum(p.master.codes.nbytes for p in network.parameters),
        "mac": sum(getattr(layer, "multiplications", 0) for layer, _ in network.specs),
        "warnings": scheme.warnings(),
    }


def _row(layer, spec):
    row = {
        "layer": layer.name,
        "kind": layer.kind,
        "settings": layer.settings(),
        "output": _shape(spec.shape),
        "format": format_name(spec.format),
    }
    for parameter in layer.parameters():
        if parameter.role != "weight":
            row[parameter.role] = parameter.master.codes.size
            row[f"{parameter.role}_format"] = format_name(parameter.master.format)
            continue
        row["weights"] = parameter.master.codes.size
        row["weight_format"] = format_name(layer.weight_format)
        row["master_format"] = format_name(parameter.master.format)
        row.update(zip(("fwd", "err", "grad"), layer.bound_bits.values()))
    return row


def _shape(shape):
    return "x".join(map(str, shape))
