"""ONNX graphs give the engine's integers, by onnxruntime and by qonnx."""

import json
from fractions import Fraction

import numpy as np
import pytest
from audit.nets import every_layer
from export.test_hex import small_trainer

from intflow import Trainer
from intflow.data import open_dataset
from intflow.errors import ExportError
from intflow.export import find_export
from intflow.formats import Fixed

onnx = pytest.importorskip("onnx", reason='ONNX needs: pip install "intflow[onnx]"')
runtime = pytest.importorskip("onnxruntime", reason='ONNX runs with: pip install "intflow[onnx]"')

write = find_export("onnx")
BATCH = 100


def sample():
    """All test images of the sample, u8 (N, 1, 28, 28), and their labels."""
    split = open_dataset(None).test
    return split.read(np.arange(len(split)), 1), split.labels[:]


def trained(model, **options):
    """A trainer after three steps on the sample."""
    trainer = Trainer(model, batch_size=BATCH, seed=3, **options)
    images, labels = sample()
    for first in range(0, 3 * BATCH, BATCH):
        trainer.step(images[first:first + BATCH], labels[first:first + BATCH])
    return trainer


def codes(outputs, folder):
    """Float outputs as integers, which they must be exactly."""
    frac_bits = json.loads((folder / "manifest.json").read_text())["output_frac_bits"]
    values = np.ldexp(outputs.astype(np.float64), frac_bits)
    assert np.array_equal(values, np.rint(values))
    return values.astype(np.int64)


def run_standard(folder, images):
    """Outputs of the graph of standard operators."""
    session = runtime.InferenceSession(str(folder / "network.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


def run_qonnx(folder, images):
    """Outputs of the graph with Quant nodes."""
    pytest.importorskip("qonnx", reason='Quant nodes run with: pip install "intflow[onnx]"')
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    (outputs,) = execute_onnx(ModelWrapper(str(folder / "network.qonnx.onnx")),
                              {"images": images}).values()
    return outputs


NETS = {
    "lenet": dict(model="lenet", encoding="unit"),
    "lenet 8888": dict(model="lenet", bits="8888"),
    "every layer": dict(model=None, input_shape=(1, 28, 28)),
    "every layer, odd bits": dict(model=None, input_shape=(1, 28, 28), bits="W3A6G9E7"),
}


@pytest.mark.parametrize("name", NETS)
def test_every_image_of_the_sample(tmp_path, name):
    options = dict(NETS[name])
    trainer = trained(options.pop("model") or every_layer(), **options)
    report = write((trainer, {}), tmp_path, batch_size=BATCH)
    assert report["largest_code"] <= 1 << 24
    images, labels = sample()
    for first in range(0, len(images), BATCH):
        batch = images[first:first + BATCH]
        expected, _ = trainer.evaluate(batch, labels[first:first + BATCH])
        assert np.array_equal(codes(run_standard(tmp_path, batch), tmp_path), expected)


@pytest.mark.parametrize("name", ["lenet", "every layer"])
def test_quant_nodes(tmp_path, name):
    options = dict(NETS[name])
    trainer = trained(options.pop("model") or every_layer(), **options)
    write((trainer, {}), tmp_path, batch_size=BATCH)
    images, labels = sample()
    for first in range(0, len(images), BATCH):
        batch = images[first:first + BATCH]
        expected, _ = trainer.evaluate(batch, labels[first:first + BATCH])
        assert np.array_equal(codes(run_qonnx(tmp_path, batch), tmp_path), expected)


def test_quant_nodes_state_the_grids(tmp_path):
    """Scale, bits, sign, range and rounding of every Quant node are the engine's formats."""
    trainer = small_trainer()
    write((trainer, {}), tmp_path)
    model = onnx.load(tmp_path / "network.qonnx.onnx")
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    quants = {n.output[0]: n for n in model.graph.node if n.op_type == "Quant"}
    activation = trainer.scheme.activation_format("", None)
    expected = {"images_quant": activation, "requantize_1_quant": activation,
                "conv2d_1_weight_quant": trainer.scheme.weight_format("conv2d_1", 12),
                "linear_1_weight_quant": trainer.scheme.weight_format("linear_1", 3 * 4 * 2)}
    assert set(quants) == set(expected)
    for name, fmt in expected.items():
        scale, zero, bits = (constants[i] for i in quants[name].input[1:])
        assert (Fraction(float(scale)), zero, bits) == (fmt.step, 0, fmt.bits)
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in quants[name].attribute}
        assert attributes == {"signed": 1, "narrow": 1, "rounding_mode": b"ROUND"}


def test_weights_are_the_codes(tmp_path):
    trainer = small_trainer()
    write((trainer, {}), tmp_path)
    model = onnx.load(tmp_path / "network.onnx")
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    weight = trainer.scheme.weight(trainer.kernels, trainer.network.parameters[0])
    step = float(weight.format.step)
    assert np.array_equal(constants["conv2d_1_weight"] / step, weight.logical())


def test_any_batch_size(tmp_path):
    trainer = small_trainer()
    write((trainer, {}), tmp_path)
    images = np.arange(200, dtype=np.uint8).reshape(5, 2, 5, 4)
    expected, _ = trainer.evaluate(images, np.zeros(5, int))
    for count in (1, 5):
        assert np.array_equal(codes(run_standard(tmp_path, images[:count]), tmp_path), expected[:count])


def test_sums_that_float32_does_not_hold_are_refused(tmp_path):
    trainer = small_trainer("W16A16G32E16")
    with pytest.raises(ExportError, match=r"conv2d_1 reaches codes of \d+ bits and float32 holds 25"):
        write((trainer, {}), tmp_path)


@pytest.mark.parametrize("device, message", [
    ("acc16-saturate-each", r"conv2d_\d: ONNX sums exactly in \d+ bits, this run has 16"),
    ('[rounding]\nactivation = "floor"', "ONNX rounds half even, this run's activations floor"),
])
def test_a_device_is_refused(tmp_path, device, message):
    trainer = Trainer(every_layer(), "8888", input_shape=(1, 12, 12), device=device)
    with pytest.raises(ExportError, match=message):
        write((trainer, {}), tmp_path)


def test_a_device_that_is_wide_enough(tmp_path):
    """A device of 32-bit accumulators computes this net exactly, and so does the graph."""
    trainer = Trainer(every_layer(), input_shape=(1, 12, 12), device="acc32-wrap")
    assert "network.onnx" in write((trainer, {}), tmp_path)["files"]


@pytest.mark.parametrize("encoding", ["symmetric", "unit"])
@pytest.mark.parametrize("bits", range(2, 17))
def test_every_encoding_is_exact_in_float32(encoding, bits):
    from intflow.data.encode import encode_table
    from intflow.export.onnx import encoded_in_floats

    fmt = Fixed(bits, bits - 1, symmetric=True)
    assert np.array_equal(encoded_in_floats(encoding, fmt), encode_table(encoding, bits))


def test_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        write((small_trainer(), {}), tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
