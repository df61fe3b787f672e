"""Every integer of a training step, laid out for a reader who has never seen the engine.

A layer is a group of the trace: all layers but `sequential`, which only says that its layers
follow one another. Combinators (residual, concatenate) are layers, and stand before the
layers inside them; their `branches` name those layers.

    with create("trace.h5") as file:                            # trace_files.py
        rate = trainer.rate
        recorder = trainer.step(images, labels, record=True).recorder
        write_step(file, trainer.network, recorder, 0, rate)

`intflow trace` does this for the batches of a run.
"""

import json

import numpy as np

from ..formats import Fixed, PowerOfTwo, Rounding, Tensor, format_name
from ..random_streams import PURPOSES

FORMAT = "intflow trace 1"
CHAIN = "sequential"
IMAGES = Fixed(8, 0, signed=False)
TOKENS = Fixed(32, 0)             # of a text, in the place of images: streams N, time steps T
LABELS = Fixed(32, 0, signed=False)


def write_head(file, **attributes):
    """What the whole trace says of itself: model, bits, seed, steps, digest, ..."""
    file.group("", {"format": FORMAT, **attributes})


def write_step(file, network, recorder, step, rate):
    """Write one recorded step.

    Parameters
    ----------
    file : of `trace_files.create`.
    network : the network that was stepped; gives layers, scheme and seed.
    recorder : Recorder of the step.
    step : int; its number, from 0.
    rate : Fraction; the learning rate.

    Returns
    -------
    int : how many tensors were written.
    """
    home = f"step/{step:06d}"
    file.group(home, {"lr": str(rate), "random": json.dumps(random_state(network, step))})
    for index, layer in enumerate(traced_layers(network.layers)):
        file.group(f"{home}/{layer.name}", {"index": index, "kind": layer.kind,
                                            **layer.settings(), **_branches(layer)})
    tensors = {**_step_tensors(recorder), **_layer_tensors(recorder)}
    names = [name for name in computed_order(network.layers) if name in tensors]
    for order, name in enumerate(names):
        tensor = tensors[name]
        attributes = describe(tensor.format, tensor.logical_axes)
        file.tensor(f"{home}/{name}", stored(tensor), {**attributes, "order": order})
    return len(names)


def traced_layers(layers):
    """The layers that have a group of their own, in forward order."""
    return [layer for layer in layers.walk() if layer.kind != CHAIN]


def describe(fmt, axes):
    """The attributes of a data set: what its integers mean.

    Examples
    --------
    Fixed(8, 7), "NCHW": bits 8, frac_bits 7, signed True, axes NCHW, format Q0.7. Binary(), "NC":
    bits 2, which -1 and +1 take in two's complement; PowerOfTwo(4), "NC": bits 8, for 64.
    """
    bits = max(fmt.bits, fmt.maximum.bit_length() + (fmt.minimum < 0))
    is_power = isinstance(fmt, (Fixed, PowerOfTwo)) and fmt.factor == 1
    scale = {"frac_bits": fmt.frac_bits} if is_power else {"step": str(fmt.step)}
    return {"bits": bits, **scale, "signed": fmt.minimum < 0, "axes": axes,
            "format": format_name(fmt)}


def stored(tensor):
    """Codes in logical order, in the smallest integers that hold the format."""
    return tensor.logical().astype(tensor.format.dtype, copy=False)


def random_state(network, step):
    """Where the random numbers of a step come from, for its attribute `random`.

    Philox: the key, and all of the counter but the block. A register: its settings, and for each
    weight the ticks that it had made before. `slots` has the same for each of W, A and E that
    rounds stochastically, layer by layer; "loss" is the narrowing of the loss's error.
    """
    source, parameters = getattr(network.scheme, "random", None), network.parameters
    slots = _drawing_slots(network)
    if source is not None and source.kind != "philox":
        sizes = [parameter.master.codes.size for parameter in parameters]
        ticks = {p.name: source.first_tick(sizes, p.index, step) for p in parameters}
        return {**source.to_dict(), "first_tick": ticks,
                **_only({slot: _ticks(network, source, slot, step) for slot in slots})}
    return {
        "kind": "philox4x32-10",
        "key": [network.seed & 0xFFFFFFFF, network.seed >> 32],
        "counter": ["block", "tensor", "step", "purpose"],
        "step": step,
        "purpose": {"update": PURPOSES["update"]},
        "tensor": {parameter.name: parameter.index for parameter in parameters},
        **_only({slot: {"purpose": PURPOSES[slot], "tensor": _numbers(network, slot)}
                 for slot in slots}),
    }


def _drawing_slots(network):
    """Those of W, A and E that draw."""
    rounding = getattr(network.scheme, "rounding", {})
    return [slot for slot in ("weight", "activation", "error")
            if rounding.get(slot) is Rounding.STOCHASTIC]


def _numbers(network, slot):
    """{layer: its number} of the layers that draw for a slot, in order."""
    names = {0: "loss", **{layer.number: layer.name for layer in traced_layers(network.layers)}}
    return {names[number]: number for number, _ in network.turns(slot)}


def _ticks(network, register, slot, step):
    """Where a slot's register starts, and its ticks before each layer draws."""
    at = network.run(step).address(slot)
    ticks = {name: register.first_tick_at(at._replace(tensor=number))
             for name, number in _numbers(network, slot).items()}
    return {"first_shift": register.first_shift(slot), "first_tick": ticks}


def _only(slots):
    return {"slots": slots} if slots else {}


def computed_order(layers):
    """Names of all tensors a step can have, in the order in which they are computed.

    Where branches run side by side, one follows the other.
    """
    updates = [f"{layer.name}/{tensor}" for layer in layers.walk() if layer.parameters()
               for tensor in ("update", "weight_new")]
    forward, backward = _forward_order(layers), _backward_order(layers)
    return ["images", "labels", *forward, "error", *backward, *updates]


def _forward_order(layer):
    yield from _names(layer, "input", "weight", "weight_q")
    for child in layer.children():
        yield from _forward_order(child)
    yield from _names(layer, "output")


def _backward_order(layer):
    yield from _names(layer, "error_in", "error_q")
    for child in reversed(layer.children()):
        yield from _backward_order(child)
    yield from _names(layer, "gradient", "error_out")


def _names(layer, *tensors):
    return [f"{layer.name}/{tensor}" for tensor in tensors if layer.kind != CHAIN]


def _step_tensors(recorder):
    images, labels = recorder.step["images"], recorder.step["labels"]
    return {
        "images": Tensor(images, *((IMAGES, "NCHW") if images.ndim == 4 else (TOKENS, "NT"))),
        "labels": Tensor(np.asarray(labels), LABELS, "N"),
        "error": recorder.step["error"],
    }


def _layer_tensors(recorder):
    return {f"{layer}/{name}": tensor for layer, tensors in recorder.layers.items()
            for name, tensor in tensors.items()}


def _branches(layer):
    """{"branches": ["conv2d_2 relu_2", ""]}: the layers of each branch of a combinator."""
    if not layer.children():
        return {}
    return {"branches": [" ".join(inner.name for inner in traced_layers(branch))
                         for branch in layer.children()]}
