"""The same tensors come out of every format, in every width of float, as fp32."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretrained import weight_files as files

from intflow.pretrained.readers import read_weights
from intflow.pretrained.widen import to_fp32

FLOATS = ["float16", "bfloat16", "float32", "float64"]
MAKERS = {
    "torch zip": files.torch_zip,
    "torch legacy": files.torch_legacy,
    "safetensors": files.safetensors,
    "onnx": files.onnx,
    "onnx, numbers in fields": lambda kind: files.onnx(kind, raw=False),
    "npz": files.npz,
    "npz, compressed": lambda kind: files.npz(kind, compress=True),
}
NO_SUCH = {("npz", "bfloat16"), ("npz, compressed", "bfloat16")}


def written(tmp_path, content):
    path = tmp_path / "weights.bin"         # the name says nothing
    path.write_bytes(content)
    return path


def assert_the_tensors(found, rename=lambda name: name):
    assert list(found) and set(found) == {rename(name) for name in files.TENSORS}
    for name, array in files.TENSORS.items():
        got = found[rename(name)]
        assert got.dtype == np.float32 and got.flags.c_contiguous and got.flags.writeable
        np.testing.assert_array_equal(got, array)
        assert got.shape == array.shape


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("maker", MAKERS)
def test_every_format_and_width(maker, kind, tmp_path):
    if (maker, kind) not in NO_SUCH:
        assert_the_tensors(read_weights(written(tmp_path, MAKERS[maker](kind))))


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_hdf5(kind, tmp_path):
    found = read_weights(files.write_hdf5(tmp_path / "weights", kind))
    assert_the_tensors(found, lambda name: name.replace(".", "/"))


def test_npz_leaves_integers_out(tmp_path):
    assert_the_tensors(read_weights(written(tmp_path, files.npz(steps=np.arange(4)))))


def test_big_endian_numbers_of_npz(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.array([1.5, -2], ">f4"))
    assert read_weights(path)["a"].tolist() == [1.5, -2]


@pytest.mark.parametrize("inside", ["state_dict", "model"])
def test_a_checkpoint_of_a_training(tmp_path, inside):
    """Tensors beside other things: numbers, texts, the state of an optimiser, integer counters."""
    items, storages = files.described()
    counter = files.storage("int64", "9", 1)
    items["bn.num_batches_tracked"] = files.tensor(counter, 0, [], [])
    storages["9"] = files.stored(5, "int64")
    items["conv.bias"] = files.call(files.name("torch._utils", "_rebuild_parameter"),
                                    items["conv.bias"], b"\x88", b"N")
    metadata = b"}" + files.text("_metadata") + b"}sb"
    program = files.dictionary({
        "epoch": files.number(7), "best": b"G" + bytes(8), "arch": files.text("net"),
        "optimizer": b"}", inside: files.dictionary(items) + metadata,
    })
    assert_the_tensors(read_weights(written(tmp_path, files.zip_file(program, storages))))


def test_later_pickles_of_torch(tmp_path):
    """Protocol 4: short texts, memo without numbers, names from the stack, frames."""
    short = [b"\x8c" + bytes([len(part)]) + part + b"\x94"
             for part in (b"collections", b"OrderedDict")]
    items, storages = files.described()
    empty = b"".join(short) + b"\x93)R"
    program = empty + b"(" + b"".join(files.text(k) + v for k, v in items.items()) + b"u"
    assert_the_tensors(read_weights(written(tmp_path, files.zip_file(program, storages))))


def test_ordered_dictionaries_of_python_2(tmp_path):
    items, storages = files.described()
    pairs = b"](" + b"".join(b"](" + files.text(k) + v + b"e" for k, v in items.items()) + b"e"
    program = files.call(files.name("collections", "OrderedDict"), pairs)
    assert_the_tensors(read_weights(written(tmp_path, files.legacy_file(program, storages))))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_views_of_a_storage(data, tmp_path_factory):
    """Offsets and strides as PyTorch has them: element (i, j) lies at offset + i*s0 + j*s1."""
    shape = data.draw(st.lists(st.integers(1, 4), min_size=0, max_size=4))
    order = data.draw(st.permutations(range(len(shape))))
    strides, step = [0] * len(shape), data.draw(st.integers(1, 2))
    for axis in order:
        strides[axis], step = step, step * shape[axis]
    offset = data.draw(st.integers(0, 5))
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
    count = last + 1 + data.draw(st.integers(0, 3))
    numbers = np.arange(count) * 3 - 7
    program = files.dictionary({
        "a": files.tensor(files.storage("float32", "k", count), offset, shape, strides),
        "b": files.tensor(files.storage("float32", "k", count), 0, [count], [1], "_rebuild_tensor"),
    })
    path = written(tmp_path_factory.mktemp("views"),
                   files.legacy_file(program, {"k": files.stored(numbers, "float32")}))
    found = read_weights(path)
    np.testing.assert_array_equal(found["b"], numbers)
    assert found["a"].shape == tuple(shape)
    for index in np.ndindex(*shape):
        assert found["a"][index] == numbers[offset + sum(i * s for i, s in zip(index, strides))]


def test_widening_is_exact():
    """Every bfloat16 and every fp16 is an fp32; fp64 is rounded to nearest, ties to even."""
    bits = np.arange(1 << 16, dtype=np.uint16)
    wide = to_fp32(bits, "bfloat16").view(np.uint32)
    assert np.array_equal(wide >> 16, bits) and not (wide & 0xFFFF).any()
    half = bits.view(np.float16)
    assert np.array_equal(to_fp32(half, "float16"), half, equal_nan=True)
    ties = np.array([1 + 2.0**-24, 1 + 3 * 2.0**-24, 1e300])
    assert to_fp32(ties, "float64").tolist() == [1, 1 + 2.0**-22, np.inf]
