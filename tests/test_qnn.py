"""Parts of QNN by themselves: thresholds, groups of workers, dropout, hinge, options, digests."""

import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import intflow
import oracle
from intflow.data import augment, encode
from intflow.errors import FormatError, IntflowError, RangeError, ShapeError, UsageError
from intflow.formats import Binary, BitMask, Fixed, Packed, Tensor
from intflow.kernels import load
from intflow.layers import (
    BatchNorm2d, Build, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Run,
    Sequential, Spec,
)
from intflow.layers.norms.shift import half_log
from intflow.layers.thresholds import thresholds
from intflow.losses import SquaredHinge
from intflow.models import MODELS, make_layers
from intflow.ops import Products
from intflow.optimizers.adamax import glorot_exponent
from intflow.quantizers import make_scheme
from intflow.training.network import Network

KERNELS = load("auto", 1)
CHANNELS, IMAGES = 5, 6


def small_net():
    """Two products with a pool; 2x6x6 images."""
    return Sequential(Conv2d(4, 3, padding=1), MaxPool2d(2), ReLU(), Requantize(), Flatten(),
                      Linear(70), Requantize(), Linear(3))


def trainer(bits="1-1-6-6", options="", **settings):
    return intflow.Trainer(small_net(), bits, "qnn", input_shape=(2, 6, 6), batch_size=IMAGES,
                           seed=3, options=options, **{"threads": 1, **settings})


def batch(number, images=IMAGES):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (images, 2, 6, 6), np.uint8), rng.integers(0, 3, images)


def built_norm(options="", batch_size=IMAGES, shape=(CHANNELS,), bits=20):
    """(layer, run, format of its input)."""
    scheme, fmt = make_scheme("qnn", None, options=options), Fixed(bits, 3, symmetric=True)
    layer = BatchNorm2d()
    layer.name = "batch_norm2d_1"
    layer.build(Spec(shape, fmt), Build(scheme, KERNELS, 1, batch_size))
    return layer, Run(KERNELS, scheme, Products(KERNELS)), fmt


# sign of a batch norm ------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "batch_norm=integer"])
def test_thresholds_agree_with_the_norm_for_every_input(options):
    layer, run, fmt = built_norm(options, bits=14)
    rng = np.random.default_rng(4)
    for trial in range(4):
        for p in layer.parameters():
            low = 0 if p.role == "variance" else -2**13
            p.master.codes[...] = rng.integers(low, 2**13, CHANNELS) << (p.role != "scale")
        run = replace(run, keep=False)
        t, flips = thresholds(layer.norm, CHANNELS, fmt, run)
        x = np.repeat(np.arange(fmt.minimum, fmt.maximum + 1, dtype=fmt.dtype)[:, None], CHANNELS, 1)
        y = layer.norm.forward(Tensor(x, fmt, "NC"), run)[0].codes
        assert ((y >= 0) == ((x >= t) != flips.astype(bool))).all(), trial
        assert trial or len(set(t.tolist())) > 1


def test_evaluation_compares_with_thresholds_and_loses_nothing():
    net = trainer()
    for number in range(3):
        net.step(*batch(number))
    images, labels = batch(9)
    folded, _ = net.evaluate(images, labels)
    for layer in net.network.layers.walk():
        assert layer.kind != "requantize" or layer.norm is layer.before.norm is not None
        layer.norm = None if layer.kind == "requantize" else getattr(layer, "norm", None)
        layer.is_compared = False
    assert (net.evaluate(images, labels)[0] == folded).all()


@pytest.mark.parametrize("gamma, t, flip", [(1, 5, 0), (-1, 6, 1), (0, -127, 1)])
def test_threshold_of_a_line(gamma, t, flip):
    class Line:
        def forward(self, x, run):
            codes = gamma * (x.codes.astype(np.int64) - 5) - (gamma == 0)
            return Tensor(codes, Fixed(64, 0), x.axes), None

    found = thresholds(Line(), 1, Fixed(8, 0, symmetric=True), None)
    assert [int(v[0]) for v in found] == [t, flip]


# workers -------------------------------------------------------------------------------------


class Worker:
    """One of two threads that share a batch."""

    def __init__(self, shared, barrier, rank):
        self.shared, self.barrier, self.rank, self.size = shared, barrier, rank, 2

    def _all(self, value):
        self.shared[self.rank] = value
        self.barrier.wait()
        values = list(self.shared)
        self.barrier.wait()
        return values

    def sum(self, codes):
        return sum(self._all(codes))

    def maximum(self, value):
        return max(self._all(value))


def forward_backward(x, e, options, group=None):
    """(output, error, gradient of beta, running statistics) of a new norm."""
    layer, run, fmt = built_norm(options, batch_size=8)
    run = replace(run, later=[], **({"group": group} if group else {}))
    y, saved = layer.forward(Tensor(x, fmt, "NC"), run)
    below = layer.backward(Tensor(e, Fixed(32, 7, symmetric=True), "NC"), saved, run)
    kept = [codes.tolist() for _, codes in run.later]
    return y.codes, below.codes, below.format, layer.bias.gradient.codes.tolist(), kept


@pytest.mark.parametrize("options", ["", "projection=division"])
@pytest.mark.parametrize("error_bits", [10, 31])
def test_two_workers_are_one(options, error_bits):
    rng = np.random.default_rng(error_bits)
    x = rng.integers(-2**18, 2**18, (8, CHANNELS)).astype(np.int32)
    e = rng.integers(-2**(error_bits - 1), 2**(error_bits - 1), x.shape).astype(np.int32)
    y, below, fmt, *rest = forward_backward(x, e, options)
    shared, barrier, results = [None, None], threading.Barrier(2), [None, None]

    def work(rank):
        part = slice(0, 3) if rank == 0 else slice(3, 8)
        results[rank] = forward_backward(x[part].copy(), e[part].copy(), options,
                                         Worker(shared, barrier, rank))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, whole in ((0, y), (1, below)):
        assert (np.concatenate([result[at] for result in results]) == whole).all()
    assert all(result[2] == fmt and list(result[3:]) == rest for result in results)


# digests -------------------------------------------------------------------------------------


def test_threads_backends_and_resume_end_in_one_digest(tmp_path):
    digests = set()
    for settings in {"threads": 1}, {"threads": 2}, {"backend": "portable"}:
        net = trainer(options="activations=stochastic,weights=stochastic", **settings)
        for number in range(4):
            net.step(*batch(number))
        digests.add(net.digest())
    first = trainer(options="activations=stochastic,weights=stochastic")
    for number in range(2):
        first.step(*batch(number))
    first.save(tmp_path / "half.h5")
    second = trainer(options="activations=stochastic,weights=stochastic")
    second.load(tmp_path / "half.h5")
    for number in (2, 3):
        second.step(*batch(number))
    assert digests == {second.digest()}


def test_stochastic_signs_are_drawn_in_training_alone():
    net = trainer(options="activations=stochastic")
    net.step(*batch(1))
    images, labels = batch(2)
    whole, _ = net.evaluate(images, labels)
    halves = [net.evaluate(images[part], labels[part])[0] for part in (slice(0, 2), slice(2, 6))]
    assert (np.concatenate(halves) == whole).all()


def test_stochastic_weights_follow_the_stream():
    scheme = make_scheme("qnn", None, options="weights=stochastic")
    master = Tensor(np.array([[-4096, -2048, 0], [2048, 4095, 4096]], np.int16), Fixed(14, 12, symmetric=True), "IO")
    parameter = intflow.layers.Parameter("linear_1.weight", master, 2, 0)
    address = Run(KERNELS, scheme, None, step=5, seed=9).address("weight")
    codes = scheme.weight(KERNELS, parameter, address).codes.ravel().tolist()
    draws = [oracle.random_u32(9, "weight", 5, 0, i) >> 19 for i in range(6)]
    expected = [1 if w + 4096 > r else -1 for w, r in zip(master.codes.ravel().tolist(), draws)]
    assert codes == expected and codes[0] == -1 and codes[5] == 1


# memory --------------------------------------------------------------------------------------


def test_activations_and_masks_are_kept_as_bits():
    net = trainer("1-1-32-8")
    run = net.network.run()
    x = net.encoder.encode(KERNELS, batch(0)[0])
    _, saved = net.network.layers.forward(x, run)
    kinds = [layer.kind for layer in net.network.layers.layers]
    masks = [s for kind, s in zip(kinds, saved) if kind == "requantize"]
    assert masks and all(isinstance(mask, BitMask) for mask in masks)
    inputs = [s[0] for kind, s in zip(kinds, saved) if kind == "linear"]
    assert all(isinstance(x, Packed) and x.format == Binary() for x in inputs)
    weights = [s[1] for kind, s in zip(kinds, saved) if kind in ("linear", "conv2d")]
    assert all(isinstance(w, Packed) for w in weights)


@pytest.mark.parametrize("bits", ["1-1-32-8", "4-4-16-16"])
def test_a_compact_network_evaluates_the_same_and_does_nothing_else(bits, tmp_path):
    net = trainer(bits)
    for number in range(2):
        net.step(*batch(number))
    images, labels = batch(8)
    before, _ = net.evaluate(images, labels)
    net.compact()
    assert (net.evaluate(images, labels)[0] == before).all()
    assert not any(p.master.codes.size for p in net.network.parameters if p.role == "weight")
    for action in (lambda: net.step(images, labels), net.digest, lambda: net.save(tmp_path / "x.h5")):
        with pytest.raises(UsageError, match="compact"):
            action()


# layers, loss, options -----------------------------------------------------------------------


def test_hinge():
    y = Tensor(np.array([[3, -6, 0]], np.int32), Fixed(24, 2), "NC")
    e, (total, frac_bits), wrong = SquaredHinge()(KERNELS, y, np.array([0]))
    assert e.codes.tolist() == [[-1, 0, 4]] and e.format.frac_bits == 2
    assert Fraction(total, 2**frac_bits) == Fraction(1, 2) * (Fraction(1, 16) + 1) and wrong == 0


@pytest.mark.parametrize("v, k", [(1, 0), (2, 1), (7, 1), (8, 2), (31, 2), (32, 3), (0, 0)])
def test_half_log(v, k):
    assert half_log([v]).tolist() == [k]


@pytest.mark.parametrize("shape, k", [((1024, 1024), 5), ((3, 3, 128, 128), 5), ((784, 2048), 5),
                                      ((3, 3, 512, 512), 6), ((1, 1), 0)])
def test_glorot_exponent(shape, k):
    square = Fraction(sum(shape[-2:]) * (9 if len(shape) == 4 else 1) * 2, 3)
    assert glorot_exponent(shape) == k and 2**(2 * k - 1) <= square < 2**(2 * k + 1)


@pytest.mark.parametrize("bits, options, error", [
    ("9-1-32-32", "", FormatError), ("1-16-32-32", "", FormatError), ("1-1-1-8", "", FormatError),
    ("1-1-8-1", "", FormatError), ("6-6-32-32", "quantizer=log", FormatError),
    ("1-1-32-32", "batch_norm=none", IntflowError), ("1-1-32-32", "speed=high", UsageError),
])
def test_schemes_that_cannot_be(bits, options, error):
    with pytest.raises(error):
        make_scheme("qnn", bits, options=options)


@pytest.mark.parametrize("rate", ["3/64", "2", "1/33554432"])
def test_rates_are_powers_of_two(rate):
    with pytest.raises(RangeError, match="power of two"):
        make_scheme("qnn", None).check_rate(Fraction(rate))


def test_recipe_halves_the_rate_in_equal_parts():
    recipe = make_scheme("qnn", None).recipe(MODELS["mlp"], 5)
    assert recipe["lr"] == Fraction(1, 64) and recipe["batch_size"] == 100
    assert recipe["schedule"] == "1:1/128,2:1/256,3:1/512,4:1/1024"


@pytest.mark.parametrize("name", ["mlp", "lenet", "vgg7", "bnn-svhn", "alexnet", "resnet20", "googlenet",
                                  "squeezenet1_1", "densenet161"])
def test_every_product_is_normalised(name):
    layers = make_layers(name, 10, Fraction(1, 16))
    network = Network(layers, MODELS[name].input_shape, make_scheme("qnn", None), None, 1, 4)
    norms = [layer for layer in layers.walk() if layer.kind == "batch_norm2d"]
    assert all(layer.norm is not None for layer in norms)
    for sequence in (layer for layer in layers.walk() if layer.kind == "sequential"):
        open_product = False
        for layer in sequence.layers:
            if layer.kind in ("conv2d", "linear"):
                open_product = True
            assert layer.kind != "requantize" or not open_product, layer.name
            open_product &= layer.kind != "batch_norm2d"
        assert not open_product
    assert network.output.format.bits == 24


def test_first_pixels_are_exact():
    assert encode.encode_table("symmetric", 9, exact=True).tolist() == list(range(-255, 256, 2))
    assert encode.encode_table("unit", 9, exact=True).tolist() == list(range(256))


def test_shift1_moves_by_one_pixel_at_most():
    image = np.arange(1, 10, dtype=np.uint8).reshape(1, 1, 3, 3)
    words = np.array([0], np.uint32)
    assert augment.shift1(image, None, (3, 3), KERNELS).tolist() == image.tolist()
    assert augment.shift1(image, words, (3, 3), KERNELS)[0, 0].tolist() == [[0, 0, 0], [0, 1, 2], [0, 4, 5]]


def test_a_batch_too_large_for_a_variance_is_refused():
    with pytest.raises((RangeError, ShapeError), match="batch"):
        built_norm(batch_size=1 << 55, bits=24)
