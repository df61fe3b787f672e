"""The compile-time audit finds floats in compiled code."""

import importlib.util

import numpy as np
import pytest
from audit import planted
from audit.nets import every_layer, plant, trainer_of

from intflow.audit.compiled import read_compiled
from intflow.audit.step import watch_step


def run_planted():
    """Have Numba compile what has no declared signature."""
    planted.called_by_another(3)
    planted.scaled_in_parallel(np.arange(100))
    planted.halved(3)


@pytest.mark.parametrize("name, sign", [
    ("scaled", "sitofp"), ("scaled_in_parallel", "sitofp"), ("c_function", "double"),
    ("called_by_another", "sitofp"),
])
def test_planted_floats(name, sign):
    run_planted()
    (row,) = read_compiled([getattr(planted, name)])
    assert not row.passes and row.name == f"audit.planted.{name}"
    assert sign in row.floats[0] and row.ir > 5


def test_integers_pass():
    run_planted()
    (row,) = read_compiled([planted.halved])
    assert row.passes and row.signatures == 1 and row.ir > 5 and row.assembly > 5


def test_a_planted_kernel_is_caught_by_both():
    """One float in a kernel: seen on its way in, and in the code compiled for it."""
    trainer = trainer_of(every_layer())
    plant(trainer, "relu", planted.relu)
    assert watch_step(trainer, extra=[planted.__file__]).finding["function"] == "audit.planted.relu"
    floats = {row.name for row in read_compiled() if row.floats}
    assert "audit.planted.relu_part" in floats
    assert not any(name.startswith("kernels.") for name in floats)


def test_a_kernel_with_a_hidden_float_is_caught_by_its_code():
    """Integers in, integers out: only the compiled code tells."""
    trainer = trainer_of(every_layer())
    plant(trainer, "relu", planted.silent_relu)
    assert watch_step(trainer, extra=[planted.__file__]).finding is None
    floats = {row.name for row in read_compiled() if row.floats}
    assert "audit.planted.silent_relu_part" in floats


def test_code_from_a_cache_does_not_pass(tmp_path):
    """There is no IR to read, and the audit says so."""
    file = tmp_path / "kept.py"
    file.write_text("from numba import njit\n\n\n@njit(cache=True)\ndef kept(x):\n    return x + 1\n")
    for cached in (False, True):
        spec = importlib.util.spec_from_file_location("kept", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.kept(1)
        (row,) = read_compiled([module.kept])
        assert row.cached is cached and row.passes is not cached
