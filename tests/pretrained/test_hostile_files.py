"""Files of weights that lie, break off or want to run something: one line each, nothing happens."""

import json
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretrained import weight_files as files

from intflow.errors import WeightsError
from intflow.pretrained.readers import read_weights

BIG = 1 << 40


def torch_of(storage_count=4, held=4, offset=0, shape=(4,), strides=(1,), wrap=files.zip_file):
    """One tensor "a" whose numbers may disagree; `held` elements are really there."""
    where = files.storage("float32", "0", storage_count)
    program = files.dictionary({"a": files.tensor(where, offset, shape, strides)})
    return wrap(program, {"0": bytes(4 * held)})


def evil(*program):
    return files.zip_file(files.dictionary({"a": b"".join(program)}), {})


def system(module="posix"):
    """A pickle that makes a folder when it is loaded by Python."""
    return files.call(files.name(module, "mkdir"), files.text("harm"))


# A tuple of twice the last one, 64 times: whoever prints, hashes or copies it never ends.
ENDLESS = b")" + b"q\x01h\x01\x86" * 64


def header(**entry):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **entry}
    return files.safetensors(header=json.dumps({"a": entry}).encode(), content=bytes(8))


def npy(text, content=b""):
    """An archive of one member with this header."""
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content
    out = files.io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", member)
    return out.getvalue()


def onnx_of(tensor):
    return files.onnx(extra=files.field(5, tensor))


def encrypted():
    content = bytearray(files.npz())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + at] |= 1
    return bytes(content)


def bomb():
    """A gigabyte of zeros that deflate makes small enough to be true, claimed to be more."""
    content = bytearray(files.npz(compress=True))
    at = content.find(b"PK\1\2")
    content[at + 24:at + 28] = struct.pack("<I", 0xFFFFFFFE)
    return bytes(content)


FLOAT = b"{'descr': '<f4', 'fortran_order': False, 'shape': %s}\n"
TABLE = {
    "nothing in it": (b"", "no known file"),
    "text": (b"hello, this is no file of weights", "no known file.*safetensors"),
    "no tensors": (files.zip_file(files.dictionary({}), {}), "holds no tensors"),
    "any pickle": (b"\x80\x04" + system() + b".", "a Python pickle, which is not loaded"),
    # Pickles that want to run something.
    "calls": (evil(system()), "asks for posix.mkdir"),
    "calls, legacy": (files.legacy_file(files.dictionary({"a": system()}), {}), "posix.mkdir"),
    "calls, in the header": (files.MAGIC + files.pickled(system()), "asks for posix.mkdir"),
    "names from the stack": (evil(files.text("os"), files.text("system"), b"\x93"), "os.system"),
    "makes objects": (evil(files.name("builtins", "eval"), b")\x81"), "builtins.eval"),
    "a whole network": (evil(files.name("__main__", "Net"), b")\x81"), "__main__.Net"),
    "new objects of known names": (
        evil(files.name("collections", "OrderedDict"), b")\x81"), "NEWOBJ"),
    "state of an object": (evil(files.text("x"), b"}b"), "sets the state"),
    "extension registry": (evil(b"\x82\x01"), "instruction EXT1"),
    "calls a text": (evil(files.text("x"), b")R"), "what is no function"),
    "calls a storage": (evil(files.name("torch", "FloatStorage"), b")R"), "what is no function"),
    "a module outside": (
        evil(files.packed(files.text("module"), b"NNNN"), b"Q"), "whole network with its code"),
    "endless key": (evil(b"}" + ENDLESS + b"Ns"), "neither a string"),
    "endless identity": (evil(files.packed(ENDLESS, b"NNNN") + b"Q"), "no known form"),
    "endless type": (
        evil(files.packed(files.text("storage"), *[ENDLESS] * 4) + b"Q"), "known type"),
    "endless name": (evil(ENDLESS + ENDLESS + b"\x93"), "damaged"),
    "endless shape": (evil(files.tensor(files.storage("float32", "0", 0), 0, [], []).replace(
        b"(t(t", b"(" + ENDLESS + b"t(" + ENDLESS + b"t")), "negative size"),
    "endless network": (files.zip_file(ENDLESS, {}), "holds a tuple"),
    "endless keys, legacy": (
        files.MAGIC + b"".join(map(files.pickled, (
            b"M\xe9\x03", b"}" + files.text("little_endian") + b"\x88s", b"}",
            b"](" + ENDLESS + b"e"))), "no text"),
    # Sizes that lie.
    "storage of 4 TB": (torch_of(storage_count=BIG), "16 bytes, not"),
    "storage of 4 TB, legacy": (torch_of(BIG, wrap=files.legacy_file), "more than the file holds"),
    "view too long": (torch_of(shape=(5,)), "outside its storage"),
    "view from too far": (torch_of(offset=1), "outside its storage"),
    "stride too long": (torch_of(shape=(2, 2), strides=(3, 1)), "outside its storage"),
    "stride 0 makes it large": (torch_of(shape=(BIG,), strides=(0,)), "larger than the file"),
    "negative": (torch_of(shape=(-1,)), "negative size"),
    "many axes": (torch_of(shape=(1,) * 40, strides=(1,) * 40), "without storage, shape"),
    "compressed": (files.zip_file(b"}", {}, zipfile.ZIP_DEFLATED), "is compressed"),
    "big-endian": (files.zip_file(b"}", {}, order=b"big"), "big-endian"),
    "big-endian, legacy": (files.legacy_file(b"}", {}, order=b"\x89"), "big-endian"),
    "no dictionary": (files.zip_file(files.text("x"), {}), "holds a str"),
    "storage that is not there": (
        files.zip_file(files.dictionary(files.described()[0]), {}), "damaged"),
    "header of 16 EB": (b"\xff" * 8 + b"{}", "no known file"),
    "header over the file's end": (struct.pack("<Q", 40) + b"{" + bytes(41), "damaged"),
    "JSON in JSON in ...": (struct.pack("<Q", 90000) + b'{"a":' + b"[" * 90000, "damaged"),
    "tensor over the file's end": (header(data_offsets=[0, 16], shape=[4]), "outside the file"),
    "tensor longer than its bytes": (header(shape=[BIG]), "claims"),
    "tensor of negative size": (header(shape=[-1, -2]), "negative size"),
    "tensor of half a size": (header(shape=[2.0]), "negative size"),
    "tensor backwards": (header(data_offsets=[8, 0]), "outside the file"),
    "no type": (files.safetensors(header=b'{"a": {"shape": []}}'), "damaged"),
    "npz: objects": (npy(FLOAT.replace(b"<f4", b"|O") % b"(1,)", bytes(8)), "Python objects"),
    "npz: 4 TB": (npy(FLOAT % b"(1099511627776,)", bytes(8)), "damaged"),
    "npz: header is a program": (npy(b"__import__('os').mkdir('harm')\n"), "damaged"),
    "npz: encrypted": (encrypted(), "damaged.*password|encrypted"),
    "npz: bomb": (bomb(), "more than its bytes can hold"),
    "onnx: length over the end": (files.field(1, 8) + b"\x3a\xff\xff\xff\xff\x0f", "longer than"),
    "onnx: endless number": (files.field(1, 8) + b"\x38" + b"\xff" * 12, "without end"),
    "onnx: no graph": (files.field(1, 8), "no graph"),
    "onnx: 4 TB": (onnx_of(files.field(1, BIG) + files.field(2, 1) + files.field(9, b"")), "claims"),
    "onnx: another file": (
        onnx_of(files.field(2, 1) + files.field(13, b"x") + files.field(14, 1)), "another file"),
}


@pytest.mark.parametrize("case", TABLE)
def test_one_line(case, tmp_path, monkeypatch):
    content, message = TABLE[case]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        read_weights(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["weights"]


def test_no_such_file(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(WeightsError, match="no such file"):
            read_weights(path)


def external(file):
    file.create_dataset("a", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("a", layout)


def links(file):
    file["a"] = h5py.ExternalLink("/etc/passwd", "/")
    file["b"] = h5py.SoftLink("/nowhere")


@pytest.mark.parametrize("make, message", [
    (external, "leads outside"), (virtual, "leads outside"), (links, "holds no tensors"),
    (lambda file: file.create_dataset("a", (BIG,), "f4", chunks=(1 << 20,)), "claims"),
    (lambda file: file.create_dataset("a", (8,), "f4", compression="lzf"), "in a way this program"),
])
def test_hdf5_that_leads_elsewhere(make, message, tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(WeightsError, match=message):
        read_weights(path)


def test_calls_cannot_multiply_a_file(tmp_path):
    """A list becomes a dictionary once; a second call with it finds it empty."""
    pairs = b"](" + b"](" + files.text("k") + files.number(1) + b"ee" + b"q\x01"
    ordered = files.name("collections", "OrderedDict")
    again = files.call(ordered, b"h\x01")
    items, storages = files.described()
    program = files.dictionary({"first": files.call(ordered, pairs), "again": again, **items})
    path = tmp_path / "weights"
    path.write_bytes(files.zip_file(program, storages))
    assert set(read_weights(path)) == set(files.TENSORS)


def test_many_views_of_one_storage(tmp_path):
    """Tied weights are welcome, a thousand copies of everything are not."""
    numbers = np.arange(4000.0)
    whole = files.tensor(files.storage("float32", "0", 4000), 0, [4000], [1])
    for copies, fits in ((2, True), (1000, False)):
        items = {str(i): whole for i in range(copies)}
        path = tmp_path / "weights"
        content = {"0": files.stored(numbers, "float32")}
        path.write_bytes(files.zip_file(files.dictionary(items), content))
        if fits:
            assert np.array_equal(read_weights(path)["1"], numbers)
        else:
            with pytest.raises(WeightsError, match="larger than the file"):
                read_weights(path)


WHOLE = {
    "zip": files.torch_zip(), "legacy": files.torch_legacy(), "safetensors": files.safetensors(),
    "npz": files.npz(), "onnx": files.onnx(),
}


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_is_never_a_traceback(kind, data, tmp_path_factory):
    """Cut anywhere, or with bytes changed: arrays of some kind, or one clear line."""
    content = bytearray(WHOLE[kind][:data.draw(st.integers(0, len(WHOLE[kind])))]
                        if data.draw(st.booleans()) else WHOLE[kind])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "weights"
    path.write_bytes(content)
    try:
        assert all(array.dtype == np.float32 for array in read_weights(path).values())
    except WeightsError as error:
        assert "\n" not in str(error)
