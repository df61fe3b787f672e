"""Forward products in ONNX Runtime, u8 x s8 -> s32: MatMulInteger and ConvInteger.

A model of one node is written by hand, field by field as onnx.proto numbers them, so that the
package onnx is not needed.
"""

UINT8, INT8, INT32 = 2, 3, 6            # TensorProto.DataType
INTEGER, INTEGERS = 2, 7                # AttributeProto.AttributeType
OPSET, IR_VERSION = 13, 8


class OnnxProduct:
    """One product again and again; the arguments are those of `TorchProduct`."""

    def __init__(self, sizes, threads):
        import numpy as np
        import onnxruntime

        self.version = onnxruntime.__version__
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        rng = np.random.default_rng(0)
        matrix = sizes["w"][2:] == [1, 1] and sizes["x"][2:] == [1, 1]
        weight = rng.integers(-127, 128, sizes["w"], np.int8)
        x = rng.integers(0, 256, sizes["x"], np.uint8)
        if matrix:
            weight = np.ascontiguousarray(weight.reshape(len(weight), -1).T)
            x = x.reshape(len(x), -1)
        y = sizes["y"][:2] if matrix else sizes["y"]
        model = one_node(x.shape, weight, y, sizes)
        self.session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        self.inputs = {"x": x}
        self.run()

    def about(self):
        return {"library": f"onnxruntime {self.version}"}

    def run(self):
        self.session.run(None, self.inputs)


def one_node(shape, weight, result, sizes):
    """The bytes of a model y = product(x, weight); shape, result : of x and y."""
    if weight.ndim == 2:
        name, attributes = "MatMulInteger", []
    else:
        top, bottom, left, right = sizes["padding"]
        name, attributes = "ConvInteger", [
            numbers("strides", sizes["stride"]), numbers("dilations", sizes["dilation"]),
            numbers("pads", [top, left, bottom, right]), number("group", sizes["groups"])]
    node = text(1, "x") + text(1, "w") + text(2, "y") + text(4, name)
    node += b"".join(field(5, attribute) for attribute in attributes)
    constant = b"".join(integer(1, n) for n in weight.shape)
    constant += integer(2, INT8) + text(8, "w") + field(9, weight.tobytes())
    graph = field(1, node) + text(2, "graph") + field(5, constant)
    graph += field(11, value("x", UINT8, shape)) + field(12, value("y", INT32, result))
    return integer(1, IR_VERSION) + field(7, graph) + field(8, integer(2, OPSET))


def value(name, kind, shape):
    """A ValueInfoProto."""
    tensor = integer(1, kind) + field(2, b"".join(field(1, integer(1, n)) for n in shape))
    return text(1, name) + field(2, field(1, tensor))


def number(name, n):
    """An AttributeProto of an integer."""
    return text(1, name) + integer(3, n) + integer(20, INTEGER)


def numbers(name, ns):
    """An AttributeProto of integers."""
    return text(1, name) + b"".join(integer(8, n) for n in ns) + integer(20, INTEGERS)


def integer(tag, n):
    """A field that is a varint."""
    return varint(tag << 3) + varint(n)


def text(tag, characters):
    """A field that is a string."""
    return field(tag, characters.encode())


def field(tag, content):
    """A field that has a length."""
    return varint(tag << 3 | 2) + varint(len(content)) + content


def varint(n):
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))
