"""intflow export: a new folder, whole or not at all."""

import importlib.util
import json
from fractions import Fraction

import pytest
from command_line import call

from intflow import Trainer
from intflow.export import folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder of a tiny network."""
    from intflow.training import Config, Training
    from intflow.commands.reporters import make_reporter

    out = tmp_path_factory.mktemp("runs") / "mlp"
    config = Config("mlp", width="1/128", max_steps=2, batch_size=16, backend="reference")
    with make_reporter(True) as reporter:
        Training.start(config, out, reporter, 0).run()
    return out


def test_hex(capsys, run, tmp_path):
    code, out, err = call(capsys, "export", run, "--format", "hex", "--out", tmp_path / "hex", "--json")
    report = json.loads(out)
    assert (code, err, report["format"]) == (0, "", "hex")
    assert sorted(report["files"]) == sorted(p.name for p in (tmp_path / "hex").iterdir())
    manifest = json.loads((tmp_path / "hex" / "manifest.json").read_text())
    assert manifest["network"]["model"] == "mlp" and len(manifest["network"]["class_names"]) == 10


def test_safetensors_of_a_checkpoint(capsys, run, tmp_path):
    code, out, _ = call(capsys, "export", run / "checkpoint.h5", "--format", "safetensors",
                        "--out", tmp_path / "a" / "b")
    assert code == 0 and "network.safetensors" in out
    assert (tmp_path / "a" / "b" / "network.safetensors").exists()


def test_into_an_empty_folder(capsys, run, tmp_path):
    assert call(capsys, "export", run, "--format", "hex", "--out", tmp_path)[0] == 0


@pytest.mark.parametrize("arguments, message", [
    (("--format", "hexx", "--out", "new"), "did you mean hex"),
    (("--format", "hex", "--out", "taken"), "exists and is not an empty folder"),
    (("--format", "hex", "--out", "file"), "exists and is not an empty folder"),
    (("--format", "hex", "--out", "file/new"), "cannot write"),
    (("--format", "hex", "--out", "new", "--batch-size", "2"), "--batch-size"),
    (("--format", "hex"), "--out"),
])
def test_bad_input(capsys, run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thing").write_text("mine")
    (tmp_path / "file").write_text("mine")
    code, out, err = call(capsys, "export", run, *arguments)
    assert code == 2 and message in err and len(err.splitlines()) == 1 and out == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "taken"]


def test_a_missing_checkpoint_leaves_nothing(capsys, tmp_path):
    code, _, err = call(capsys, "export", tmp_path / "none", "--format", "hex", "--out", tmp_path / "new")
    assert code == 1 and "there is no checkpoint" in err and not list(tmp_path.iterdir())


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), folder.new_folder(tmp_path / "new") as draft:
        (draft / "half").write_text("half")
        1 // 0
    assert not list(tmp_path.iterdir())


def test_onnx(capsys, run, tmp_path):
    onnx = pytest.importorskip("onnx", reason='ONNX needs: pip install "intflow[onnx]"')
    code, out, _ = call(capsys, "export", run, "--format", "onnx", "--out", tmp_path / "new",
                        "--batch-size", 3)
    assert code == 0 and "network.qonnx.onnx" in out
    model = onnx.load(tmp_path / "new" / "network.qonnx.onnx")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3


@pytest.mark.skipif(importlib.util.find_spec("onnx") is not None, reason="the package onnx is there")
def test_without_the_package_onnx(capsys, run, tmp_path):
    code, _, err = call(capsys, "export", run, "--format", "onnx", "--out", tmp_path / "new")
    assert code == 1 and 'pip install "intflow[onnx]"' in err and not list(tmp_path.iterdir())


def test_a_trainer_of_ones_own(tmp_path):
    """The library exports what was never saved."""
    from intflow.export import find_export

    trainer = Trainer("mlp", width=Fraction(1, 64), backend="reference", input_shape=(1, 4, 4))
    assert find_export("safetensors")((trainer, {}), tmp_path)["files"] == ["network.safetensors"]
