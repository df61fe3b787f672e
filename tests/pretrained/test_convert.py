"""From fp32 tensors to an integer network: exact where numbers allow, complete, the same everywhere."""

from fractions import Fraction

import numpy as np
import pytest
from pretrained import networks

from intflow.errors import UsageError, WeightsError
from intflow.formats import Fixed, Minifloat
from intflow.kernels import load
from intflow.models import MODELS, make_layers
from intflow.pretrained.convert import convert
from intflow.pretrained.evaluation import save_published
from intflow.quantizers.places import places_of
from intflow.quantizers import make_scheme
from intflow.training import Config
from intflow.training.load import load_checkpoint
from intflow.training.network import name_layers

WIDTH = Fraction(1, 4)
SCHEMES = [("float-weight", "e4m3,8"), ("float-weight", "s8,8"), ("float-weight", "e5m2,6"),
           ("faq", "8-8-16-16"), ("faq", "4-4-16-16")]


@pytest.fixture(autouse=True)
def tiny_models(monkeypatch):
    monkeypatch.setitem(MODELS, "exact", networks.EXACT)
    monkeypatch.setitem(MODELS, "branches", networks.BRANCHES)


def converted(model, scheme, bits, tensors=None, backend="auto", threads=1, **settings):
    tensors = tensors or networks.random_weights(model, **settings)
    calibration = networks.images(6, MODELS[model].input_shape)
    return convert(model, tensors, make_scheme(scheme, bits), calibration,
                   kernels=load(backend, threads), **{k: v for k, v in settings.items() if k == "width"})


# ------------------------------------------------------------------- a network without rounding

def exact_tensors(scale):
    """Every number a short dyadic one; batch norm y = (x - 3) / 2 * 2 + 3 = x, so pixels stay pixels,
    times `scale`: 127/128 for schemes that bring filters to the range of 127.

    The block adds 3 x / 4, - x / 2 and x / 2 + 8 of the channels next door.
    """
    eye, zeros = np.eye(3).reshape(3, 3, 1, 1), np.zeros(3)
    body = np.zeros((3, 3, 1, 1))
    body[0, 1], body[1, 2], body[2, 0] = 0.75, -0.5, 0.5
    tensors = {
        "conv.weight": eye * float(scale), "bn.weight": zeros + 2, "bn.bias": zeros + 3,
        "bn.running_mean": zeros + 3, "bn.running_var": zeros + 4,
        "body.weight": body, "body.bias": np.array([0, 0, 8]),
        "fc.weight": np.array([[1, 0.5, -1], [0.25, -2, 1.5]]), "fc.bias": np.array([1.5, -3]),
    }
    return {name: np.asarray(values, np.float32) for name, values in tensors.items()}


def exact_outputs(images, scale):
    """The same network in Fractions, its narrowings as calibration should have made them."""
    rows = []
    for image in images.tolist():
        red, green, blue = [[half_even(p * scale) for line in plane for p in line] for plane in image]
        sums = [[r + Fraction(3, 4) * g for r, g in zip(red, green)],
                [g - Fraction(b, 2) for g, b in zip(green, blue)],
                [b + Fraction(r, 2) + 8 for b, r in zip(blue, red)]]
        trunk = [[min(255, half_even(max(0, v) / 2)) * 2 for v in plane] for plane in sums]
        mean = [min(255, half_even(Fraction(sum(plane), 2 * len(plane)))) * 2 for plane in trunk]
        rows.append([mean[0] + mean[1] / 2 - mean[2] + Fraction(3, 2),
                     mean[0] / 4 - 2 * mean[1] + Fraction(3, 2) * mean[2] - 3])
    return rows


def half_even(value):
    value = Fraction(value)
    below = value.numerator // value.denominator
    rest = value - below
    return below + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2))


@pytest.mark.parametrize("scheme, bits, scale", [
    ("float-weight", "e4m3,8", Fraction(1)), ("float-weight", "s8,8", Fraction(127, 128)),
    ("faq", "8-8-16-16", Fraction(127, 128)),
])
def test_a_network_of_short_numbers_is_exact(scheme, bits, scale):
    images = networks.images(5, (3, 4, 4), seed=3)
    images[0] = 255                             # sums up to 446: the step of the trunk is 2
    trainer = convert("exact", exact_tensors(scale), make_scheme(scheme, bits), images,
                      kernels=load("portable", 1))
    assert trainer.scheme.formats["requantize_3"] == Fixed(8, -1, signed=False)
    assert trainer.scheme.formats["requantize_4"] == Fixed(8, -1, signed=False)
    outputs, _ = trainer.evaluate(images, np.zeros(5, np.int64))
    step = trainer.network.output.format.step
    assert [[code * step for code in row] for row in outputs.tolist()] == exact_outputs(images, scale)
    assert trainer.network.classes == 2


def test_preprocessing_goes_into_the_first_layer():
    """w . (u / 255 - mean) / std + b, for a weight of ones on one pixel, is what comes out."""
    tensors = {name: np.zeros_like(values)
               for name, values in networks.random_weights("branches", 2).items()}
    tensors["stem.weight"][0, :, 1, 1] = 1, 0, 0
    trainer = convert("branches", tensors, make_scheme("float-weight", "e8m10,8"),
                      networks.images(4, (3, 8, 8)), kernels=load("portable", 1))
    weight, bias = [p for p in trainer.network.parameters if p.name.startswith("conv2d_1.")]
    scale = 1 / (255 * Fraction(229, 1000)) * 64                # the step of an input is 1/64
    code = weight.master.codes[1, 1, 0, 0]
    stored = weight.master.format.decode(int(code))
    assert trainer.scheme.formats["input"] == Fixed(9, 6)
    assert abs(stored / scale - 1) <= Fraction(1, 2 ** 11)      # half of the last of 10 bits
    remainder = 255 * Fraction(485, 1000) - 124
    expected = half_even(-remainder / (255 * Fraction(229, 1000)) / bias.master.format.step)
    assert bias.master.codes.tolist()[0] - expected in (-1, 0, 1) and not bias.master.codes[1:].any()


# -------------------------------------------------------------------------- complete, consistent

@pytest.mark.parametrize("scheme, bits", SCHEMES)
@pytest.mark.parametrize("model", ["branches", "resnet20"])
def test_formats_are_chosen_for_all_and_hold_what_runs(model, scheme, bits):
    settings = {"width": WIDTH} if model == "resnet20" else {}
    trainer = converted(model, scheme, bits, **settings)
    formats = trainer.scheme.formats
    for layer in trainer.network.layers.walk():
        for parameter in layer.parameters():
            assert formats[parameter.name] == parameter.master.check().format
        if layer.kind == "requantize":
            assert layer.format == formats[layer.name]
    seen = layer_outputs(trainer)
    for layer, spec in trainer.network.specs:
        assert seen[layer.name].format == spec.format, layer.name
        assert not spec.nonnegative or seen[layer.name].codes.min() >= 0


def layer_outputs(trainer):
    """{layer: Tensor} of one evaluation."""
    from intflow.training.recorder import Recorder

    recorder, network = Recorder(), trainer.network
    run = network.run(0, recorder, keep=False)
    x = trainer.encoder.encode(trainer.kernels, networks.images(2, network.input_shape, seed=7))
    network.layers.forward(x, run)
    return {name: tensors["output"] for name, tensors in recorder.layers.items()}


def test_widths_are_those_asked_for():
    formats = converted("resnet20", "faq", "4-4-16-16", width=WIDTH).scheme.formats
    bits = {name: fmt.bits for name, fmt in formats.items()}
    assert [bits[f"conv2d_{n}.weight"] for n in (1, 2, 19)] == [8, 4, 4]
    assert bits["linear_1.weight"] == 8
    # Stem, block's input, inside, sum: what is added is wide, what is multiplied narrow.
    assert [bits[f"requantize_{n}"] for n in (1, 2, 3, 4, 5)] == [8, 4, 4, 8, 4]
    assert [bits[f"requantize_{n}"] for n in (28, 29)] == [8, 8]
    assert bits["batch_norm2d_1.scale"] == 16
    formats = converted("resnet20", "float-weight", "e4m3,6", width=WIDTH).scheme.formats
    assert {fmt.bits for name, fmt in formats.items() if name.startswith("requantize")} == {6}
    assert {str(fmt)[:4] for name, fmt in formats.items() if name.endswith("weight")} == {"e4m3"}
    assert not [name for name in formats if name.startswith("batch_norm2d")]


def test_places_of_a_residual_network():
    layers = make_layers("resnet20", 10, WIDTH)
    name_layers(layers)
    places = places_of(layers)
    assert {n for n, place in places.items() if place == "end"} == {"conv2d_1", "linear_1", "requantize_29"}
    trunk = {f"requantize_{n}" for n in (1, *range(4, 29, 3))}
    assert {n for n, place in places.items() if place == "trunk"} == trunk


def test_a_bias_in_the_name_is_that_of_all_layers():
    formats = converted("branches", "float-weight", "e4m3b9,8").scheme.formats
    assert {fmt for name, fmt in formats.items() if name.endswith("weight")} == {Minifloat(4, 3, 9)}


def test_a_bias_of_its_own_reaches_the_largest_weight():
    tensors = networks.random_weights("branches")
    trainer = converted("branches", "float-weight", "e4m3,8", tensors)
    for name, source in (("conv2d_2", "a"), ("conv2d_4", "last")):
        fmt = trainer.scheme.formats[f"{name}.weight"]
        largest = np.abs(tensors[f"{source}.weight"]).max()
        assert 2 ** (15 - fmt.bias) <= largest < 2 ** (16 - fmt.bias)


@pytest.mark.parametrize("scheme, bits", SCHEMES)
def test_a_network_of_zeros_says_nothing(scheme, bits):
    tensors = {name: np.zeros_like(values)
               for name, values in networks.random_weights("exact", 2).items()}
    tensors["bn.running_var"] += 1
    trainer = converted("exact", scheme, bits, tensors)
    outputs, _ = trainer.evaluate(networks.images(2, (3, 4, 4)), np.zeros(2, np.int64))
    assert not outputs.any()


# --------------------------------------------------------------------------- the same everywhere

@pytest.mark.parametrize("scheme, bits", [("float-weight", "e4m3,8"), ("faq", "4-4-16-16")])
def test_backends_and_threads_agree(scheme, bits):
    images = networks.images(3, (3, 8, 8), seed=9)
    found = set()
    for backend, threads in (("reference", 1), ("portable", 1), ("portable", 2), ("auto", 2)):
        trainer = converted("branches", scheme, bits, backend=backend, threads=threads)
        outputs, _ = trainer.evaluate(images, np.zeros(3, np.int64))
        found.add((trainer.digest(), outputs.tobytes()))
    assert len(found) == 1


def test_digests_tell_ranges_apart():
    trainer = converted("branches", "float-weight", "e4m3,8")
    before, fmt = trainer.digest(), trainer.scheme.formats["requantize_1"]
    trainer.scheme.keep("requantize_1", Fixed(8, fmt.frac_bits + 1, signed=False))
    assert trainer.digest() != before


@pytest.mark.parametrize("scheme, bits", [("float-weight", "e5m2,8"), ("faq", "6-6-16-16")])
def test_a_checkpoint_gives_the_network_back(tmp_path, scheme, bits):
    trainer = converted("resnet20", scheme, bits, width=WIDTH)
    config = Config("resnet20", bits, scheme, width="1/4", batch_size=100, loss="softmax",
                    augment="published")

    class Data:
        classes = tuple("abcdefgh")             # fewer than the network tells apart

    save_published(tmp_path / "net.h5", trainer, Data, config)
    again, about = load_checkpoint(tmp_path / "net.h5", 1, "portable")
    images = networks.images(2, (3, 32, 32), seed=1)
    outputs = [t.evaluate(images, np.zeros(2, np.int64))[0].tobytes() for t in (trainer, again)]
    assert outputs[0] == outputs[1] and again.digest() == trainer.digest()
    assert again.scheme.formats == trainer.scheme.formats
    assert about["class_names"][-2:] == ["8", "9"]


def test_a_converted_network_is_not_trained():
    trainer = converted("branches", "float-weight", "e4m3,8")
    with pytest.raises(UsageError, match="evaluate"):
        trainer.step(networks.images(2, (3, 8, 8)), np.zeros(2, np.int64))


# ------------------------------------------------------------------------------------- bad input

def test_models_and_schemes_that_take_no_file():
    tensors = networks.random_weights("branches")
    images = networks.images(1, (3, 8, 8))
    with pytest.raises(UsageError, match="lenet has no published weights"):
        convert("lenet", tensors, make_scheme("faq", "8-8-16-16"), images)
    with pytest.raises(UsageError, match="wage scheme reads no published weights"):
        convert("branches", tensors, make_scheme("wage", "2888"), images)


@pytest.mark.parametrize("scheme, bits", [("float-weight", "e4m3,8"), ("faq", "8-8-16-16")])
def test_a_variance_below_zero(scheme, bits):
    tensors = exact_tensors(1)
    tensors["bn.running_var"] -= 5
    with pytest.raises(WeightsError, match="negative variance"):
        converted("exact", scheme, bits, tensors)


def test_tensors_of_another_network():
    tensors = networks.random_weights("branches")
    del tensors["a.bias"]
    with pytest.raises(WeightsError, match="missing: a.bias"):
        converted("branches", "float-weight", "e4m3,8", tensors)
    with pytest.raises(WeightsError, match="missing"):
        converted("resnet20", "float-weight", "e4m3,8", tensors)
