"""Traces: the layout that other programs rely on, in three forms, all of the same steps."""

import json
from fractions import Fraction

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from command_line import call, metrics, write_idx
from device import tiny
from intflow import Trainer
from intflow.device import trace_files
from intflow.device.readmemh import read_hex, write_hex
from intflow.device.trace import computed_order, describe
from intflow.device.trace_files import TraceFile
from intflow.errors import TraceError
from intflow.formats import Binary, Fixed, PowerOfTwo, parse_format
from intflow.layers import AvgPool2d, Conv2d, Flatten, Linear, Requantize, Sequential

PLAIN = {"input", "output", "error_in", "error_out"}
WEIGHTED = PLAIN | {"weight", "weight_q", "gradient", "update", "weight_new"}
LENET = ["--model", "lenet", "--width", "1/8", "--batch-size", 32, "--threads", 1]


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """{form: path} of one trace, the trainer after it, and the recorders."""
    folder, paths = tmp_path_factory.mktemp("traces"), {}
    for name in ("t.npz", "t", "t.h5"):
        paths[name] = folder / name
        trainer, recorders = tiny.write_trace(paths[name])
    return paths, trainer, recorders


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data") / "tiny")


def test_layers_in_order_with_their_settings(traced):
    paths, trainer, _ = traced
    layers = [layer for layer in trainer.network.layers.walk() if layer.kind != "sequential"]
    with h5py.File(paths["t.h5"]) as file:
        for step in ("000000", "000001"):
            groups = {name: group for name, group in file[f"step/{step}"].items()
                      if isinstance(group, h5py.Group)}
            in_order = sorted(groups, key=lambda name: groups[name].attrs["index"])
            assert in_order == [layer.name for layer in layers]
            assert {g.attrs["index"] for g in groups.values()} == set(range(len(layers)))
            for layer in layers:
                group = groups[layer.name]
                assert group.attrs["kind"] == layer.kind
                assert set(group) == (WEIGHTED if layer.parameters() else PLAIN), layer.name
                for key, value in layer.settings().items():
                    assert np.array_equal(group.attrs[key], value)
        branches = file["step/000000/concatenate_1"].attrs["branches"].tolist()
        assert branches == ["conv2d_4 relu_3 requantize_3", "requantize_4"]
        assert file["step/000000/conv2d_1"].attrs["padding"].tolist() == [1, 1, 1, 1]


def test_tensors_are_those_of_the_step(traced):
    paths, trainer, recorders = traced
    with h5py.File(paths["t.h5"]) as file:
        for step, recorder in enumerate(recorders):
            home = file[f"step/{step:06d}"]
            for layer, tensors in recorder.layers.items():
                for name, tensor in tensors.items() if layer in home else ():
                    data = home[layer][name]
                    assert data[()].tolist() == tensor.logical().tolist()
                    assert data.dtype.kind in "iu" and data.dtype == tensor.format.dtype
                    assert data.attrs["bits"] == tensor.format.bits
                    assert Fraction(2) ** -int(data.attrs["frac_bits"]) == tensor.format.step
                    assert bool(data.attrs["signed"]) == (tensor.format.minimum < 0)
                    assert data.attrs["axes"] == tensor.logical_axes
            images, labels = tiny.batch(step)
            assert home["images"].dtype == np.uint8 and home["images"].attrs["axes"] == "NCHW"
            assert home["images"][()].tolist() == images.tolist()
            assert home["labels"][()].tolist() == labels.tolist()
            assert home["error"][()].tolist() == recorder.step["error"].logical().tolist()
            assert home.attrs["lr"] == "8"
            random = json.loads(home.attrs["random"])
            assert (random["key"], random["step"]) == ([7, 0], step)
            assert random["tensor"]["conv2d_2.weight"] == 1


def test_order_is_that_of_computation(traced):
    paths, _, _ = traced
    with TraceFile(paths["t.h5"]) as file:
        first = {n.removeprefix("step/000000/"): a["order"] for n, a in file.tensors.items()
                 if n.startswith("step/000000/")}
    names = sorted(first, key=first.get)
    assert sorted(first.values()) == list(range(len(first)))
    chain = ["images", "labels", "conv2d_1/input", "conv2d_1/weight_q", "conv2d_1/output",
             "max_pool2d_1/output", "residual_1/input", "conv2d_2/output", "residual_1/output",
             "linear_1/output", "error", "linear_1/error_in", "linear_1/gradient",
             "linear_1/error_out", "residual_1/error_in", "conv2d_2/error_out",
             "residual_1/error_out", "conv2d_1/gradient", "conv2d_1/update", "linear_1/weight_new"]
    assert [n for n in names if n in chain] == chain


def test_the_chain_holds_in_the_file_alone(traced):
    """What a reader may rely on: outputs are inputs, errors go down, updates are taken."""
    with TraceFile(traced[0]["t.npz"]) as file:
        def read(name):
            return file.read(f"step/000001/{name}")

        assert np.array_equal(read("conv2d_1/output"), read("max_pool2d_1/input"))
        assert np.array_equal(read("relu_1/error_out"), read("max_pool2d_1/error_in"))
        moved = read("linear_1/weight").astype(int) - read("linear_1/update")
        assert np.array_equal(read("linear_1/weight_new"), moved.clip(-64, 64))
        before = file.read("step/000000/conv2d_2/weight_new")
        assert np.array_equal(before, read("conv2d_2/weight"))


def test_forms_hold_the_same(traced):
    paths, trainer, _ = traced
    with TraceFile(paths["t.h5"]) as one, TraceFile(paths["t.npz"]) as two, \
            TraceFile(paths["t"]) as three:
        assert one.attributes["digest"] == trainer.digest()
        for other in (two, three):
            assert other.attributes == one.attributes and set(other.tensors) == set(one.tensors)
            assert other.groups == {n: a for n, a in one.groups.items() if a}
            for name, attributes in one.tensors.items():
                assert {**other.tensors[name], "shape": attributes["shape"]} == attributes
                assert np.array_equal(other.read(name), one.read(name))


@pytest.mark.parametrize("fmt, codes, bits", [
    (Binary(), [-1, 1], 2), (PowerOfTwo(4), [0, -64, 64, 1], 8), (Fixed(8, 7), [-128, 127], 8),
    (Fixed(8, 8, signed=False), [0, 255], 8)])
def test_text_of_a_format_holds_its_codes(fmt, codes, bits, tmp_path):
    """Also where the stored width is less than that of the codes in two's complement."""
    about = describe(fmt, "C")
    assert about["bits"] == bits and parse_format(about["format"]) == fmt
    with open(tmp_path / "x.hex", "wb") as file:
        write_hex(file, np.array(codes, fmt.dtype), bits)
    text = (tmp_path / "x.hex").read_bytes()
    assert read_hex(text, bits, about["signed"], "x").tolist() == codes


def test_an_error_narrowed_before_its_products():
    """A mean widens the error beyond what products take: what they see is error_q."""
    net = Sequential(Conv2d(3, 3), AvgPool2d(2), Requantize(), Flatten(), Linear(5))
    trainer = Trainer(net, input_shape=(2, 6, 6), batch_size=3, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 6, 6), np.uint8)
    result = trainer.step(images, np.arange(3), record=True)
    x, narrow, wide, gradient = (result.tensor(f"conv2d_1/{name}") for name in (
        "input", "error_q", "error_in", "gradient"))
    assert wide.format.bits > 16 and narrow.format.bits == 8
    expected = oracle.conv2d_gradient(x.codes.tolist(), narrow.codes.tolist(), gradient.shape)
    assert gradient.codes.tolist() == expected
    assert "conv2d_1/error_q" in computed_order(net)


def test_plain_readers_read_them(traced):
    """Without a line of intflow: numpy.load, and text."""
    paths, _, recorders = traced
    expected = recorders[0].layers["conv2d_1"]["output"]
    codes = np.load(paths["t.npz"])["step/000000/conv2d_1/output"]
    assert codes.tolist() == expected.logical().tolist()
    lines = (paths["t"] / "step/000000/conv2d_1/output.hex").read_text().splitlines()
    bits = expected.format.bits
    assert [len(line) for line in lines] == [-(-bits // 4)] * codes.size
    assert [int(line, 16) for line in lines] == [c % 2**bits for c in codes.ravel().tolist()]


@given(st.integers(1, 64), st.booleans(), st.data())
def test_hex_against_python(bits, signed, data):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    values = data.draw(st.lists(st.integers(low, high), max_size=20))
    text = "".join(f"{v % 2**bits:0{-(-bits // 4)}x}\n" for v in values).encode()
    codes = np.array(values, np.int64 if signed else np.uint64)
    out = Sink()
    write_hex(out, codes, bits)
    assert out.data == text
    assert read_hex(text, bits, signed, "x").tolist() == values
    loose = b"// made by $writememh\n@0 " + b" ".join(text.upper().split()) + b" /* end */"
    assert read_hex(loose, bits, signed, "x").tolist() == values


class Sink:
    data = b""

    def write(self, data):
        self.data += data


@pytest.mark.parametrize("text, message", [
    (b"0x\n", "value 0 is '0x', not hexadecimal"), (b"01\nxx\n", "value 1 is 'xx'"),
    (b"100", "more than its 8 bits"), (b"-1", "two's complement"), (b"1" * 17, "at most 64 bits"),
    (b"00 @4 00", "goes to address @4 after 1 values"), (b"\xff\xfe", "not hexadecimal"),
])
def test_bad_hex_is_one_line(text, message):
    with pytest.raises(TraceError, match=message):
        read_hex(text, 8, True, "dump.hex")


def test_command_traces_the_steps_of_train(data, tmp_path, capsys):
    """Three steps an epoch: the trace goes on into the second, and `--resume` into the middle."""
    out, run = tmp_path / "t.h5", tmp_path / "run"
    options = [*LENET, "--data", data]
    code, text, err = call(capsys, "trace", *options, "--steps", 4, "--out", out, "--json")
    assert (code, err) == (0, "")
    options += ["--epochs", 2, "--quiet", "--max-steps"]
    call(capsys, "train", *options, 4, "--out", run)
    report = json.loads(text)
    assert report["digest"] == metrics(run)[-1]["digest"] and report["tensors"] == 4 * 79
    short = tmp_path / "short"
    call(capsys, "train", *options, 2, "--out", short)
    before = {p.name: p.read_bytes() for p in short.iterdir()}
    resumed = ["trace", "--resume", short, "--steps", 2, "--out", tmp_path / "rest"]
    code, text, err = call(capsys, *resumed)
    assert (code, err) == (0, "") and report["digest"] in text and "steps 2 to 3" in text
    assert before == {p.name: p.read_bytes() for p in short.iterdir()}
    with TraceFile(out) as whole, TraceFile(tmp_path / "rest") as rest:
        assert {n for n in whole.tensors if n > "step/000002"} == set(rest.tensors)
        for name in rest.tensors:
            assert np.array_equal(whole.read(name), rest.read(name)), name
        assert whole.attributes["digest"] == rest.attributes["digest"] == report["digest"]
        assert whole.attributes["batch_size"] == 32


DEVICE = """
    [accumulator]
    bits = 9
    overflow = "saturate"
    [random]
    kind = "lfsr"
    width = 16
    taps = [16, 14, 13, 11]
"""


def test_a_device_is_traced(data, tmp_path, capsys):
    """Its numbers, not the plain engine's, and where its register stands."""
    (tmp_path / "chip.toml").write_text(DEVICE)
    options = [*LENET, "--data", data, "--device", tmp_path / "chip.toml"]
    more = ["--steps", 2, "--out", tmp_path / "t.npz", "--json"]
    code, text, err = call(capsys, "trace", *options, *more)
    assert (code, err) == (0, "")
    call(capsys, "train", *options, "--max-steps", 2, "--out", tmp_path / "run", "--quiet")
    assert json.loads(text)["digest"] == metrics(tmp_path / "run")[-1]["digest"]
    with TraceFile(tmp_path / "t.npz") as file:
        assert file.read("step/000000/conv2d_2/output").min() == -256
        assert "bits = 9" in file.attributes["device"]
        weights = [file.tensors[f"step/000000/{n}/weight"] for n in ("conv2d_1", "conv2d_2")]
        before = [np.prod(w["shape"]) for w in weights]
        random = json.loads(file.groups["step/000000"]["random"])
        assert random["kind"] == "lfsr" and random["taps"] == [16, 14, 13, 11]
        assert random["first_tick"]["linear_1.weight"] == sum(before)


@pytest.mark.parametrize("arguments, code, message", [
    (["--out", "t.h5"], 2, "either --model NAME"),
    (["--model", "lenet", "--resume", "run", "--out", "t.h5"], 2, "either --model NAME"),
    (["--resume", "run", "--bits", "2888", "--out", "t.h5"], 2, "--bits cannot change"),
    (["--resume", "nowhere", "--out", "t.h5"], 1, "there is no checkpoint"),
    (["--model", "lenet", "--out", "t.txt"], 2, "a trace ends in .h5 or .npz, or is a folder"),
    (["--model", "lenet", "--out", "old"], 2, "is not overwritten"),
    (["--model", "lenet", "--out", "no/t.h5"], 2, "there is no folder no"),
    (["--model", "lenett", "--out", "t.h5"], 2, "did you mean lenet"),
])
def test_refusals_are_one_line(arguments, code, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    got, out, err = call(capsys, "trace", *arguments)
    assert (got, out) == (code, "")
    assert message in err and len(err.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["t.h5", "t.npz", "t"])
def test_a_torn_trace_leaves_nothing(name, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trace_files.WRITERS[(tmp_path / name).suffix], "tensor", full)
    with pytest.raises(TraceError, match="No space left on device; free space"):
        tiny.write_trace(tmp_path / name)
    assert not list(tmp_path.iterdir())
