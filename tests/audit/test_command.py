"""intflow audit."""

import json

import pytest
from command_line import call

from intflow.audit import child
from intflow.commands.audit import first_finding, show

FINDING = dict(function="losses.softmax._nats", variable="x", type="float64 array (3,)",
               file="intflow/losses/softmax.py", line=88)


def test_the_reference_backend_in_a_process_of_its_own(capsys):
    arguments = ("audit", "--model", "mlp", "--width", "1/64", "--backend", "reference", "--bits", "4888")
    code, out, err = call(capsys, *arguments, "--json")
    report = json.loads(out)
    assert code == 0 and report["passes"] and report["compiled"] == [] and err == ""
    (step,) = report["steps"]
    assert step["finding"] is None and step["functions"] > 50 and step["backend"] == "reference"


@pytest.mark.parametrize("arguments, message", [
    (("--model", "lenett"), "did you mean lenet"), (("--backend", "portabel"), "did you mean portable"),
    (("--batch-size", "0"), "0"),
])
def test_bad_input(capsys, arguments, message):
    code, out, err = call(capsys, "audit", *arguments)
    assert code == 2 and message in err and len(err.splitlines()) == 1 and out == ""


def test_an_error_of_the_child_is_one_line(capsys):
    code, out, err = call(capsys, "audit", "--model", "mlp", "--bits", "1888", "--backend", "reference")
    assert (code, out) == (2, "") or code == 1
    assert err.startswith("intflow: wage takes 2 to 16 bits") and len(err.splitlines()) == 1


def report_with(finding, floats, cached=False):
    """A report as the child sends it."""
    step = dict(model="lenet", bits="2888", backend="avx2", batch_size=4, functions=150, values=30000,
                finding=finding)
    row = dict(name="kernels.jit.pool._take_won", signatures=1, ir=460, assembly=411, moves=3,
               floats=floats, cached=cached, passes=not floats and not cached)
    passes = finding is None and row["passes"]
    return dict(passes=passes, steps=[step], compiled=[row], edges={"intflow/a.py:1": "a report"},
                exceptions=child.listed())


@pytest.mark.parametrize("report, sentence", [
    (report_with(FINDING, []),
     "a float entered the step: losses.softmax._nats, intflow/losses/softmax.py:88: x is float64"),
    (report_with(None, ["%y = fadd double %x, 1.0"]),
     "kernels.jit.pool._take_won computes with floats: %y = fadd double %x, 1.0;"),
    (report_with(None, [], cached=True), "kernels.jit.pool._take_won came from a cache"),
])
def test_a_failure_is_named(capsys, monkeypatch, report, sentence):
    monkeypatch.setattr(child, "audit", lambda cases: report)
    code, out, err = call(capsys, "audit")
    assert code == 1 and sentence in err and len(err.splitlines()) == 1
    assert "FAILED" in out and first_finding(report) in err
    code, out, _ = call(capsys, "audit", "--json")
    assert code == 1 and json.loads(out) == report


def test_tables_fit_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    report = report_with(None, [])
    show(report)
    out = capsys.readouterr().out
    assert "passed: integers alone" in out and "jit.pool" in out
    assert all(len(line) <= 80 for line in out.splitlines() if not line.startswith("edge: "))
    assert "thread pool" in out and "edge: intflow/a.py:1: a report" in out


def test_sweeps(capsys, monkeypatch):
    """`all` means every model, and every backend that runs here."""
    from intflow.kernels import available
    from intflow.models import MODELS

    asked = []
    monkeypatch.setattr(child, "audit", lambda cases: asked.extend(cases) or report_with(None, []))
    assert call(capsys, "audit", "--model", "all", "--backend", "all")[0] == 0
    runs = [name for name, (can, _) in available().items() if can]
    assert [(c["model"], c["backend"]) for c in asked] == [(m, b) for m in MODELS for b in runs]
