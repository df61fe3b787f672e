"""Benchmarks on tiny sizes: they check, they tell, and what is missing is told in a line."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from command_line import call
from intflow.bench import BENCHES, find_bench
from intflow.bench.contest import ratio, summary
from intflow.bench.elementwise import Pass
from intflow.bench.peers.onnx_products import one_node, varint
from intflow.bench.products import Product, describe
from intflow.bench.step import same_digest
from intflow.errors import BenchError
from intflow.kernels import load
from intflow.kernels.geometry import geometry

ROOT = Path(__file__).resolve().parent.parent
QUICK = ["--rounds", 2, "--seconds", 0, "--threads", 1, "--backend", "portable"]
SIZES = describe(
    geometry((5, 6, 3, 4), (3, 2, 4, 7), (3, 6, 3, 7), (2, 1), (1, 1, 0, 1), (1, 1), 1))


def bench(capsys, *arguments):
    code, out, err = call(capsys, "bench", *arguments, *QUICK, "--json")
    assert code == 0, err
    assert err == ""
    return json.loads(out)


def test_gemm_tells_share_machine_and_absent_peers(capsys, tmp_path):
    python = tmp_path / "python"            # an interpreter that has no library of its own
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -I "$@"\n')
    python.chmod(0o755)
    report = bench(capsys, "gemm", "--shape", "5x37x19", "--peer-python", python)
    found = report["rows"][0]["faces"]["forward"]
    ours, peak = found["results"]["intflow portable"], found["results"]["peak vpmaddwd"]
    assert ours["checked"] and len(ours["rounds"]) == 2
    assert 0 < ours["least"] <= ours["seconds"] <= ours["most"]
    assert ours["rate"] == 5 * 37 * 19 / ours["seconds"]
    assert ours["share_of_peak"] == ours["rate"] / peak["rate"]
    assert set(found["absent"]) == {"torch fp32", "torch bf16", "torch int8", "onnxruntime u8s8"}
    assert "No module named 'torch'" in found["absent"]["torch fp32"]
    assert found["ratios"] == {"intflow portable": {}}
    assert report["command"].startswith("intflow ") and report["about"]["backends"]


def test_step_equals_the_reference_and_is_told(capsys):
    report = bench(capsys, "step", "--model", "lenet", "--width", "1/8", "--batch-size", 3,
                   "--no-peers")
    (row,) = report["rows"]
    result = row["results"]["intflow portable"]
    assert len(result["digest"]) == 64 and result["peak_bytes"] > 0
    assert row["absent"] == {} and row["batch_size"] == 3


def test_growth_has_a_row_for_every_batch_and_width(capsys, tmp_path):
    picture = tmp_path / "growth.png"
    drawn = importlib.util.find_spec("matplotlib") is not None
    report = bench(capsys, "growth", "--model", "lenet", "--batches", "3", "--widths", "1/8",
                   "--width", "1/8", "--batch-size", 2, *(["--picture", picture] if drawn else []))
    assert [(r["of"], r["batch_size"]) for r in report["rows"]] == [
        ("batch", 3), ("width", 2)]
    assert picture.is_file() == drawn


def test_memory_holds_the_prediction_against_what_grew(capsys):
    report = bench(capsys, "memory", "--model", "lenet", "--width", "1/8", "--batch-size", 8,
                   "--no-peers")
    result = report["rows"][0]["results"]["intflow portable"]
    assert result["of_predicted"] == result["grown_bytes"] / result["predicted_bytes"]
    assert result["grown_bytes"] > 0


def test_input_compares_steps_with_and_without_data(capsys):
    report = bench(capsys, "input", "--model", "lenet", "--width", "1/8", "--batch-size", 4)
    (row,) = report["rows"]
    assert set(row["results"]) == {"with data", "fixed batch"}
    assert row["cost"]["least"] <= row["cost"]["median"] <= row["cost"]["most"]


def planted(name, spoil):
    """Kernels that are right but for one."""
    kernels = load("portable", 1)

    def wrong(out, *arguments, **keywords):
        result = getattr(kernels, name)(out, *arguments, **keywords)
        spoil(out)
        return result

    names = {n: getattr(kernels, n) for n in ("conv2d_forward", "conv2d_error", "conv2d_gradient")}
    return SimpleNamespace(**{**names, name: wrong}, backend="planted")


@pytest.mark.parametrize("face", ["forward", "error", "gradient"])
def test_a_wrong_kernel_is_caught(face):
    def spoil(out):
        out[..., -1] += 1

    Product(face, SIZES, 3, "portable", 1)
    with pytest.raises(BenchError, match="reference"):
        Product(face, SIZES, 3, "portable", 1, kernels=planted(f"conv2d_{face}", spoil))


def test_a_wrong_pass_is_caught(monkeypatch):
    from intflow.bench import elementwise

    call_, written, size = elementwise.PASSES["requantize"]

    def wrong(kernels, arrays):
        call_(kernels, arrays)
        if kernels.backend != "reference":
            arrays.codes[0, 0, 0, 0] ^= 1

    Pass("requantize", (4, 4, 3, 8), "portable", 1)
    monkeypatch.setitem(elementwise.PASSES, "requantize", (wrong, written, size))
    with pytest.raises(BenchError, match="nothing is timed"):
        Pass("requantize", (4, 4, 3, 8), "portable", 1)


def test_different_digests_are_refused():
    same_digest({"a": {"digest": "1"}, "b": {"digest": "1"}, "torch": {}})
    with pytest.raises(BenchError, match="not"):
        same_digest({"a": {"digest": "1"}, "b": {"digest": "2"}})


@pytest.mark.parametrize("arguments, code, text", [
    (["steps"], 2, "did you mean step"),
    (["gemm", "--shape", "3x4"], 2, "1024x512x64"),
    (["growth", "--batches", "0"], 2, "integers from 1"),
    (["gemm", "--threads", "4096"], 2, "processors here"),
    (["gemm", "--backend", "avx3"], 2, "unknown backend"),
    (["step", "--model", "lenett"], 2, "lenet"),
    (["step", "--model", "squeezenet1_1", "--threads", "1"], 2, "--no-peers"),
    (["gemm", "--shape", "1x1x1", "--threads", "1", "--peer-python", "/no/such"], 2,
     "cannot start"),
])
def test_bad_input_is_one_line(arguments, code, text, capsys):
    got, out, err = call(capsys, "bench", *arguments)
    assert (got, out) == (code, "")
    assert text in err and len(err.splitlines()) == 1 and "Traceback" not in err


def test_every_bench_has_both_functions():
    for name in BENCHES:
        module = find_bench(name)
        assert module.run and module.lines


def test_compiling_is_told_once_a_function():
    from intflow.kernels.jit.compiling import Announcer

    told = []
    announcer = Announcer([told.append])
    ours, others = ("intflow.kernels.jit.pool", "f"), [("numba.core", "g"), (None, "h")]
    for module, name in [ours, ours, *others]:
        announcer.on_start(SimpleNamespace(data={"module": module, "qualname": name}))
    assert told == ["pool.f"]


def test_summaries():
    assert summary([0.5, 0.25, 0.25], 2) == {
        "seconds": 0.25, "least": 0.25, "most": 0.5, "rounds": [0.5, 0.25, 0.25], "rate": 8}
    results = {"a": {"rounds": [1, 2]}, "b": {"rounds": [3, 4]}}
    assert ratio(results, "a", "b") == {"median": 2.5, "least": 2, "most": 3}


def test_hand_written_onnx_is_what_onnx_reads():
    onnx = pytest.importorskip("onnx")
    assert varint(300) == b"\xac\x02"
    weight = np.arange(7 * 4 * 3 * 2, dtype=np.int8).reshape(7, 4, 3, 2)
    model = onnx.load_from_string(one_node((3, 4, 5, 6), weight, (3, 7, 3, 6), SIZES))
    onnx.checker.check_model(model)
    (node,) = model.graph.node
    pads = next(a for a in node.attribute if a.name == "pads")
    assert node.op_type == "ConvInteger" and list(pads.ints) == [1, 0, 1, 1]
    assert np.array_equal(onnx.numpy_helper.to_array(model.graph.initializer[0]), weight)


def speed():
    spec = importlib.util.spec_from_file_location("speed", ROOT / "benchmarks" / "speed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_goes_between_the_marks(tmp_path):
    module = speed()
    readme = tmp_path / "README.md"
    begin, end = module.MARKS
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    against = {"torch fp32": {"median": 4.0, "least": 3.5, "most": 4.25}}
    row = {"case": "vgg7 2888", "batch_size": 128, "ratios": {"intflow vnni": against},
           "results": {"intflow vnni": {"rate": 300.4}}}
    memory = {"case": "resnet50 W2", "batch_size": 8,
              "results": {"intflow auto": {"peak_bytes": 2e6, "of_predicted": 0.9}}}
    growth = [{"of": "batch", "batch_size": 128, "threads": n, "rate": 100. * n} for n in (1, 2)]
    record = {"step": {"rows": [row], "processor": "P", "about": {"machine": "2 cores"}},
              "step of every backend": {"rows": [row]},
              "memory of ResNet-50, WRPN": {"rows": [memory]},
              "growth": {"model": "vgg7", "rows": growth}}
    module.write_table(readme, {"speed-p": record})
    text = readme.read_text()
    row = "| vgg7 2888 step, batch 128, vnni | 300 images/s | 4.00x torch fp32 (3.50 to 4.25) |"
    assert text.count(row) == 1
    assert "| resnet50 W2, WRPN peak memory, batch 8 | 2 MB, 0.90 of the prediction |" in text
    assert "| vgg7 step, batch 128, two threads | 2.00 | of one thread's images/s |" in text
    assert text.startswith(f"before\n{begin}\n") and text.endswith(f"{end}\nafter\n")
    assert "old" not in text
