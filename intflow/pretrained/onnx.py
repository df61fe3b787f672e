"""ONNX: the initializers of a model's graph, out of the protocol buffer that the file is.

    message    a run of fields; a field is a varint key (number << 3 | wire type) and its content
    wire type  0 varint, 1 eight bytes, 2 a length and that many bytes, 5 four bytes

    ModelProto   7 graph
    GraphProto   5 initializer, again and again
    TensorProto  1 dims, 2 data_type, 4 float_data, 5 int32_data (fp16 bits), 8 name, 9 raw_data,
                 10 double_data, 13 external_data, 14 data_location

Only these are looked at, so that no package is needed and nothing else of a file is trusted.
"""

from math import prod

import numpy as np

from .unpickle import Refused
from .widen import WIDTHS, stored_dtype, to_fp32

FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
LISTS = {"float32": 4, "float64": 10}       # the field of numbers that are not raw
MAX_VARINT = 10


def found(head):
    """Whether a file can be of this format: its first field is the version, a varint."""
    return head[:1] == b"\x08"


def read(content):
    """{name: fp32 array} of every float initializer of a file's bytes."""
    graphs = [value for number, value in fields(memoryview(content)) if number == 7]
    if len(graphs) != 1 or not isinstance(graphs[0], memoryview):
        raise ValueError("no graph")
    arrays = {}
    for number, value in fields(graphs[0]):
        if number == 5:
            name, array = _tensor(dict_of(value))
            if array is not None:
                arrays[name] = array
    return arrays


def fields(message):
    """Every (number, content) of a message; content is an int or a memoryview."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        else:
            length, at = _length(message, at, key & 7)
            value, at = message[at:at + length], at + length
            if len(value) != length:
                raise ValueError("a field longer than the file")
        yield key >> 3, value


def _length(message, at, wire):
    if wire == 2:
        return varint(message, at)
    if wire not in (1, 5):
        raise ValueError(f"a field of wire type {wire}")
    return (8 if wire == 1 else 4), at


def varint(message, at):
    """(value, place behind it) of a number in base 128, least digit first."""
    value = 0
    for place, byte in enumerate(message[at:at + MAX_VARINT]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("a number without end")


def dict_of(message):
    """{number: [contents]} of a message."""
    found_fields = {}
    for number, value in fields(message):
        found_fields.setdefault(number, []).append(value)
    return found_fields


def _tensor(proto):
    """(name, fp32 array), or (name, None) where it holds no floats."""
    name = bytes(proto.get(8, [b""])[-1]).decode("utf-8")
    kind = FLOATS.get(proto.get(2, [0])[-1])
    if proto.get(14, [0])[-1] != 0 or 13 in proto:
        raise Refused(f"its tensor {name[:60]} lies in another file; save the model in one piece")
    if kind is None:
        return name, None
    shape = tuple(_numbers(proto.get(1, [])))
    content = _raw(proto, kind)
    if len(content) != prod(shape) * WIDTHS[kind]:
        raise ValueError(f"{name[:60]} claims {prod(shape)} numbers, it has {len(content)} bytes")
    stored = np.frombuffer(content, stored_dtype(kind)).reshape(shape)
    return name, to_fp32(stored, kind)


def _raw(proto, kind):
    """The bytes of a tensor, from whichever field holds them."""
    if 9 in proto:
        return bytes(proto[9][-1])
    if kind in LISTS:
        return b"".join(bytes(part) for part in proto.get(LISTS[kind], []))
    return np.array(_numbers(proto.get(5, [])), np.uint16).tobytes()


def _numbers(contents):
    """Varints, one a field or packed into one."""
    numbers = []
    for content in contents:
        at = 0
        if isinstance(content, int):
            numbers.append(content)
            continue
        while at < len(content):
            number, at = varint(content, at)
            numbers.append(number)
    return numbers
