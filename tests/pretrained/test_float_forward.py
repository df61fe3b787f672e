"""The fp32 forward pass on small integers, where fp32 is exact: equal to the oracle's integers."""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow import layers as kinds
from intflow.data import Preprocessing
from intflow.data.preprocessing import IMAGENET
from intflow.errors import UnknownNameError
from intflow.ops import Window
from intflow.pretrained import float_forward, match
from intflow.pretrained.float_forward import FORWARD, affine, convolve, normalise, taps
from intflow.quantizers import make_scheme
from intflow.training.network import Network


def built(*layers, shape):
    made = kinds.Sequential(*layers)
    Network(made, shape, make_scheme("wage", "2888"), None, 1, 1)
    return made


def integers(seed, *shape):
    return np.random.default_rng(seed).integers(-9, 10, shape)


def plain(layer, x):
    """A layer without weights, on integers, before a Flatten that makes it a network."""
    made = built(layer, kinds.Flatten(), shape=x.shape[1:])
    kept = {}
    float_forward(made, x.astype(np.float32), {}, kept)
    return kept[layer.name]


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(kernel=pairs, stride=pairs, dilation=st.tuples(*[st.integers(1, 2)] * 2),
       padding=st.tuples(*[st.integers(0, 2)] * 4), groups=st.integers(1, 3),
       sizes=st.tuples(*[st.integers(5, 7)] * 2), images=st.integers(1, 3), seed=st.integers(0, 99))
def test_convolution(kernel, stride, dilation, padding, groups, sizes, images, seed):
    x = integers(seed, images, 2 * groups, *sizes)
    w = integers(seed + 1, 3 * groups, 2, *kernel)
    window = Window.of(kernel, stride, padding, dilation, groups)
    got = convolve(x.astype(np.float32), w.astype(np.float32), window)
    want = oracle.conv2d(x.tolist(), w.tolist(), stride, padding, dilation, groups)
    assert got.dtype == np.float32 and got.tolist() == want


def test_convolution_in_blocks(monkeypatch):
    monkeypatch.setitem(convolve.__globals__, "BLOCK", 1)
    test_convolution()


def test_taps_are_what_a_window_sees():
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    seen = taps(x, Window.of(2, stride=2, padding=(1, 0, 0, 0)))
    assert seen.shape == (1, 1, 2, 2, 2, 2)
    assert seen[0, 0, 0, 1].tolist() == [[0, 0], [5, 7]]
    assert seen[0, 0, 1, 0].tolist() == [[0, 2], [8, 10]]


@pytest.mark.parametrize("kernel, stride, padding", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (7, 1, 0)])
def test_max_pool2d(kernel, stride, padding):
    x = integers(3, 2, 3, 7, 8)
    got = plain(kinds.MaxPool2d(kernel, stride, padding), x)
    want, _ = oracle.max_pool2d(x.tolist(), (kernel,) * 2, (stride,) * 2, (padding,) * 4)
    assert got.tolist() == want


def test_max_pool2d_takes_an_incomplete_window():
    x = np.arange(16).reshape(1, 1, 4, 4)
    assert plain(kinds.MaxPool2d(3, 2), x).tolist() == [[[[10]]]]
    assert plain(kinds.MaxPool2d(3, 2, ceil=True), x).tolist() == [[[[10, 11], [14, 15]]]]


def test_avg_pool2d():
    x = integers(4, 2, 3, 6, 8)
    got = plain(kinds.AvgPool2d(2), x)
    assert got.tolist() == (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2]
                            + x[..., 1::2, 1::2]).astype(float).__truediv__(4).tolist()
    whole = plain(kinds.AvgPool2d(), x[..., :4, :4])
    assert whole.ravel().tolist() == (x[..., :4, :4].sum(axis=(2, 3)) / 16).ravel().tolist()


def test_batch_norm2d():
    """gamma 2, beta 1, mean 3, variance 3.75 + 1/4: y = (x - 3) / 2 * 2 + 1 = x - 2."""
    norm = kinds.named("bn", kinds.BatchNorm2d("1/4"))
    made = built(norm, kinds.Flatten(), shape=(2, 1, 2))
    own = {"gamma": [2, 4], "beta": [1, -1], "mean": [3, 0], "variance": [3.75, 0.75]}
    own = {role: np.array(numbers, np.float32) for role, numbers in own.items()}
    x = np.array([[[[7, 8]], [[5, -6]]]], np.float32)
    assert float_forward(made, x, {norm.name: own}).tolist() == [[5, 6, 19, -25]]
    scale, shift = affine(own, "1/4")
    assert scale.tolist() == [1, 4] and shift.tolist() == [-2, -1]


def test_a_network_of_every_combinator():
    """Residual, Concatenate, ReLU, bias and the output of every layer, against NumPy's integers."""
    made = built(
        kinds.named("stem", kinds.Conv2d(2, 1, bias=True)), kinds.ReLU(), kinds.Requantize(),
        kinds.Residual(kinds.named("body", kinds.Conv2d(2, 1)), kinds.Requantize()),
        kinds.Concatenate([kinds.ReLU()], []), kinds.Requantize(), kinds.Flatten(),
        kinds.named("fc", kinds.Linear(3, bias=True)), shape=(3, 2, 2))
    shapes = {"stem.weight": (2, 3, 1, 1), "stem.bias": (2,), "body.weight": (2, 2, 1, 1),
              "fc.weight": (3, 16), "fc.bias": (3,)}
    numbers = {name: integers(i, *shape) for i, (name, shape) in enumerate(shapes.items())}
    weights = match(made, {name: n.astype(np.float32) for name, n in numbers.items()})
    x, kept = integers(9, 4, 3, 2, 2), {}
    got = float_forward(made, x.astype(np.float32), weights, kept)

    def pointwise(name, x):
        return np.einsum("oi,nihw->nohw", numbers[name][:, :, 0, 0], x)

    stem = pointwise("stem.weight", x) + numbers["stem.bias"].reshape(-1, 1, 1)
    trunk = np.maximum(stem, 0) + pointwise("body.weight", np.maximum(stem, 0))
    flat = np.concatenate([np.maximum(trunk, 0), trunk], axis=1).reshape(4, -1)
    want = flat @ numbers["fc.weight"].T + numbers["fc.bias"]
    assert got.tolist() == want.tolist()
    assert set(kept) == {layer.name for layer in made.walk()}
    assert kept["conv2d_1"].tolist() == stem.tolist()
    assert kept["residual_1"].tolist() == trunk.tolist()


def test_layers_it_does_not_know():
    class Strange(kinds.ReLU):
        kind = "reluu"

    with pytest.raises(UnknownNameError, match="did you mean relu"):
        float_forward(Strange(), np.zeros((1, 2), np.float32), {})


def test_normalise():
    """(u / 255 - mean) / std, which is (code - remainder) * scale."""
    pre = Preprocessing(**IMAGENET)
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(3, axis=1)
    got = normalise(images, pre)
    for channel in range(3):
        code = images[0, channel].astype(int) - pre.centres[channel]
        exact = [(int(c) - pre.remainders[channel]) * pre.scales[channel] for c in code.ravel()]
        # Two roundings of fp64 lie before the one to fp32: not more than one unit of 2**-21 off.
        assert max(abs(int((g - float(e)) * 2**21))
                   for g, e in zip(got[0, channel].ravel().tolist(), exact)) == 0


def test_local_response_norm():
    """One channel at a time: 3 alone, size 1, k + 7/9 * 9 = 16, to the power -1/2: 3 / 4."""
    x = np.array([[[[3]], [[-3]], [[0]]]])
    got = plain(kinds.LocalResponseNorm(1, "7/9", "1/2", 9), x).ravel().tolist()
    assert got == [0.75, -0.75, 0]
    # Three neighbours, k = 4: 4 + 2 / 3 * (9 + 9) = 16 for the first two.
    got = plain(kinds.LocalResponseNorm(3, 2, "1/2", 4), x).ravel().tolist()
    assert got == [0.75, -0.75, 0]


def test_subsample():
    x = integers(5, 2, 3, 5, 4)
    got = plain(kinds.Subsample(2, before=1, after=2), x)
    assert got.shape == (2, 6, 3, 2) and got[:, 1:4].tolist() == x[:, :, ::2, ::2].tolist()
    assert not got[:, [0, 4, 5]].any()


def test_every_layer_kind_of_published_networks_has_a_line():
    others = {"dropout", "embedding", "rnn", "lstm", "gru"}
    assert set(FORWARD) == set(kinds.LAYERS) - others
