"""A graph of ONNX nodes whose float32 values are all integers times a power of two.

float32 holds every integer up to 2**24 exactly, and a power of two as factor changes no digit. So
as long as every value is code * 2**-frac_bits with |code| <= 2**24, each sum, product and shift
below is exact in any order, and the graph computes the engine's integers. `Value` carries that
bound, and `Graph.add` refuses to go beyond it.

Two dialects: QONNX says how a tensor is rounded by one `Quant` node, standard ONNX by Div, Round
(half to even), Clip, Mul.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from ..errors import ExportError

EXACT = 1 << 24
OPSET, IR_VERSION = 17, 8
QONNX_DOMAIN = "qonnx.custom_op.general"


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    shape : of one image.
    frac_bits, bound : every element is code * 2**-frac_bits, |code| <= bound.
    """

    name: str
    shape: tuple
    frac_bits: int
    bound: int


class Graph:
    """Nodes, constants and shapes, in the order they come.

    Parameters
    ----------
    batch : int or str; the first axis of every tensor, "N" for any.
    qonnx : bool; Quant nodes, or standard ones.

    Attributes
    ----------
    largest : int; the largest bound of all values so far.
    """

    def __init__(self, batch, qonnx):
        self.batch, self.qonnx = batch, qonnx
        self.nodes, self.constants, self.infos = [], {}, []
        self.largest = 0

    def constant(self, name, array):
        """A stored tensor; returns its name."""
        self.constants.setdefault(name, onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def scalar(self, value):
        """A float32 constant."""
        return self.constant(f"const_{float(value)!r}", np.float32(value))

    def dims(self, shape):
        """A tensor's axes, from those of one image."""
        return [self.batch, *shape]

    def emit(self, name, kind, inputs, dims, domain="", **attributes):
        """One node with one output tensor; returns the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}_{kind}",
                                           domain=domain, **attributes))
        self.infos.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims))
        return name

    def add(self, layer, kind, inputs, shape, frac_bits, bound, **attributes):
        """A node on images whose values are proven; returns its Value.

        Raises
        ------
        ExportError : where |code| may exceed 2**24.
        """
        if bound > EXACT:
            raise ExportError(
                f"{layer} reaches codes of {bound.bit_length() + 1} bits and float32 holds 25 "
                "exactly; train with fewer bits, or use --format c, which has no floats")
        self.largest = max(self.largest, bound)
        name = self.emit(f"{layer}_{kind.lower()}", kind, inputs, self.dims(shape), **attributes)
        return Value(name, shape, frac_bits, bound)

    def quantize(self, name, source, dims, fmt):
        """`source` rounded half even to the codes of a symmetric format; returns the name."""
        step = self.scalar(2.0 ** -fmt.frac_bits)
        if self.qonnx:
            inputs = [source, step, self.scalar(0), self.scalar(fmt.bits)]
            return self.emit(name, "Quant", inputs, dims, domain=QONNX_DOMAIN, signed=1, narrow=1,
                             rounding_mode="ROUND")
        scaled = self.emit(f"{name}_scaled", "Div", [source, step], dims)
        rounded = self.emit(f"{name}_rounded", "Round", [scaled], dims)
        limits = [self.scalar(fmt.minimum), self.scalar(fmt.maximum)]
        clipped = self.emit(f"{name}_clipped", "Clip", [rounded, *limits], dims)
        return self.emit(name, "Mul", [clipped, step], dims)

    def model(self, input_name, input_shape, metadata):
        """The ModelProto: u8 images in, what the last node makes out.

        metadata : {str: str}; stored in the model's properties.
        """
        image = helper.make_tensor_value_info(input_name, onnx.TensorProto.UINT8,
                                              self.dims(input_shape))
        *inner, last = self.infos
        graph = helper.make_graph(self.nodes, "intflow", [image], [last], value_info=inner,
                                  initializer=list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        opsets += [helper.make_opsetid(QONNX_DOMAIN, 1)] * self.qonnx
        model = helper.make_model(graph, opset_imports=opsets, producer_name="intflow",
                                  ir_version=IR_VERSION)
        helper.set_model_props(model, metadata)
        return model
