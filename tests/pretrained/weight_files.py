"""Small files of weights in every published format, made by the tests themselves, byte by byte."""

import io
import json
import struct
import zipfile

import numpy as np

# What is in every file: odd shapes, one number, none at all, and values that fp16 holds.
TENSORS = {
    "conv.weight": np.arange(-20, 34).reshape(2, 3, 3, 3) / 4,
    "conv.bias": np.array([0.5, -1.25]),
    "scale": np.array(3.0),
    "empty": np.zeros((0, 4)),
}
# kind: (NumPy type in a file, PyTorch's storage, safetensors' name, ONNX's number)
KINDS = {
    "float16": ("<f2", "HalfStorage", "F16", 10),
    "bfloat16": ("<u2", "BFloat16Storage", "BF16", 16),
    "float32": ("<f4", "FloatStorage", "F32", 1),
    "float64": ("<f8", "DoubleStorage", "F64", 11),
    "int64": ("<i8", "LongStorage", "I64", 7),
}


def stored(array, kind):
    """The bytes of an array; these values lose nothing in any kind."""
    if kind == "bfloat16":
        return (np.asarray(array, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return np.asarray(array, KINDS[kind][0]).tobytes()


# PyTorch: pickles, instruction by instruction.

def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(n):
    return b"\x8a\x09" + n.to_bytes(9, "little", signed=True)


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def packed(*parts):
    return b"(" + b"".join(parts) + b"t"


def call(function, *arguments):
    return function + packed(*arguments) + b"R"


def dictionary(items):
    """{text: program} as an OrderedDict."""
    pairs = b"".join(text(key) + program for key, program in items.items())
    return call(name("collections", "OrderedDict")) + b"(" + pairs + b"u"


def storage(kind, key, count):
    return packed(text("storage"), name("torch", KINDS[kind][1]), text(key), text("cpu"),
                  number(count)) + b"Q"


def tensor(where, offset, shape, strides, function="_rebuild_tensor_v2"):
    return call(name("torch._utils", function), where, number(offset),
                packed(*map(number, shape)), packed(*map(number, strides)), b"\x89",
                call(name("collections", "OrderedDict")))


def strides_of(shape):
    return [int(np.prod(shape[axis + 1:], dtype=int)) for axis in range(len(shape))]


def described(kind="float32", tensors=None):
    """(items of the dictionary, {key: bytes of the storage}) of contiguous tensors."""
    items, storages = {}, {}
    for key, (label, array) in enumerate((tensors or TENSORS).items()):
        where = storage(kind, str(key), array.size)
        items[label] = tensor(where, 0, array.shape, strides_of(array.shape))
        storages[str(key)] = stored(array, kind)
    return items, storages


def pickled(program):
    return b"\x80\x02" + program + b"."


def zip_file(program, storages, compression=zipfile.ZIP_STORED, order=b"little"):
    """PyTorch's format since 1.6."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("net/data.pkl", pickled(program))
        archive.writestr("net/byteorder", order)
        archive.writestr("net/version", b"3\n")
        for key, content in storages.items():
            archive.writestr(f"net/data/{key}", content)
    return out.getvalue()


MAGIC = pickled(b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little"))


def legacy_file(program, storages, width=4, order=b"\x88"):
    """PyTorch's format before 1.6."""
    system = b"}" + text("little_endian") + order + b"s"
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    parts = [MAGIC, pickled(b"M\xe9\x03"), pickled(system), pickled(program), pickled(keys)]
    for content in storages.values():
        parts += [struct.pack("<q", len(content) // width), content]
    return b"".join(parts)


def torch_zip(kind="float32"):
    items, storages = described(kind)
    return zip_file(dictionary(items), storages)


def torch_legacy(kind="float32"):
    items, storages = described(kind)
    return legacy_file(dictionary(items), storages, np.dtype(KINDS[kind][0]).itemsize)


def safetensors(kind="float32", header=None, content=None):
    entries, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for label, array in TENSORS.items():
        parts.append(stored(array, kind))
        entries[label] = {"dtype": KINDS[kind][2], "shape": array.shape,
                          "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    header = json.dumps(entries).encode() if header is None else header
    content = b"".join(parts) if content is None else content
    return struct.pack("<Q", len(header)) + header + content


def npz(kind="float32", compress=False, **others):
    out = io.BytesIO()
    arrays = {label: array.astype(KINDS[kind][0]) for label, array in TENSORS.items()}
    arrays["conv.weight"] = np.asfortranarray(arrays["conv.weight"])
    (np.savez_compressed if compress else np.savez)(out, **arrays, **others)
    return out.getvalue()


# ONNX: protocol buffers, field by field.

def varint(n):
    digits = [n >> place & 127 for place in range(0, max(n.bit_length(), 1), 7)]
    return bytes([digit | 128 for digit in digits[:-1]] + digits[-1:])


def field(index, content):
    if isinstance(content, int):
        return varint(index << 3) + varint(content)
    return varint(index << 3 | 2) + varint(len(content)) + content


def onnx_tensor(label, array, kind, raw=True):
    dims = b"".join(field(1, n) for n in array.shape)
    content = stored(array, kind)
    if raw:
        numbers = field(9, content)
    elif kind in ("float32", "float64"):
        numbers = field(4 if kind == "float32" else 10, content)
    else:
        numbers = field(5, b"".join(map(varint, np.frombuffer(content, "<u2").tolist())))
    return dims + field(2, KINDS[kind][3]) + numbers + field(8, label.encode())


def onnx(kind="float32", raw=True, extra=b""):
    tensors = b"".join(field(5, onnx_tensor(*item, kind, raw)) for item in TENSORS.items())
    graph = field(1, field(4, b"Conv")) + field(2, b"graph") + tensors + extra
    return field(1, 8) + field(2, b"a test") + field(7, graph)


def write_hdf5(path, kind="float32"):
    """Layers as groups, as Keras lays them out."""
    import h5py

    with h5py.File(path, "w") as file:
        for label, array in TENSORS.items():
            compress = {"compression": "gzip"} if array.size > 9 else {}
            numbers = array.astype(KINDS[kind][0])
            file.create_dataset(label.replace(".", "/"), data=numbers, **compress)
        file["steps"] = np.arange(3)
    return path
