"""The run-time audit finds every planted float and names it; the engine has none."""

import sys

import pytest
from audit import planted
from audit.nets import every_layer, plant, trainer_of

from intflow import Trainer
from intflow.audit.step import watch_step
from intflow.audit.watch import Watch
from intflow.quantizers import Wage


@pytest.mark.parametrize("function, arguments, variable, kind", [
    (planted.half_of, (4,), "the constant 0.5", "float"),
    (planted.quotient, (4, 2), "a true division", "float"),
    (planted.scalar_of_numpy, (4,), "scale", "float32 scalar"),
    (planted.in_a_container, (4,), "kept['a'][1][1]", "float64 array (4,)"),
    (planted.integers, (4.5,), "x", "float"),
    (planted.after_a_long_loop, (30_000,), "y", "float32 scalar"),
])
def test_planted_floats(function, arguments, variable, kind):
    with Watch(extra=[planted.__file__]) as watch:
        function(*arguments)
    finding = watch.finding
    assert (finding["variable"], finding["type"]) == (variable, kind)
    assert finding["function"] == f"{planted.__name__}.{function.__name__}"
    assert finding["line"] >= function.__code__.co_firstlineno


def test_integers_pass():
    with Watch(extra=[planted.__file__]) as watch:
        planted.integers(4)
    assert watch.finding is None and watch.values > 4


def test_a_function_elsewhere_is_not_watched():
    with Watch() as watch:
        planted.half_of(4)
    assert watch.finding is None and not watch.functions


def test_tracing_ends_with_the_block():
    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError), Watch():
        1 // 0
    assert sys.gettrace() is before


def test_every_layer_passes():
    """Softmax and wide bits: tests/audit/test_compiled.py."""
    watch = watch_step(trainer_of(every_layer()))
    assert watch.finding is None
    seen = {name.split(".")[0] for name in watch.functions}
    assert {"kernels", "ops", "quantizers", "layers", "losses", "optimizers", "training",
            "data"} <= seen
    assert any("edge" in reason or "report" in reason for reason in watch.edges.values())


def test_reference_passes():
    assert watch_step(trainer_of(every_layer(), backend="reference")).finding is None


def test_a_float_planted_in_a_slot(monkeypatch):
    """A quantiser that scales by way of NumPy floats."""
    exact = Wage.activation

    def activation(self, *arguments):
        planted.scalar_of_numpy(3)
        return exact(self, *arguments)

    monkeypatch.setattr(Wage, "activation", activation)
    watch = watch_step(trainer_of(every_layer()), extra=[planted.__file__])
    assert watch.finding["function"] == "audit.planted.scalar_of_numpy"
    assert watch.finding["variable"] == "scale"


def test_a_float_planted_in_a_kernel():
    """The driver of a kernel hands a float to its compiled part."""
    trainer = trainer_of(every_layer())
    plant(trainer, "relu", planted.relu)
    watch = watch_step(trainer, extra=[planted.__file__])
    assert watch.finding["function"] == "audit.planted.relu"
    assert watch.finding["type"] == "float"


@pytest.mark.parametrize("arguments, keywords, variable", [
    ((0.5, 2), {}, "argument 0"), ((2, 2), {"scale": 0.5}, "scale"), ((3, 2), {}, "the result"),
])
def test_arguments_and_results_of_kernels(arguments, keywords, variable):
    watch = Watch()
    watch.kernel("scaled", lambda x, y, scale=1: x * scale / y)(*arguments, **keywords)
    assert watch.finding["function"] == "kernels.scaled" and watch.finding["variable"] == variable
    assert watch.finding["type"] == "float"


def test_a_step_under_watch_is_a_step():
    """Watching changes no bit, and the kernels are the trainer's own again."""
    watched, plain = (trainer_of(every_layer()) for _ in range(2))
    kernels = plain.kernels
    for trainer in (watched, plain):
        watch_step(trainer)
    assert watched.digest() == plain.digest() and plain.kernels is kernels
    assert plain.network.products.kernels is kernels and isinstance(plain, Trainer)
