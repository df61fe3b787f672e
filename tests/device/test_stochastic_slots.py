"""Stochastic rounding in the slots W, A and E: every value against Python integers, the order of a
shift register's draws, and one digest whatever computes."""

import json
from functools import cache
from itertools import islice

import numpy as np
import pytest

from intflow import Trainer
from intflow.device.device import Device
from intflow.device.lfsr import Lfsr
from intflow.device.trace import random_state
from intflow.errors import UsageError
from intflow.formats import Fixed, Tensor, shiftexp
from intflow.kernels import available, load
from intflow.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential
from intflow.quantizers import make_scheme
from intflow.random_streams import Address

import oracle
from device.registers import states

BACKENDS = [name for name, (ok, _) in available().items() if ok]
SHAPE, IMAGES, SEED = (2, 7, 6), 6, 3
SLOTS = "weight", "activation", "error"
REGISTERS = {
    "one": Lfsr(12, (12, 6, 4, 1), seed=99, bits=6),
    "lanes": Lfsr(11, (11, 9), "galois", seed=5, bits=4, steps=3, lanes=5, order="HWIO"),
}
SOURCES = {"philox": None, **REGISTERS}
# Layers count from 1, without Sequential: conv2d_1, max_pool2d_1, relu_1, requantize_1, conv2d_2, ...
NUMBERS = {"loss": 0, "conv2d_1": 1, "requantize_1": 4, "conv2d_2": 5, "requantize_2": 7, "linear_1": 9}
# Elements of a full batch, in the order in which a step draws.
TURNS = {
    "weight": {"conv2d_1": 4 * 2 * 9, "conv2d_2": 3 * 4 * 4, "linear_1": 5 * 12},
    "activation": {"requantize_1": 6 * 4 * 9, "requantize_2": 6 * 3 * 4},
    "error": {"loss": 6 * 5, "requantize_2": 6 * 3 * 4, "requantize_1": 6 * 4 * 9},
}


def trainer(random=None, slots=SLOTS, backend="auto", threads=1, net=None, bits="2888"):
    net = net or Sequential(
        Conv2d(4, 3, padding=1), MaxPool2d(2), ReLU(), Requantize(),
        Sequential(Conv2d(3, 2), ReLU(), Requantize()), Flatten(), Linear(5),
    )
    device = Device(rounding=dict.fromkeys(slots, "stochastic"), random=random)
    return Trainer(net, bits, input_shape=SHAPE, classes=5, batch_size=IMAGES, backend=backend,
                   threads=threads, seed=SEED, device=device)


def batch(step, images=IMAGES):
    generator = np.random.default_rng(step)
    return generator.integers(0, 256, (images, *SHAPE), np.uint8), generator.integers(0, 5, images)


def train(trainer, first=0, last=3):
    for step in range(first, last):
        trainer.step(*batch(step))
    return trainer.digest()


def codes(tensor):
    return tensor.logical().ravel().tolist()


# what is drawn ---------------------------------------------------------------------------------


def sequence(register, slot):
    """All draws of a slot's register in order, from lists of bits."""
    span = (2**register.width - 1) // register.lanes
    quarter = ("update", *SLOTS).index(slot) * (span // 4)
    lanes = [islice(states(register, register.seed, 10**9), lane * span + quarter + register.steps,
                    None, register.steps) for lane in range(register.lanes)]
    while True:
        for lane in lanes:
            yield next(lane) % 2**register.bits


@cache
def drawn(register, slot, step):
    """{layer: draws in a row} of a slot in one step."""
    stream = sequence(register, slot)
    whole = {name: -(-size // register.lanes) * register.lanes for name, size in TURNS[slot].items()}
    list(islice(stream, step * sum(whole.values())))
    return {name: list(islice(stream, size)) for name, size in whole.items()}


def numbers(random, slot, layer, tensor, step):
    """(draws of a tensor in logical order, bits of each)."""
    size = tensor.codes.size
    if random is None:
        memory = [oracle.random_u32(SEED, slot, step, NUMBERS[layer], i) for i in range(size)]
        row, order, bits = memory, tensor.axes if slot == "weight" else tensor.logical_axes, 32
    else:
        row, bits = drawn(random, slot, step)[layer][:size], random.bits
        order = random.order if slot == "weight" else tensor.logical_axes
    order = [axis for axis in order if axis in tensor.axes]
    shape = [tensor.shape[tensor.axes.index(axis)] for axis in order]
    laid = np.array(row, object).reshape(shape)
    return laid.transpose([order.index(axis) for axis in tensor.logical_axes]).ravel().tolist(), bits


def rounded(values, rshift, limit, draws):
    """sign(x) floor(|x| + u) of x = value * 2**-rshift, u from the draws, clipped to +-limit."""
    result = []
    for value, draw in zip(values, draws[0], strict=True):
        whole, rest = divmod(abs(value), 2**rshift)
        size = min(whole + (draw < rest * 2**draws[1] // 2**rshift), limit)
        result.append(size if value > 0 else -size)
    return result


@pytest.mark.parametrize("backend", ["reference", "auto"])
@pytest.mark.parametrize("random", SOURCES.values(), ids=SOURCES)
def test_every_element_rounds_by_its_address(random, backend):
    """The second of two steps: the slots' results recomputed from what went in. Weights of 4 bits
    make errors that are wide enough to lose some."""
    stepped = trainer(random, backend=backend, bits="4888")
    train(stepped, last=1)
    recorder = stepped.step(*batch(1), record=True).recorder
    layers = recorder.layers
    for name in ("conv2d_1", "conv2d_2", "linear_1"):
        t = layers[name]
        draws = numbers(random, "weight", name, t["weight_q"], 1)
        assert codes(t["weight_q"]) == rounded(codes(t["weight"]), 4, 7, draws)
    for name in ("requantize_1", "requantize_2"):
        t = layers[name]
        rshift = t["input"].format.frac_bits - 7
        draws = numbers(random, "activation", name, t["output"], 1)
        assert codes(t["output"]) == rounded(codes(t["input"]), rshift, 127, draws)
        masked = [e if abs(x) <= 127 * 2**rshift else 0        # the unrounded value decides
                  for e, x in zip(codes(t["error_in"]), codes(t["input"]), strict=True)]
        assert_error(masked, t["error_out"], numbers(random, "error", name, t["error_out"], 1))
    last = layers["linear_1"]["error_in"]
    assert_error(codes(recorder.step["error"]), last, numbers(random, "error", "loss", last, 1))


def assert_error(wide, narrow, draws):
    rshift = shiftexp(max(map(abs, wide))) - 7
    assert rshift > 0 and any(code % 2**rshift for code in wide)
    assert codes(narrow) == rounded(wide, rshift, 127, draws)


def test_a_register_in_the_order_of_consumption_by_hand():
    """Width 4, taps (4, 3), seed 1: 1, 8, 4, 2, 9, 12, 6, 11, 5, 10, 13, 14, 15, 7, 3. A quarter
    of its 15 states are 3 shifts, so W starts from 2, A from 6, E from 10, each with a shift
    before the first draw. Two tensors of 2 and 4 elements; element 1 of the second at step 1 is the
    tenth draw of its slot."""
    register, kernels = Lfsr(4, (4, 3), seed=1, bits=4), load("reference")
    order = [1, 8, 4, 2, 9, 12, 6, 11, 5, 10, 13, 14, 15, 7, 3]

    def drawn(purpose, axes, shape, **place):
        x = Tensor(np.zeros(shape, np.int8), Fixed(8, 7), axes)
        address = Address(0, purpose, turns=lambda _: [(9, 2), (4, 4)], source=register, **place)
        return register.draws_at(kernels, x, address).tolist()

    assert drawn("weight", "IO", (2, 1), step=0, tensor=9) == [[9], [12]]
    assert drawn("activation", "NC", (1, 2), step=0, tensor=9) == [[11, 5]]
    assert drawn("error", "NC", (2, 2), step=0, tensor=4) == [[15, 7], [3, 1]]
    eighth = 9 + 6 + 2 + 1                                  # E's start, a step, a tensor, a shift
    expected = [order[(eighth + i) % 15] for i in range(4)]
    assert drawn("error", "NC", (2, 2), step=1, tensor=4) == [expected[:2], expected[2:]]
    assert drawn("error", "NC", (1, 2), step=1, tensor=4, first=1) == [expected[2:]]
    assert drawn("error", "HWNC", (1, 2, 1, 2), step=1, tensor=4) == [       # c fast in memory
        [[[expected[0], expected[2]]], [[expected[1], expected[3]]]]]


def test_which_layers_draw_in_which_order():
    """Two errors meet at the first convolution: too wide for its products, so it narrows them too."""
    net = Sequential(
        Conv2d(2, 1), Residual(Requantize(), Conv2d(2, 1)), MaxPool2d(2), ReLU(), Requantize(),
        Flatten(), Linear(5),
    )
    network = trainer(REGISTERS["one"], net=net).network
    names = {layer.number: layer.name for layer in network.layers.walk()}
    assert network.turns("weight") == [(1, 4), (4, 4), (9, 90)]
    assert [names[n] for n, _ in network.turns("weight")] == ["conv2d_1", "conv2d_2", "linear_1"]
    assert network.turns("activation") == [(3, 6 * 2 * 42), (7, 6 * 2 * 9)]
    assert network.turns("error") == [(0, 30), (7, 6 * 2 * 9), (3, 6 * 2 * 42), (1, 6 * 2 * 42)]
    assert names[3] == "requantize_1" and names[2] == "residual_1"


# equal bits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("random", SOURCES.values(), ids=SOURCES)
def test_one_digest_whatever_computes(random):
    expected = train(trainer(random, backend="reference"))
    for backend in BACKENDS[1:]:
        for threads in (1, 3):
            assert train(trainer(random, backend=backend, threads=threads)) == expected


@pytest.mark.parametrize("slot", SLOTS)
def test_a_slot_alone_changes_the_run(slot):
    assert train(trainer(slots=[slot])) != train(trainer(slots=[]))
    assert train(trainer(REGISTERS["one"], [slot])) != train(trainer(REGISTERS["one"], []))


@pytest.mark.parametrize("random", SOURCES.values(), ids=SOURCES)
def test_resumed_and_evaluated_in_between(random, tmp_path):
    expected = train(trainer(random))
    first = trainer(random)
    train(first, last=2)
    first.evaluate(*batch(7, 9))
    first.save(tmp_path / "middle.h5")
    second = trainer(random)
    second.load(tmp_path / "middle.h5")
    assert train(second, first=2) == expected


@pytest.mark.parametrize("random", SOURCES.values(), ids=SOURCES)
def test_images_draw_the_same_in_any_batch(random):
    """An evaluation in parts that know what comes before is the evaluation of the whole."""
    stepped, (images, labels) = trainer(random), batch(7, 9)
    train(stepped, last=1)
    whole, _ = stepped.evaluate(images, labels)
    parts = [stepped.evaluate(images[i:j], labels[i:j], first=i)[0]
             for i, j in ((0, 1), (1, 5), (5, 9))]
    assert whole.tolist() == np.concatenate(parts).tolist()
    assert stepped.evaluate(images[1:5], labels[1:5])[0].tolist() != parts[1].tolist()


def test_evaluating_draws_what_the_next_step_would():
    random = REGISTERS["lanes"]
    stepped, (images, labels) = trainer(random), batch(1)
    train(stepped, last=1)
    outputs, _ = stepped.evaluate(images, labels)
    layers = stepped.step(images, labels, record=True).recorder.layers
    assert outputs.tolist() == layers["linear_1"]["output"].codes.tolist()


# what says so ----------------------------------------------------------------------------------


def test_a_trace_says_where_the_numbers_come_from():
    state = json.loads(json.dumps(random_state(trainer().network, 4)))
    assert state["slots"] == {slot: {"purpose": purpose, "tensor": {n: NUMBERS[n] for n in turns}}
                              for (slot, turns), purpose in zip(TURNS.items(), (9, 7, 8))}
    register = REGISTERS["one"]
    slots = random_state(trainer(register, ["error"]).network, 4)["slots"]
    before, ticks = 4 * (30 + 72 + 216), {"loss": 0, "requantize_2": 30, "requantize_1": 102}
    assert slots == {"error": {"first_shift": 3 * (2**10 - 1),
                               "first_tick": {name: before + n for name, n in ticks.items()}}}
    assert "slots" not in random_state(trainer(slots=[]).network, 4)


def test_nothing_is_drawn_outside_a_step():
    stepped = trainer()
    with pytest.raises(UsageError, match="outside a step"):
        stepped.scheme.weight(stepped.kernels, stepped.network.parameters[0])


def test_make_scheme_takes_it_for_every_slot():
    scheme = make_scheme("wage", "2888", dict.fromkeys((*SLOTS, "gradient"), "stochastic"))
    assert len(set(scheme.rounding.values())) == 1
