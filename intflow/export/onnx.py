"""ONNX graphs that compute the engine's integers, in floats that hold them exactly.

    network.onnx         standard operators alone, any batch size: onnxruntime and all others
    network.qonnx.onnx   Quant nodes with the exact grids, one batch size: qonnx, FINN, hls4ml

Both take u8 images (N, C, H, W), encode them as the engine does, and give outputs whose value is
code * 2**-frac_bits (`manifest.json` says frac_bits). onnx_graph.py says why nothing rounds.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np

from ..errors import ExportError
from ..formats import Rounding
from ..ops import Products
from .describe import describe_network, weight_codes

STANDARD, QONNX, MANIFEST = "network.onnx", "network.qonnx.onnx", "manifest.json"
INPUT = "images"


def write(source, out_dir, batch_size=1):
    """Write both graphs.

    Parameters
    ----------
    source : (Trainer, attributes).
    out_dir : folder; made where it is missing.
    batch_size : int; of the graph with Quant nodes, whose readers want a number.

    Returns
    -------
    dict: "files"; "nodes" of the standard graph; "largest_code", the bound of all values, at most
    2**24; "output_frac_bits".

    Raises
    ------
    ExportError : without the package onnx; a network whose sums float32 does not hold exactly;
        roundings or accumulators of a device.
    """
    if importlib.util.find_spec("onnx") is None:
        raise ExportError('the format onnx needs a package: pip install "intflow[onnx]"')
    import onnx

    check(source[0])
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    models = {STANDARD: ("N", False), QONNX: (batch_size, True)}
    for file, (batch, qonnx) in models.items():
        model, graph, output = build(source, batch, qonnx)
        onnx.checker.check_model(model)
        (out_dir / file).write_bytes(model.SerializeToString(deterministic=True))
        if not qonnx:
            report = dict(nodes=len(graph.nodes), largest_code=graph.largest,
                          output_frac_bits=output.frac_bits)
    manifest = dict(network=describe_network(source), input=INPUT, output=output.name,
                    batch_size=batch_size, **report)
    (out_dir / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return dict(files=[*models, MANIFEST], **report)


def build(source, batch, qonnx):
    """(ModelProto, Graph, Value of the outputs) of a network."""
    from .onnx_graph import Graph
    from .onnx_layers import translate

    trainer, _ = source
    graph = Graph(batch, qonnx)
    x = encode(graph, trainer)
    output = translate(graph, trainer.network.layers, x, weights_of(trainer))
    about = {"network": json.dumps(describe_network(source)),
             "output_frac_bits": str(output.frac_bits)}
    return graph.model(INPUT, trainer.network.input_shape, about), graph, output


def weights_of(trainer):
    """{layer name: Tensor of the codes that enter its products}."""
    return {layer.name: weight_codes(trainer, layer.weight)
            for layer in trainer.network.layers.walk() if getattr(layer, "weight", None)}


def encode(graph, trainer):
    """u8 images to the first activations: scaled to [-1, 1] or [0, 1), then rounded to the grid.

    Raises
    ------
    ExportError : where float32 rounds any of the 256 bytes to another code than the engine.
    """
    from .onnx_graph import Value

    name, fmt = trainer.encoder.name, trainer.encoder.format
    shape = trainer.network.input_shape
    if not np.array_equal(encoded_in_floats(name, fmt), trainer.encoder.table):
        raise ExportError(f"float32 does not hold the encoding {name} in {fmt.bits} bits; use "
                          "--format c")
    dims, x = graph.dims(shape), INPUT
    x = graph.emit("images_float", "Cast", [x], dims, to=1)          # 1: FLOAT
    for number, (kind, operand) in enumerate(SCALES[name]):
        x = graph.emit(f"images_scaled_{number}", kind, [x, graph.scalar(operand)], dims)
    x = graph.quantize("images_quant", x, dims, fmt)
    return Value(x, shape, fmt.frac_bits, fmt.maximum)


# encoding -> operations on the byte; see data/encode.py
SCALES = {
    "symmetric": (("Mul", 2), ("Sub", 255), ("Div", 255)),
    "unit": (("Div", 256),),
}
OPERATIONS = {"Mul": np.multiply, "Sub": np.subtract, "Div": np.divide}


def encoded_in_floats(name, fmt):
    """The codes of all 256 bytes as the graph computes them."""
    x = np.arange(256, dtype=np.float32)
    for kind, operand in SCALES.get(name, ()):
        x = OPERATIONS[kind](x, np.float32(operand))
    return np.clip(np.round(x / np.float32(2.0 ** -fmt.frac_bits)), fmt.minimum, fmt.maximum)


def check(trainer):
    """Refuse what the graph would not compute as the engine does."""
    if trainer.scheme.name != "wage":
        raise ExportError(f"ONNX is written for the scheme wage, got {trainer.scheme.name}; use "
                          "--format hex or safetensors")
    rounding = trainer.scheme.rounding["activation"]
    if rounding is not Rounding.HALF_EVEN:
        raise ExportError(f"ONNX rounds half even, this run's activations {rounding}; export a "
                          "run without this device, or use --format hex")
    if type(trainer.network.products) is Products:
        return
    accumulator = getattr(getattr(trainer.network.products, "device", None), "forward", None)
    for layer in trainer.network.layers.walk():
        needed = getattr(layer, "bound_bits", {}).get("forward", 0)
        if accumulator is None or accumulator.bits < needed or accumulator.product_bits \
                or accumulator.drop_bits:
            raise ExportError(
                f"{layer.name or layer.kind}: ONNX sums exactly in {needed} bits, this run has "
                f"{getattr(accumulator, 'bits', 'products of its own')}; export a run without "
                "a device")
