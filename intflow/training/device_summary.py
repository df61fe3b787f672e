"""A device's accumulators beside the proven bounds of a network."""

FACES = {"forward": "fwd", "error": "err", "gradient": "grad"}


def add_device(summary, network, device):
    """`summary` with what a Device makes of every product; as it is where there is none.

    device : name of the device.
    layers : rows of a layer with products also have device, {"fwd", "err", "grad"} -> bits of the
        accumulator, and can_overflow, the same -> whether a bound is beyond what it holds.

    Examples
    --------
    conv2d_2 of LeNet 2888, 16 bits: its forward sums may need 18 bits, so they can overflow.
    """
    if device is None:
        return summary
    sums = {layer.name: layer.sums for layer in network.layers.walk()
            if hasattr(layer, "sums")}
    for row in summary["layers"]:
        faces = sums.get(row["layer"], {})
        if faces:
            row["device"] = {FACES[f]: getattr(device, f).bits for f in faces}
            row["can_overflow"] = {FACES[f]: device.can_overflow(f, *faces[f]) for f in faces}
    return {**summary, "device": device.name}
