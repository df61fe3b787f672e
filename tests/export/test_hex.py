"""Memories for $readmemh: read back, they are the trainer's integers."""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow import Trainer
from intflow.errors import ExportError
from intflow.export import find_export
from intflow.export.hex import memory
from intflow.formats import Binary, Fixed, PowerOfTwo, Tensor
from intflow.layers import Conv2d, Flatten, Linear, ReLU, Requantize, Sequential

import oracle_power

write = find_export("hex")


def small_trainer(bits="2888"):
    """A convolution and a matrix product, after one step."""
    net = Sequential(Conv2d(3, (2, 3)), ReLU(), Requantize(), Flatten(), Linear(4))
    trainer = Trainer(net, bits, input_shape=(2, 5, 4), batch_size=3, backend="reference", seed=2)
    trainer.step(np.arange(120, dtype=np.uint8).reshape(3, 2, 5, 4), np.arange(3))
    return trainer


def read_memory(path, bits, shape):
    """What $readmemh would put into a memory of signed words, in Python integers."""
    words = [int(line, 16) for line in path.read_text().split()]
    assert all(word < 1 << bits for word in words)
    signed = [word - (word >> bits - 1 << bits) for word in words]
    return np.array(signed, object).reshape(shape)


@pytest.mark.parametrize("bits", ["2888", "W3A5G12E8", "W16A16G32E16"])
def test_weights_come_back(tmp_path, bits):
    trainer = small_trainer(bits)
    report = write((trainer, {}), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert sorted(report["files"]) == sorted(path.name for path in tmp_path.iterdir())
    expected = {}
    for parameter in trainer.network.parameters:
        expected[parameter.name] = parameter.master.logical()
        expected[f"{parameter.name}_q"] = trainer.scheme.weight(trainer.kernels, parameter).logical()
    for name, codes in expected.items():
        about = manifest["tensors"][name]
        path = tmp_path / about["file"]
        assert about["shape"] == list(codes.shape)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == about["sha256"]
        assert (read_memory(path, about["bits"], about["shape"]) == codes).all()
        assert len({len(line) for line in path.read_text().split()}) == 1
    assert report["values"] == 256 + sum(codes.size for codes in expected.values())


def test_formats_and_input_table(tmp_path):
    trainer = small_trainer()
    write((trainer, {}), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    conv = manifest["tensors"]["conv2d_1.weight_q"]
    assert (conv["axes"], conv["shape"], conv["bits"]) == ("OIHW", [3, 2, 2, 3], 2)
    assert conv["frac_bits"] == trainer.scheme.weight_format("conv2d_1", 12).frac_bits
    assert manifest["tensors"]["linear_1.weight"]["axes"] == "OI"
    assert manifest["network"]["digest"] == trainer.digest()
    table = manifest["tensors"]["input_table"]
    codes = read_memory(tmp_path / table["file"], table["bits"], table["shape"])
    assert codes.tolist() == trainer.encoder.table.tolist()


def test_weights_that_are_drawn_anew_are_refused(tmp_path):
    trainer = Trainer("mlp", width=Fraction(1, 64), device='[rounding]\nweight = "stochastic"',
                      backend="reference")
    with pytest.raises(ExportError, match="other codes in every step"):
        write((trainer, {}), tmp_path)


def test_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        write((small_trainer(), {}), tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@given(st.integers(1, 33), st.data())
def test_twos_complement(bits, data):
    codes = data.draw(st.lists(st.integers(-1 << bits - 1, (1 << bits - 1) - 1), min_size=1, max_size=9))
    text = memory(Tensor(np.array(codes, np.int64), Fixed(bits, 0), "O"))
    words = [int(line, 16) for line in text.split()]
    assert [word - (word >> bits - 1 << bits) for word in words] == codes
    assert {len(line) for line in text.split()} == {(bits + 3) // 4}


def test_by_hand():
    assert memory(Tensor(np.array([1, 0, -1]), Fixed(2, 1), "O")) == "1\n0\n3\n"
    assert memory(Tensor(np.array([-1, 5]), Fixed(12, 1), "O")) == "fff\n005\n"


def test_signs_and_powers_are_written_as_their_bits():
    signs = np.array([[1, -1, -1]], np.int8)
    assert memory(Tensor(signs, Binary(), "NC")) == "1\n0\n0\n"
    powers = np.array([[0, 1, 64, -1, -64]], np.int8)
    assert memory(Tensor(powers, PowerOfTwo(4), "NC")) == "0\n1\n7\n9\nf\n"


def test_weights_of_powers_come_back(tmp_path):
    net = Sequential(Conv2d(3, (2, 3)), ReLU(), Requantize(), Flatten(), Linear(4))
    trainer = Trainer(net, "4-4-16-16", "qnn", input_shape=(2, 5, 4), batch_size=3, seed=2,
                      backend="reference", options="quantizer=log")
    write((trainer, {}), tmp_path)
    about = json.loads((tmp_path / "manifest.json").read_text())["tensors"]["linear_1.weight_q"]
    assert (about["format"], about["bits"], about["frac_bits"]) == ("pow2<4>", 4, 6)
    words = [int(line, 16) for line in (tmp_path / about["file"]).read_text().split()]
    parameter = next(p for p in trainer.network.parameters if p.name == "linear_1.weight")
    codes = trainer.scheme.weight(trainer.kernels, parameter).logical().ravel().tolist()
    assert [oracle_power.value(word, 4) for word in words] == codes and len(set(codes)) > 9
