"""Every rounding in every slot of a training step, against Python integers; sources of randomness
whatever the backend, the threads or an interruption."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from intflow import Trainer
from intflow.device.device import Device
from intflow.device.random import Lfsr, Philox
from intflow.errors import UnknownNameError, UsageError
from intflow.formats import Rounding, parse_bits, shiftexp
from intflow.kernels import available
from intflow.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Sequential
from intflow.quantizers import SCHEMES, make_scheme

from device.registers import states
from kernels.rounded import ROUNDED, shifted

BACKENDS = [name for name, (ok, _) in available().items() if ok]
DETERMINISTIC = [*ROUNDED, Rounding.GEMMLOWP]
SHAPE = 2, 7, 6
LFSR = Lfsr(16, (16, 14, 13, 11), seed=0xACE1, bits=8)
SOURCES = {
    "shared": LFSR,
    "galois": Lfsr(24, (24, 23, 22, 17), "galois", seed=99, bits=12, steps=12, order="HWIO"),
    "lanes": Lfsr(20, (20, 17), seed=[1, 2, 3, 4, 5], bits=4, steps=3, lanes=5),
    "spaced": Lfsr(32, (32, 22, 2, 1), seed=7, bits=32, lanes=8, order="WOHI"),
}


def trainer(rounding=None, random=None, backend="auto", threads=1, **options):
    net = Sequential(
        Conv2d(4, 3, padding=1), MaxPool2d(2), ReLU(), Requantize(), Conv2d(3, 2), ReLU(),
        Requantize(), Flatten(), Linear(5),
    )
    device = Device(rounding=rounding or {}, random=random)
    return Trainer(net, input_shape=SHAPE, classes=5, batch_size=6, backend=backend,
                   threads=threads, seed=3, device=device, **options)


def batch(step):
    generator = np.random.default_rng(step)
    return generator.integers(0, 256, (6, *SHAPE), np.uint8), generator.integers(0, 5, 6)


def train(trainer, first=0, last=3):
    for step in range(first, last):
        trainer.step(*batch(step))
    return trainer.digest()


def recorded(trainer, steps=2):
    """{layer: tensors} of the last of some steps."""
    train(trainer, last=steps - 1)
    return trainer.step(*batch(steps - 1), record=True).recorder.layers


def narrowed(source, target, rounding):
    """The codes of `source` at the format of `target`, as nested lists flattened."""
    fmt, rshift = target.format, source.format.frac_bits - target.format.frac_bits
    codes = (shifted(v, rshift, rounding) for v in source.logical().ravel().tolist())
    return [min(max(code, fmt.minimum), fmt.maximum) for code in codes]


def codes(tensor):
    return tensor.logical().ravel().tolist()


@pytest.mark.parametrize("rounding", DETERMINISTIC)
@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_every_slot_rounds_as_it_is_told(rounding, backend):
    slots = ("weight", "activation", "error", "gradient")
    layers = recorded(trainer(dict.fromkeys(slots, rounding), backend=backend, lr="16"))
    for name in ("requantize_1", "requantize_2"):
        t = layers[name]
        assert codes(t["output"]) == narrowed(t["input"], t["output"], rounding)
        scale = 2 ** (t["input"].format.frac_bits - 7)
        masked = [e if abs(x) <= 127 * scale else 0
                  for e, x in zip(codes(t["error_in"]), codes(t["input"]), strict=True)]
        rshift = shiftexp(max(map(abs, masked))) - 7
        exact = [shifted(e, rshift, rounding) for e in masked]
        assert codes(t["error_out"]) == [min(max(e, -127), 127) for e in exact]
    for name in ("conv2d_1", "conv2d_2", "linear_1"):
        t = layers[name]
        wide = [shifted(v, 6, rounding) for v in codes(t["weight"])]
        assert codes(t["weight_q"]) == [min(max(v, -1), 1) for v in wide]
        rshift = shiftexp(max(map(abs, codes(t["gradient"])))) - 4
        assert codes(t["update"]) == [shifted(v, rshift, rounding) for v in codes(t["gradient"])]
        moved = zip(codes(t["weight"]), codes(t["update"]))
        assert codes(t["weight_new"]) == [min(max(w - d, -64), 64) for w, d in moved]


@pytest.mark.parametrize("slot", ["weight", "activation", "error", "gradient"])
def test_a_slot_alone_changes_the_run(slot):
    assert train(trainer({slot: "floor"})) != train(trainer())


@pytest.mark.parametrize("rounding", ["half_odd", "half_toward_zero"])
def test_rates_that_are_no_power_of_two(rounding):
    layers = recorded(trainer({"gradient": rounding}, lr="20/3"))
    for name in ("conv2d_1", "linear_1"):
        t = layers[name]
        divisor = Fraction(2) ** shiftexp(max(map(abs, codes(t["gradient"]))))
        exact = [v * Fraction(20, 3) / divisor for v in codes(t["gradient"])]
        assert codes(t["update"]) == [ROUNDED[Rounding.parse(rounding)](x) for x in exact]
    with pytest.raises(UsageError, match="gemmlowp rounds shifts"):
        train(trainer({"gradient": "gemmlowp"}, lr="20/3"))


def test_the_papers_roundings_are_the_default():
    plain = Trainer(trainer().network.layers, input_shape=SHAPE, classes=5, batch_size=6, seed=3)
    expected = train(plain)
    paper = dict(weight="half_even", activation="rnd_conv", error="AP_RND_CONV",
                 gradient="stochastic")
    assert train(trainer()) == train(trainer(paper)) == train(trainer(random=Philox())) == expected
    for scheme in SCHEMES.values():
        assert set(scheme.roundings) == set(paper)


# registers -------------------------------------------------------------------------------------


def drawn(lfsr, sizes, steps):
    """[[draws of each tensor] of each step], in the order of consumption, from lists of bits."""
    starts = [lfsr.state(0, lane) for lane in range(lfsr.lanes)]
    ticks = steps * sum(-(-size // lfsr.lanes) for size in sizes)
    lanes = [states(lfsr, start, ticks * lfsr.steps + 1) for start in starts]
    lanes = [list(islice(lane, lfsr.steps, None, lfsr.steps)) for lane in lanes]
    every = [lane[tick] % 2**lfsr.bits for tick in range(ticks) for lane in lanes]
    for _ in range(steps):
        row = []
        for size in sizes:
            row.append(every[:size])
            every = every[-(-size // lfsr.lanes) * lfsr.lanes:]
        yield row


@pytest.mark.parametrize("lfsr", SOURCES.values(), ids=SOURCES)
def test_updates_round_up_where_the_register_says(lfsr):
    """Tensor after tensor, step after step, each weight in its order; compared as integers."""
    layers = recorded(trainer(random=lfsr), steps=2)
    tensors = [layers[name] for name in ("conv2d_1", "conv2d_2", "linear_1")]
    _, draws = drawn(lfsr, [t["weight"].codes.size for t in tensors], 2)
    for t, row in zip(tensors, draws):
        gradient, update = t["gradient"], t["update"]
        axes = [gradient.axes.index(axis) for axis in lfsr.order if axis in gradient.axes]
        rshift = shiftexp(max(map(abs, codes(gradient)))) - 3
        assert rshift > 0
        for g, d, r in zip(gradient.codes.transpose(axes).ravel().tolist(),
                           update.codes.transpose(axes).ravel().tolist(), row, strict=True):
            whole, rest = divmod(abs(g), 2**rshift)
            size = whole + (r < rest * 2**lfsr.bits >> rshift)
            assert d == (size if g > 0 else -size)


@pytest.mark.parametrize("lfsr", SOURCES.values(), ids=SOURCES)
def test_one_digest_whatever_computes(lfsr):
    expected = train(trainer(random=lfsr, backend="reference"))
    for backend in BACKENDS[1:]:
        for threads in (1, 3):
            assert train(trainer(random=lfsr, backend=backend, threads=threads)) == expected
    assert train(trainer()) != expected


def test_resumed_from_a_checkpoint(tmp_path):
    expected = train(trainer(random=LFSR))
    first = trainer(random=LFSR)
    train(first, last=2)
    first.save(tmp_path / "middle.h5")
    second = trainer(random=LFSR)
    second.load(tmp_path / "middle.h5")
    assert train(second, first=2) == expected


@pytest.mark.parametrize("change", [
    {"seed": 0xACE2}, {"bits": 7}, {"steps": 2}, {"lanes": 2}, {"order": "HWIO"},
    {"form": "galois"}, {"taps": (16, 15, 13, 4)},
])
def test_every_setting_of_a_register_shows(change):
    changed = Lfsr(**{**{k: v for k, v in LFSR.to_dict().items() if k != "kind"}, **change})
    assert train(trainer(random=changed)) != train(trainer(random=LFSR))


def test_a_device_carries_its_source():
    for random in (*SOURCES.values(), Philox()):
        device = Device(random=random, rounding={"activation": "gemmlowp"})
        assert Device.read(device.to_toml()) == device


# refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounding, error, message", [
    ({"activations": "floor"}, UnknownNameError, "unknown rounding slot 'activations': did you"),
    ({"error": "half_evn"}, UnknownNameError, "rounding 'half_evn': did you mean half_even"),
])
def test_refused(rounding, error, message):
    with pytest.raises(error, match=message):
        make_scheme("wage", "2888", rounding)


def test_make_scheme_fills_the_slots():
    scheme = make_scheme("wage", parse_bits("2888"), {"error": "AP_TRN"}, LFSR)
    assert scheme.rounding == {
        "weight": Rounding.HALF_EVEN, "activation": Rounding.HALF_EVEN,
        "error": Rounding.FLOOR, "gradient": Rounding.STOCHASTIC}
    assert scheme.random is LFSR
