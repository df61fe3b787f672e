"""The published networks: sizes as published, names, widths, and that every one of them runs."""

from fractions import Fraction

import numpy as np
import pytest

import bridge
from intflow import Trainer
from intflow.errors import UsageError
from intflow.formats import Bits
from intflow.layers import Requantize
from intflow.models import MODELS, make_layers
from intflow.quantizers import SCHEMES, Wage, make_scheme
from intflow.training.network import Network
from layers.schemes import Affine, Folded

# Weights, biases, gamma and beta; multiply-adds an image in thousands.
PUBLISHED = {
    "resnet20": (269_722, 40_551), "resnet32": (464_154, 68_862), "resnet44": (658_586, 97_174),
    "resnet56": (853_018, 125_485), "resnet110": (1_727_962, 252_887),
    "resnet18": (11_689_512, 1_814_073), "resnet34": (21_797_672, 3_663_761),
    "resnet50": (25_557_032, 4_089_184), "resnet152": (60_192_808, 11_513_626),
    "vgg16": (138_357_544, 15_470_264), "vgg16bn": (138_365_992, 15_470_264),
    "densenet161": (28_681_000, 7_727_907), "inception-v3": (23_834_568, 5_713_216),
    "bn-inception": (11_295_240, 2_032_600), "googlenet": (6_624_904, 1_498_376),
    "googlenet-lrn": (6_998_552, 1_582_671), "alexnet-tv": (61_100_840, 714_188),
    "alexnet-grouped": (60_965_224, 724_406),
    "squeezenet1_0": (1_248_424, 818_924), "squeezenet1_1": (1_235_496, 349_151),
}
OF_WAGE = {"mlp", "lenet", "vgg7", "svhn", "alexnet"}
OF_QNN = {"mlp-4096", "bnn-cifar10", "bnn-svhn", "ptb-lstm", "ptb-gru", "ptb-rnn"}
OF_WRPN = {"alexnet-bn", "alexnet-cifar"}
published = pytest.mark.parametrize("name", PUBLISHED)


def plan(name, scheme, width=1, input_shape=None, kernels=None, batch_size=1):
    """A named model as a Network; without kernels nothing is drawn."""
    entry = MODELS[name]
    classes = 10 if entry.input_shape[1] == 32 else 1000
    layers = make_layers(name, classes, width)
    return Network(layers, input_shape or entry.input_shape, scheme, kernels, 1, batch_size)


def test_every_published_model_has_its_size_here():
    without_weights = OF_WAGE | OF_QNN | OF_WRPN
    assert set(MODELS) == set(PUBLISHED) | without_weights
    assert all((model.preprocessing is None) == (name in without_weights)
               for name, model in MODELS.items())


@published
def test_sizes_are_the_published_ones(name):
    network = plan(name, Affine(Bits(8, 8, 8, 8)))
    products = sum(getattr(layer, "multiplications", 0) for layer, _ in network.specs)
    assert (network.count_parameters(), products // 1000) == PUBLISHED[name]


@pytest.mark.parametrize("name, weights, products", [
    ("alexnet-bn", 60_954_656, 724_406),            # Caffe's, without its biases
    ("alexnet-cifar", 25 * (3 * 96 + 96 * 256) + 9 * (256 * 384 + 384 * 384 + 384 * 256)
     + 9 * 256 * 1024 + 1024 * 1024 + 1024 * 10,
     (25 * (32 * 32 * 3 * 96 + 15 * 15 * 96 * 256) + 9 * 7 * 7 * 384 * (256 + 384 + 256)
      + 9 * 256 * 1024 + 1024 * 1024 + 1024 * 10) // 1000),
])
def test_alexnets_with_batch_norm(name, weights, products):
    """Sizes by hand; a norm behind every product but the last."""
    network = plan(name, Affine(Bits(8, 8, 8, 8)))
    kinds = [layer.kind for layer, _ in network.specs if layer.kind not in ("max_pool2d", "flatten")]
    block, last = ["batch_norm2d", "relu", "requantize"], ["linear"]
    assert kinds == ["conv2d", *block] * 5 + ["linear", *block] * 2 + last
    found = sum(getattr(layer, "multiplications", 0) for layer, _ in network.specs)
    assert (network.count_weights(), found // 1000) == (weights, products)


@published
def test_every_scheme_takes_it(name):
    """WAGE leaves out biases and norms; float-weight folds what it can and keeps the rest."""
    wage = plan(name, Wage(Bits(2, 8, 8, 8)))
    assert {p.role for p in wage.parameters} == {"weight"}
    float_weight = plan(name, make_scheme("float-weight", "e4m3,8"))
    roles = {p.role for p in float_weight.parameters}
    assert roles == ({"weight", "bias", "scale"} if name == "densenet161" else {"weight", "bias"})
    assert wage.count_weights() == float_weight.count_weights()


@published
def test_every_parameter_has_a_published_name(name):
    walked = list(plan(name, Affine(Bits(8, 8, 8, 8))).layers.walk())
    sources = [layer.source for layer in walked if layer.parameters()]
    assert None not in sources and len(set(sources)) == len(sources)
    assert all(layer.source is None for layer in walked if not layer.parameters())


@pytest.mark.parametrize("name, expected", {
    "resnet20": ["conv1", "layer2.0.bn2", "layer3.2.conv2", "linear"],
    "resnet50": ["conv1", "layer1.0.downsample.1", "layer4.2.bn3", "fc"],
    "vgg16": ["features.0", "features.28", "classifier.6"],
    "vgg16bn": ["features.1", "features.40", "features.41", "classifier.3"],
    "densenet161": ["features.conv0", "features.denseblock4.denselayer24.norm2",
                    "features.transition3.conv", "features.norm5", "classifier"],
    "inception-v3": ["Conv2d_1a_3x3.conv", "Mixed_6a.branch3x3dbl_3.bn",
                     "Mixed_7c.branch3x3dbl_3b.conv", "Mixed_5b.branch_pool.bn", "fc"],
    "bn-inception": ["conv1_7x7_s2_bn", "inception_3c_double_3x3_2", "inception_5b_pool_proj_bn"],
    "googlenet": ["conv2.bn", "inception4e.branch3.1.conv", "inception3a.branch1.conv", "fc"],
    "googlenet-lrn": ["conv1.7x7_s2", "inception_5b.5x5_reduce", "loss3.classifier"],
    "alexnet-tv": ["features.10", "classifier.1"],
    "alexnet-grouped": ["conv5", "fc8"],
    "squeezenet1_0": ["features.3.squeeze", "features.12.expand3x3", "classifier.1"],
    "squeezenet1_1": ["features.4.squeeze", "features.12.expand1x1", "classifier.1"],
}.items())
def test_names_are_those_of_the_published_files(name, expected):
    sources = {layer.source for layer in make_layers(name, 10).walk()}
    assert [source for source in expected if source not in sources] == []


@published
def test_activations_are_narrowed_behind_every_relu_and_not_at_the_outputs(name):
    """Each Requantize is unsigned but those of DenseNet's new channels; none comes last."""
    network = plan(name, Affine(Bits(8, 8, 8, 8)))
    narrowed = [layer for layer, _ in network.specs if isinstance(layer, Requantize)]
    signed = [layer for layer in narrowed if layer.format.signed]
    assert bool(signed) == (name == "densenet161") and len(narrowed) > 2 * len(signed)
    kinds = [layer.kind for layer, _ in network.specs]
    assert all(kinds[i + 1] in ("requantize", "avg_pool2d")
               for i, kind in enumerate(kinds) if kind == "relu")
    assert kinds[-1] == "linear" or kinds[-3:] == ["relu", "avg_pool2d", "flatten"]


@pytest.mark.parametrize("name", ["resnet50", "densenet161", "inception-v3", "alexnet-grouped"])
@pytest.mark.parametrize("width", [2, "1.3"])
def test_any_width(name, width):
    wide = plan(name, Wage(Bits(2, 8, 8, 8)), Fraction(width))
    assert wide.count_weights() > plan(name, Wage(Bits(2, 8, 8, 8))).count_weights()


# Images small enough for seconds, large enough for every window.
SMALL = {
    "resnet20": ("1/4", 16), "resnet50": ("1/32", 32), "vgg16bn": ("1/32", 32),
    "densenet161": ("1/24", 32), "inception-v3": ("1/32", 75), "bn-inception": ("1/32", 64),
    "googlenet": ("1/16", 64), "alexnet-tv": ("1/32", 64), "squeezenet1_1": ("1/16", 64),
    "alexnet-bn": ("1/32", 67), "alexnet-cifar": ("1/32", 32),
}


def small(name, scheme="wage", **options):
    width, size = SMALL.get(name, ("1/16", 67))
    return Trainer(name, "8888", scheme, input_shape=(3, size, size), classes=10,
                   width=Fraction(width), batch_size=2, **{"threads": 1, **options})


def batch(trainer, seed=0):
    rng = np.random.default_rng(seed)
    shape = (2, *trainer.network.input_shape)
    return rng.integers(0, 256, shape, np.uint8), rng.integers(0, 10, 2)


@pytest.mark.parametrize("name", SMALL)
def test_it_trains_under_wage(name):
    trainer = small(name)
    before = trainer.digest()
    trainer.step(*batch(trainer))
    assert trainer.digest() != before


@pytest.fixture
def affine_schemes(monkeypatch):
    for scheme in (Affine, Folded):
        monkeypatch.setitem(SCHEMES, scheme.name, scheme)


def randomised(trainer):
    """Random biases and multipliers, small enough that activations keep their range."""
    rng = np.random.default_rng(5)
    for parameter in trainer.network.parameters:
        if parameter.role != "weight":
            one = 1 << parameter.master.format.frac_bits
            low, high = (one // 2, one) if parameter.role == "scale" else (-one // 8, one // 4)
            parameter.master.codes[...] = rng.integers(low, high, parameter.master.shape)
    return trainer


@pytest.mark.parametrize("scheme", ["affine", "folded"])
@pytest.mark.parametrize("name", ["resnet20", "densenet161", "squeezenet1_1", "alexnet-grouped"])
def test_backends_agree_with_biases_norms_and_unsigned_activations(name, scheme, affine_schemes):
    outputs = []
    for backend in bridge.BACKENDS:
        if backend == "reference" and name != "resnet20":
            continue                                # slow: one net is enough for it
        threads = 2 if name == "squeezenet1_1" else 1       # parallel kernels are long to compile
        trainer = randomised(small(name, scheme, backend=backend, threads=threads))
        y, _ = trainer.evaluate(*batch(trainer))
        outputs.append(y.tolist())
    assert all(y == outputs[0] for y in outputs)
    assert len({value for row in outputs[0] for value in row}) > 5


def test_what_cannot_be_trained_is_refused(affine_schemes):
    trainer = small("resnet20", "affine")
    with pytest.raises(UsageError, match="batch_norm2d_1.scale cannot be trained under affine"):
        trainer.step(*batch(trainer))
    trainer = small("alexnet-grouped")
    with pytest.raises(UsageError, match="local_response_norm_1 has no backward pass"):
        trainer.step(*batch(trainer))


def test_biases_and_multipliers_are_state(affine_schemes, tmp_path):
    """In the digest, in the checkpoint, in the record; evaluation saves nothing for a way back."""
    plain, trainer = small("resnet20", "affine"), randomised(small("resnet20", "affine"))
    assert plain.digest() != trainer.digest()
    trainer.save(tmp_path / "a.h5")
    plain.load(tmp_path / "a.h5")
    assert plain.digest() == trainer.digest()
    images, labels = batch(trainer)
    assert (plain.evaluate(images, labels)[0] == trainer.evaluate(images, labels)[0]).all()
    run = trainer.network.run(keep=False)
    _, saved = trainer.network.layers.forward(trainer.encoder.encode(trainer.kernels, images), run)
    assert set(saved) == {None}


def test_the_record_holds_them(affine_schemes):
    from intflow.training.recorder import Recorder
    trainer = randomised(small("resnet20", "affine"))
    recorder = Recorder()
    codes = trainer.encoder.encode(trainer.kernels, batch(trainer)[0])
    trainer.network.layers.forward(codes, trainer.network.run(recorder=recorder))
    kept = recorder.layers["batch_norm2d_1"]
    assert {"input", "output", "scale", "bias"} <= set(kept)
    assert "bias" in recorder.layers["linear_1"] and kept["bias"].axes == "C"
