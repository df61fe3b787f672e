"""What is known of a network before it trains."""

from pathlib import Path

from ..device.device import Device
from ..formats import format_name
from ..layers.layer import STATE
from ..models import find_model, make_layers
from ..quantizers import make_scheme
from .counters import needed_bits
from .device_summary import FACES, add_device
from .load import load_checkpoint
from .metrics import read_counters
from .network import Network
from .plan import plan_memory
from .setup import parse_width


def summarize(model, bits, scheme, width, classes=None, batch_size=None, device=None,
              scheme_options=None):
    """A plain dictionary: layers in order, totals, warnings.

    layers : [{layer, kind, settings, output, format, weights, fwd, err, grad}]; the last three are
        the bits of the proven bounds of a layer's accumulators, sign included. A layer with a bias
        or multipliers of a batch norm has their number as `bias` and `scale`.
    device : what `Device.read` takes, or None; see `add_device`.
    memory : what a training step and an evaluation take, see `plan_memory`; not of networks on a
        device, which makes products its own way.
    """
    entry = find_model(model)
    if classes is None:
        classes = entry.classes
    if batch_size is None:
        batch_size = entry.batch_size
    def network(tuned):
        """A plan, tuned as where a scheme trains what it converts."""
        made = make_scheme(scheme, bits, options=scheme_options, recurrent=bool(entry.text))
        if tuned:
            made.tune()
        layers = make_layers(model, classes, parse_width(width))
        return Network(layers, entry.input_shape, made, None, 1, batch_size)

    plain = network(False)
    device = Device.read(device) if device else None
    summary = add_device(describe(model, plain), plain, device)
    if device is not None:
        return summary
    memory = plan_memory(plain, entry.loss)
    if plain.scheme.tunes:
        memory = {"training": plan_memory(network(True), entry.loss)["training"], **memory}
    return {**summary, "memory": memory}


def summarize_run(checkpoint):
    """`summarize` of a run, with what its training counted.

    checkpoint : path of the checkpoint; metrics.jsonl is looked for beside it.

    steps : how many were counted, 0 for none.
    layers : rows of a layer with products also have measured, {"fwd", "err", "grad"} -> bits of
        the narrowest accumulator that held every sum, and overflows, the same -> count.
    """
    trainer, about = load_checkpoint(checkpoint)
    summary = describe(about["config"].model, trainer.network)
    summary = add_device(summary, trainer.network, trainer.device)
    counters = read_counters(Path(checkpoint).parent / "metrics.jsonl")
    for row in summary["layers"]:
        products = counters.layers.get(row["layer"], {}).get("products", {})
        if products:
            row["measured"] = {FACES[p]: needed_bits(c["largest"]) for p, c in products.items()}
            row["overflows"] = {FACES[p]: c.get("overflows", 0) for p, c in products.items()}
    return {**summary, "steps": counters.steps}


def describe(model, network):
    """What `summarize` returns, of a network that is built; model is its name."""
    scheme = network.scheme
    rows = [_row(layer, spec) for layer, spec in network.specs]
    return {
        "model": model,
        "bits": str(scheme.bits),
        "scheme": scheme.name,
        "input": _shape(network.input_shape),
        "batch_size": network.batch_size,
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
        if parameter.role == STATE:
            continue
        if parameter.role != "weight":
            row[parameter.role] = parameter.master.codes.size
            row[f"{parameter.role}_format"] = format_name(parameter.master.format)
            continue
        row["weights"] = parameter.master.codes.size
        row["weight_format"] = format_name(layer.weight_format)
        row["master_format"] = format_name(parameter.master.format)
        row.update({FACES[product]: bits for product, bits in layer.bound_bits.items()})
    return row


def _shape(shape):
    return "x".join(map(str, shape))
