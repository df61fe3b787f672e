"""Published formats, read back from files that the tests make."""

import pickle
import struct

import numpy as np
import pytest
from data import makers

from intflow.data import open_dataset
from intflow.data.sources import BadData, module
from intflow.errors import DatasetError

cifar, python_batch = module("cifar"), module("python_batch")


@pytest.mark.parametrize("zipped", [False, True])
def test_idx(tmp_path, zipped):
    data = open_dataset(makers.write_idx(tmp_path / "grey", 20, 10, zipped))
    assert data.shape == (1, 6, 6) and data.encoding == "unit" and len(data.classes) == 10
    assert np.array_equal(data.train.read(range(20))[:, 0], makers.images(20, 6, 6, seed=20))
    assert np.array_equal(data.test.labels, makers.labels(10))


def test_cifar10_binary(tmp_path):
    makers.write_cifar10(tmp_path / "cifar-10-batches-bin")
    data = open_dataset(tmp_path)          # one folder down, as the archive unpacks
    assert (data.name, len(data.train), len(data.test)) == ("cifar10", 20, 4)
    assert np.array_equal(data.train.read([4, 5]).reshape(2, -1),
                          makers.images(4, makers.PIXELS, seed=1)[:2])
    assert list(data.train.labels[:5]) == [0, 1, 2, 3, 0] and data.classes[3] == "cat"


def test_cifar10_python_equals_binary(tmp_path):
    binary = open_dataset(makers.write_cifar10(tmp_path / "b"))
    python = open_dataset(makers.write_cifar10_python(tmp_path / "p"))
    assert np.array_equal(binary.train.read(range(20)), python.train.read(range(20)))
    assert np.array_equal(binary.train.labels, python.train.labels)


def test_cifar100_takes_fine_labels(tmp_path):
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(makers.cifar_records(5, label_bytes=2))
    data = open_dataset(tmp_path)
    assert data.name == "cifar100" and len(data.classes) == 100 == len(set(data.classes))
    assert list(data.train.labels) == [0, 1, 2, 3, 4]
    python = tmp_path / "python"
    python.mkdir()
    for name in ("train", "test"):
        pixels = makers.images(5, makers.PIXELS)
        (python / name).write_bytes(makers.python2_batch(pixels, [0, 1, 2, 3, 99], b"fine_labels"))
    assert list(open_dataset(python).train.labels) == [0, 1, 2, 3, 99]


def test_svhn(tmp_path):
    data = open_dataset(makers.write_svhn(tmp_path))
    assert list(data.train.labels) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert np.array_equal(data.test.read([3])[0], makers.images(12, 32, 32, 3)[3].transpose(2, 0, 1))
    makers.write_mat(tmp_path / "extra_32x32.mat", 7)
    assert len(open_dataset(tmp_path).train) == 19
    images, _ = module("mat").read_mat(makers.write_mat(tmp_path / "one.mat", 1))
    assert images.shape == (1, 3, 32, 32)


@pytest.mark.parametrize("protocol", range(5))
def test_batches_pickled_by_python3(protocol):
    batch = {b"data": makers.images(3, 8), "labels": [1, 2, 300], "name": "x", "none": None}
    read = python_batch.read_batch(pickle.dumps(batch, protocol), "here")
    assert np.array_equal(read.pop("data"), batch.pop(b"data"))
    assert read == batch


def test_batches_run_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return eval, (f"open({str(tmp_path / 'hacked')!r}, 'w')",)

    for protocol in range(6):
        with pytest.raises(BadData, match="wants to import builtins.eval|__builtin__.eval"):
            python_batch.read_batch(pickle.dumps({"data": Evil()}, protocol), "here")
    assert not (tmp_path / "hacked").exists()


def test_damaged_batches_are_refused_whatever_the_damage():
    """Every cut and many single-byte changes: BadData or a dictionary, nothing else."""
    batch = makers.python2_batch(makers.images(2, 4), [1, 2], b"labels")
    for end in range(len(batch)):
        with pytest.raises(BadData):
            python_batch.read_batch(batch[:end], "here")
    for at in range(len(batch)):
        for value in (0, 0x28, 0x52, 0x62, 0x71, 0xFF):
            changed = batch[:at] + bytes([value]) + batch[at + 1:]
            try:
                assert isinstance(python_batch.read_batch(changed, "here"), dict)
            except BadData:
                pass


def test_absurd_lengths_are_refused_before_allocating():
    huge = b"\x80\x02}(" + makers.short(b"data") + b"T" + struct.pack("<I", 0x7FFFFFFF) + b"x"
    with pytest.raises(BadData, match="truncated"):
        python_batch.read_batch(huge, "here")
    header = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    with pytest.raises(BadData, match="truncated or damaged"):
        _read_idx(header + bytes(100))


def _read_idx(content):
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return module("idx").read_idx(file.name, 3)


def test_published_sums_are_compared_by_name_only(tmp_path):
    makers.write_idx(tmp_path / "mnist")
    with pytest.raises(DatasetError, match="not MNIST: 736 bytes where the published file has 47040016"):
        open_dataset("mnist", data_dir=tmp_path)
    assert len(open_dataset(tmp_path / "mnist").train) == 20
