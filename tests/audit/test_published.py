"""Networks that come from a file of weights, here random ones."""

from fractions import Fraction

import pytest

from intflow.audit.random_network import random_network
from intflow.audit.step import can_train, watch_step
from intflow.errors import UsageError


@pytest.mark.parametrize("scheme, bits", [("float-weight", "e4m3,8"), ("faq", "8-8-16-16")])
def test_what_was_converted_passes(scheme, bits):
    """An evaluation under float-weight, a training step too under faq."""
    trainer = random_network("resnet20", scheme, bits, width=Fraction(1, 4), batch_size=2)
    assert can_train(trainer) == (scheme == "faq")
    watch = watch_step(trainer)
    assert watch.finding is None
    assert any(name.endswith("conv2d_forward") for name in map(str, watch.functions))


def test_a_float_in_the_scheme_is_found(monkeypatch):
    trainer = random_network("resnet20", "float-weight", "s8,8", width=Fraction(1, 4), batch_size=2)
    right = type(trainer.scheme).weight

    def weight(self, kernels, parameter, address=None):
        return (right(self, kernels, parameter, address), 0.5)[0]

    monkeypatch.setattr(type(trainer.scheme), "weight", weight)
    assert "float" in str(watch_step(trainer, extra=[__file__]).finding)


def test_a_model_without_published_weights_is_refused():
    with pytest.raises(UsageError, match="no published weights"):
        random_network("lenet", "faq")
