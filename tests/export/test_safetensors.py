"""safetensors files: the integers, their formats, and the library's own reader."""

import json

import numpy as np
import pytest
from export.test_hex import small_trainer

from intflow.export import find_export
from intflow.export.safetensors import serialize

write = find_export("safetensors")


def parse(data):
    """(metadata, {name: array}) by the format's description alone."""
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    metadata, arrays, used = header.pop("__metadata__"), {}, 0
    for name, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, end = about["data_offsets"]
        assert start == used, "tensors lie side by side"
        kind = f"<{'u' if about['dtype'][0] == 'U' else 'i'}{int(about['dtype'].strip('IU')) // 8}"
        arrays[name] = np.frombuffer(body[start:end], kind).reshape(about["shape"])
        assert start % arrays[name].itemsize == 0, "tensors lie aligned"
        used = end
    assert used == len(body) and (8 + size) % 8 == 0
    return metadata, arrays


@pytest.mark.parametrize("bits", ["2888", "W16A16G32E16"])
def test_codes_and_formats(tmp_path, bits):
    trainer = small_trainer(bits)
    trainer.network.parameters[0].state = {"moment": np.arange(6, dtype=np.int64).reshape(2, 3)}
    assert write((trainer, {}), tmp_path)["files"] == ["network.safetensors"]
    data = (tmp_path / "network.safetensors").read_bytes()
    metadata, arrays = parse(data)
    for parameter in trainer.network.parameters:
        quantised = trainer.scheme.weight(trainer.kernels, parameter)
        for name, tensor in ((parameter.name, parameter.master), (f"{parameter.name}_q", quantised)):
            assert arrays[name].dtype == tensor.codes.dtype
            assert np.array_equal(arrays[name], tensor.logical())
            about = json.loads(metadata[name])
            assert (about["bits"], about["frac_bits"]) == (tensor.format.bits, tensor.format.frac_bits)
            assert about["axes"] == tensor.logical_axes
    assert arrays["conv2d_1.weight.moment"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert json.loads(metadata["network"])["digest"] == trainer.digest()


def test_the_library_reads_it(tmp_path):
    reader = pytest.importorskip("safetensors", reason="the package safetensors is not installed")
    from safetensors.numpy import load_file

    trainer = small_trainer()
    write((trainer, {}), tmp_path)
    path = tmp_path / "network.safetensors"
    arrays = load_file(path)
    _, expected = parse(path.read_bytes())
    assert set(arrays) == set(expected)
    assert all(np.array_equal(arrays[name], expected[name]) for name in arrays)
    with reader.safe_open(path, "np") as file:
        assert json.loads(file.metadata()["network"])["steps"] == 1


def test_by_hand():
    data = serialize({"a": np.array([[1, -2]], np.int16), "b": np.array([3], np.int8)}, {"k": "v"})
    size = int.from_bytes(data[:8], "little")
    assert data[8 + size:] == b"\x01\x00\xfe\xff\x03"
    assert json.loads(data[8:8 + size]) == {
        "__metadata__": {"k": "v"}, "a": {"dtype": "I16", "shape": [1, 2], "data_offsets": [0, 4]},
        "b": {"dtype": "I8", "shape": [1], "data_offsets": [4, 5]}}
