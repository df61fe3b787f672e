"""FAQ's training: equal to its oracle, the same everywhere, begun from a file and resumed without it."""

from fractions import Fraction

import numpy as np
import oracle
import oracle_faq
import pytest
from pretrained import networks

from intflow.errors import UsageError
from intflow.kernels import available, load
from intflow.layers import BatchNorm2d, Conv2d, ReLU, Requantize, Residual, Sequential, Subsample, named
from intflow.models import MODELS, Model
from intflow.models.blocks import mean_and_classify
from intflow.pretrained.convert import convert
from intflow.quantizers import make_scheme

IMAGES, CLASSES, STEPS = 3, 4, 3
BACKENDS = [name for name, (ok, _) in available().items() if ok]


def small(classes, width=1):
    """A convolution, a residual block whose shortcut has no weights, a classifier: 8 x 8 pixels."""
    return Sequential(
        named("conv", Conv2d(4, 3, padding=1)), named("bn", BatchNorm2d()), ReLU(), Requantize(),
        Residual(Requantize(), named("a", Conv2d(6, 3, stride=2, padding=1)),
                 named("b", BatchNorm2d()), shortcut=Subsample(2, 1, 1)), ReLU(), Requantize(),
        *mean_and_classify("fc", classes))


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch):
    monkeypatch.setitem(MODELS, "small", Model(small, (3, 8, 8), preprocessing=networks.BRANCHES.preprocessing))


def tuned(bits, backend="portable", threads=1, options=None, **settings):
    """A converted network that trains."""
    tensors = networks.random_weights("small", CLASSES)
    return convert(
        "small", tensors, make_scheme("faq", bits, options=options),
        networks.images(16, (3, 8, 8)), kernels=load(backend, threads), batch_size=IMAGES,
        trains=True, lr=Fraction(1, 64), seed=7, **settings)


def batch(step):
    return networks.images(IMAGES, (3, 8, 8), seed=step), np.arange(step, step + IMAGES) % CLASSES


def steps(trainer, first=0, last=STEPS):
    for step in range(first, last):
        trainer.step(*batch(step))
    return trainer.digest()


# ------------------------------------------------------------------------------------- oracle

def oracle_formats(trainer):
    """What the oracle asks of formats, out of those that conversion chose."""
    formats = {name: (fmt.bits, fmt.frac_bits, fmt.signed) for name, fmt in trainer.scheme.formats.items()}
    for parameter in trainer.network.parameters:
        if parameter.role == "bias":
            formats[parameter.name] = (None, parameter.master.format.maximum)
    return formats


@pytest.mark.parametrize("bits", ["4-4-16-16", "8-8-16-16", "4-4-8-8"])
def test_steps_equal_the_oracle(bits):
    trainer = tuned(bits)
    encoder, formats, velocities = trainer.encoder, oracle_formats(trainer), {}
    for step in range(STEPS):
        images, labels = batch(step)
        state = {p.name: (p.master.logical().tolist(), p.master.format.frac_bits)
                 for p in trainer.network.parameters}
        centred = images.astype(int) - np.array(encoder.centres).reshape(1, 3, 1, 1)
        x = oracle.Tensor(centred.tolist(), encoder.format.frac_bits)
        narrow = tuple(int(b) for b in bits.split("-")[2:])
        expected = oracle_faq.Step(state, formats, narrow, 7, step, Fraction(1, 64), Fraction(7, 8),
                                   Fraction(1, 10_000), velocities)
        outputs, masters, velocities = expected.run(x, labels.tolist())
        result = trainer.step(images, labels, record=True)
        assert result.recorder.layers["linear_1"]["output"].logical().tolist() == outputs.codes
        for parameter in trainer.network.parameters:
            name = parameter.name
            if name in expected.gradients:
                gradient = parameter.gradient
                assert gradient.logical().tolist() == expected.gradients[name].codes, name
                assert gradient.format.frac_bits == expected.gradients[name].frac_bits, name
                assert parameter.state["velocity"].reshape(-1).tolist() == velocities[name], name
            assert parameter.master.logical().tolist() == masters[name], name
        assert any(masters[name] != state[name][0] for name in masters)


# ------------------------------------------------------------------------------- the same bits

@pytest.fixture(scope="module")
def digests():
    return {}


@pytest.mark.parametrize("options", ["", "batch_norm=trained"])
@pytest.mark.parametrize("backend, threads", [*((name, 1) for name in BACKENDS), ("auto", 3)])
def test_backends_and_threads(backend, threads, options, digests):
    digest = steps(tuned("4-4-16-16", backend, threads, options))
    assert digests.setdefault(options, digest) == digest


@pytest.mark.parametrize("options", ["", "batch_norm=trained"])
def test_saved_and_loaded(options, tmp_path, digests):
    trainer = tuned("4-4-16-16", options=options)
    steps(trainer, last=1)
    trainer.save(tmp_path / "net.h5")
    other = tuned("4-4-16-16", options=options)
    other.load(tmp_path / "net.h5")
    assert steps(other, first=1) == steps(trainer, first=1)


# --------------------------------------------------------------------------------- conversion

def test_masters_are_finer_codes():
    """Evaluation of a network that will train sees the codes of one that will not."""
    fixed = convert("small", networks.random_weights("small", CLASSES), make_scheme("faq", "4-4-16-16"),
                    networks.images(16, (3, 8, 8)), kernels=load("portable", 1))
    trained = tuned("4-4-16-16")
    for a, b in zip(fixed.network.parameters, trained.network.parameters):
        if a.role == "weight":
            assert b.master.format.frac_bits == a.master.format.frac_bits + 8
            codes = trained.scheme.weight(trained.kernels, b)
            assert codes.format == a.master.format
            assert np.abs(codes.codes.astype(int) - a.master.codes).max() <= 1      # ties of ties
            assert np.count_nonzero(b.master.codes & 255)


def test_a_network_converted_to_be_evaluated_does_not_train():
    trainer = convert("small", networks.random_weights("small", CLASSES), make_scheme("faq", "8-8-16-16"),
                      networks.images(16, (3, 8, 8)), kernels=load("portable", 1))
    with pytest.raises(UsageError, match="cannot be trained under faq"):
        trainer.step(*batch(0))


def test_the_first_layer_has_the_rate_of_the_others():
    """One step of its input is near what a grey level is worth in the published network, so that its
    weights and gradients have their published size: within sqrt(2) of the factors of its channels."""
    trainer = tuned("8-8-16-16")
    preprocessing = MODELS["small"].preprocessing
    for scale in preprocessing.scales:
        assert Fraction(1, 2) < scale * 2 ** trainer.encoder.format.frac_bits < 2
