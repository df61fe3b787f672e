"""Recurrent nets: equal to the oracle, whatever runs them, and what is carried."""

from fractions import Fraction

import numpy as np
import pytest

import intflow
from bridge import BACKENDS, bits_name
from intflow.errors import FormatError, RangeError, ShapeError, UsageError
from intflow.layers import Embedding, Gru, Linear, Lstm, Rnn, Sequential
from intflow.kernels import load
from intflow.quantizers import make_scheme, qnn_recurrent
from oracle_recurrent import Net

LAYERS = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}
TOKENS, FEATURES, UNITS, STREAMS, STEPS = 7, 4, 5, 2, 4
NAMES = ("embedding", "inputs", "bias", "hidden", "output", "output_bias")


def make(kind, bits="W4A4G16E16", backend="reference", threads=1, seed=3, **options):
    """A small Trainer."""
    layers = Sequential(
        Embedding(TOKENS, FEATURES), LAYERS[kind](UNITS), Linear(TOKENS, bias=True))
    return intflow.Trainer(layers, bits, "qnn", input_shape=(STEPS,), batch_size=STREAMS, loss="softmax",
                           backend=backend, threads=threads, seed=seed, options=options)


def parameters(trainer):
    """{name of the oracle: Parameter}."""
    embedding, cell, linear = trainer.network.layers.layers
    return dict(zip(NAMES, (embedding.weight, cell.inputs.weight, cell.inputs.bias, cell.hidden.weight,
                            linear.weight, linear.bias), strict=True))


def windows(count, seed=0, steps=STEPS):
    """Windows that follow each other: (tokens, labels), each (B, T)."""
    text = np.random.default_rng(seed).integers(0, TOKENS, (STREAMS, count * steps + 1))
    cuts = [slice(n * steps, (n + 1) * steps) for n in range(count)]
    return [(text[:, cut], text[:, 1:][:, cut]) for cut in cuts]


def enlarge(trainer, seed=1):
    """Weights over their whole range, so that gates close and cells grow."""
    rng = np.random.default_rng(seed)
    for name, parameter in parameters(trainer).items():
        limit = trainer.scheme.master_limit(parameter) >> (6 if "bias" in name else 0)
        parameter.master.codes[...] = rng.integers(-limit, limit, parameter.master.codes.shape)


@pytest.mark.parametrize("rate", [1, 24, "3/40"])
@pytest.mark.parametrize("kind, widths, options", [
    *((kind, (4, 4, 16, 16), {}) for kind in LAYERS),
    *((kind, (3, 2, 6, 16), {"gates": "table"}) for kind in LAYERS),
    *((kind, (16, 16, 32, 16), {}) for kind in LAYERS),
    ("lstm", (8, 8, 32, 16), {"gates": "table"}),
])
def test_steps_equal_the_oracle(kind, widths, options, rate):
    compare(make(kind, bits_name(widths), **options), kind, widths, rate, bool(options))


@pytest.mark.parametrize("usual, hidden, inputs", [(0, 1, 1), (-1, 2, 2)])
@pytest.mark.parametrize("kind, widths", [
    ("rnn", (4, 4, 16, 16)), ("lstm", (2, 3, 6, 16)), ("gru", (16, 16, 32, 16))])
def test_smaller_weights_of_many_inputs(kind, widths, usual, hidden, inputs, monkeypatch):
    """As the oracle has them: few inputs are taken for many."""
    monkeypatch.setattr(qnn_recurrent, "USUAL", usual)
    smaller = {"inputs": inputs, "hidden": hidden, "output": hidden}
    compare(make(kind, bits_name(widths)), kind, widths, Fraction(3, 40), False, smaller)


@pytest.mark.parametrize("fan_in, n", [(1, 0), (128, 0), (300, 0), (511, 0), (512, 1), (2048, 2), (8192, 3)])
def test_sums_of_many_inputs_stay_as_large_as_those_of_few(fan_in, n):
    """The deviation of a sum of first weights times +-1 stays below 2."""
    assert qnn_recurrent.smaller_by(fan_in) == n
    scheme = make_scheme("qnn", "W4A4G16E16", recurrent=True)
    assert scheme.weight_format("rnn_1.hidden", fan_in).step == Fraction(1, 8 if fan_in == 1 else 2**(4 + n))
    w = scheme.initial_weight(load("portable", 1), "rnn_1.hidden", (64, 64), fan_in, 1, 0)
    squares = int((w.codes.astype(np.int64) ** 2).sum()) * fan_in
    assert Fraction(squares, 64 * 64) * w.format.step ** 2 < 4


def compare(trainer, kind, widths, rate, table, smaller=None):
    """Three windows by the engine and by the oracle."""
    if rate != 1:
        enlarge(trainer)
    trainer.rate = Fraction(rate)
    found = parameters(trainer)
    net = Net(kind, widths, UNITS, STREAMS, {n: p.master.codes.tolist() for n, p in found.items()},
              table, smaller)
    for tokens, labels in windows(3):
        trainer.step(tokens, labels)
        expected = net.step(tokens.T.tolist(), labels.T.tolist(), rate=trainer.rate)
        for name, parameter in found.items():
            codes, frac_bits = expected[name]
            assert parameter.gradient.codes.tolist() == codes, name
            assert parameter.gradient.format.frac_bits == frac_bits, name
            assert parameter.master.codes.tolist() == net.masters[name], name
    layer = trainer.network.layers.layers[1]
    assert layer.states[0].master.codes.tolist() == net.h
    if kind != "rnn":
        assert layer.states[1].master.codes.tolist() == net.c


DIGESTS = {
    "lstm": "4e0757768b16a206178e86ba82194c51acd70f17a87d7faac5cd3af6476ac4fe",
    "gru": "0bab734a2e07972774f62ae6f5ad051f25369a3b4c984506dd4cc6a6a90142d5",
    "rnn": "c88c8983c3452a8d0fa1e43143cbbc0fd8b4af9d058b23cfe0cfc02cef038cc1",
}


@pytest.mark.parametrize("kind", LAYERS)
def test_digest_is_that_of_every_backend(kind):
    for backend in BACKENDS:
        trainer = make(kind, backend=backend, bits="W4A4G6E6")
        for window in windows(4):
            trainer.step(*window)
        assert trainer.digest() == DIGESTS[kind], backend


def test_threads_change_nothing():
    """300 units of 20 streams: enough for a second thread to get work."""
    found = set()
    for threads in (1, 2):
        layers = Sequential(Embedding(9, 8), Lstm(300), Linear(9, bias=True))
        trainer = intflow.Trainer(layers, "W4A4G16E16", "qnn", input_shape=(3,), batch_size=20,
                                  loss="softmax", threads=threads)
        tokens = np.random.default_rng(0).integers(0, 9, (20, 4))
        trainer.step(tokens[:, :-1], tokens[:, 1:])
        found.add(trainer.digest())
    assert len(found) == 1


# windows and states ---------------------------------------------------------------------------


def test_a_state_is_carried_and_forgotten():
    """The same window twice: another loss behind itself, the same one after a new beginning."""
    (tokens, labels), = windows(1)
    trainer = make("lstm")
    enlarge(trainer)
    trainer.rate = Fraction(1, 1 << 20)          # nothing moves
    first, second = (trainer.step(tokens, labels).loss for _ in range(2))
    trainer.network.forget()
    assert trainer.step(tokens, labels).loss == first != second


@pytest.mark.parametrize("kind", LAYERS)
def test_windows_of_any_length_are_evaluated_alike(kind):
    """Two windows that carry, or one of both: the same outputs, and nothing is changed."""
    trainer = make(kind)
    trainer.step(*windows(1, seed=9)[0])
    tokens, labels = windows(1, steps=8)[0]
    digest, whole = trainer.digest(), trainer.evaluate(tokens, labels)[0]
    carried = {}
    parts = [trainer.evaluate(tokens[:, cut], labels[:, cut], carried=carried)[0]
             for cut in (slice(0, 3), slice(3, 8))]
    assert (np.concatenate(parts) == whole).all()
    assert trainer.digest() == digest


@pytest.mark.parametrize("kind", LAYERS)
def test_resumed_inside_a_text(kind, tmp_path):
    """States are in the checkpoint: what follows is what would have followed."""
    whole, half = make(kind), make(kind)
    made = windows(4)
    for window in made:
        whole.step(*window)
    for window in made[:2]:
        half.step(*window)
    half.save(tmp_path / "half.h5")
    resumed = make(kind, seed=8)
    resumed.load(tmp_path / "half.h5")
    for window in made[2:]:
        resumed.step(*window)
    assert resumed.digest() == whole.digest()


def test_the_error_of_the_softmax_is_drawn_where_it_is_narrow():
    """8 bits: probabilities below half a step do not vanish all; 16 bits keep every one."""
    scheme = make_scheme("qnn", "W4A4G16E8", recurrent=True)
    fmt = intflow.formats.Fixed(32, 15, symmetric=True)
    e = intflow.formats.Tensor(np.full((1, 4096), 40, np.int32), fmt, "NC")
    e.codes[0, 0] = -(1 << 15)
    kernels = intflow.kernels.load("reference")
    drawn = scheme.error(kernels, e, intflow.random_streams.Address(1, "error", 0, 0)).codes
    assert np.unique(drawn).tolist() == [-127, 0, 1]
    assert np.unique(scheme.error(kernels, e, intflow.random_streams.Address(1, "error", 0, 2)).codes
                     ).tolist() == [-127, 0]


# refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits, options, error, words", [
    ("W1A4G16E16", {}, FormatError, "2 to 16 bits for W and A"),
    ("W4A1G16E16", {}, FormatError, "2 to 16 bits for W and A"),
    ("W4A4G16E16", {"batch_norm": "integer"}, UsageError, "leave --scheme-option batch_norm out"),
])
def test_formats_that_are_none(bits, options, error, words):
    with pytest.raises(error, match=words):
        make("lstm", bits, **options)


def test_other_schemes_refuse():
    with pytest.raises(UsageError, match="the wage scheme trains no recurrent nets; use --scheme qnn"):
        intflow.Trainer("ptb-lstm", "2888", "wage")
    with pytest.raises(UsageError, match="embedding_1: this scheme, wage, trains no recurrent nets"):
        intflow.Trainer(Sequential(Embedding(4, 3), Linear(4)), scheme=make_scheme("wage", None),
                        input_shape=(3,))


@pytest.mark.parametrize("tokens, labels, error, words", [
    (np.zeros((2, 4), np.uint8), np.zeros((2, 3), int), ShapeError, "integer tokens"),
    (np.zeros((2, 4)), np.zeros((2, 4), int), ShapeError, "integer tokens"),
    (np.zeros((3, 4), int), np.zeros((3, 4), int), ShapeError, "carries 2 streams"),
    (np.zeros((2, 5), int), np.zeros((2, 5), int), ShapeError, "windows of up to 4 tokens"),
    (np.full((2, 4), 7), np.zeros((2, 4), int), RangeError, r"tokens lie in 0..6, got 0..7"),
    (np.zeros((2, 4), int), np.full((2, 4), -1), RangeError, "got -1..0"),
])
def test_windows_that_are_none(tokens, labels, error, words):
    with pytest.raises(error, match=words):
        make("rnn").step(tokens, labels)


def test_a_recurrent_layer_wants_rows():
    with pytest.raises(ShapeError, match="Embedding"):
        intflow.Trainer(Sequential(Lstm(4)), "W4A4G16E16", "qnn", input_shape=(3, 4, 4))
