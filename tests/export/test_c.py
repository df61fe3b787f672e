"""The exported C computes what the engine computes: outputs, losses, weights, random bits."""

import ctypes
import json
import re
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bridge
import intflow
import strategies
from export.c_library import (
    BAD_COUNT, BAD_LABEL, BAD_RATE, OK, SANITIZED, SOURCES, Library, Rate, call, compile_c, export,
    needs_gcc, program, records,
)
from intflow import ops
from intflow.device.device import Device
from intflow.errors import ExportError, RangeError
from intflow.export import find_export
from intflow.export.c.layers import LAYERS_IN_C
from intflow.export.c.program import Buffer
from intflow.export.c.step import check_outputs
from intflow.export.c.values import Value
from intflow.formats import Fixed, Tensor
from intflow.layers import (
    LAYERS, AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize,
    Residual, Sequential,
)
from intflow.training.config import Config

SHAPE, CLASSES, BATCH = (3, 10, 9), 5, 4


def block(*layers):
    return [*layers, ReLU(), Requantize()]


def branching():
    """Residual and Concatenate, overlapping pools, groups, dilation, a global average."""
    return Sequential(
        *block(Conv2d(8, 3, padding="same"), BatchNorm2d(), MaxPool2d(3, 2, ceil=True)),
        Residual(*block(Conv2d(8, 3, padding=1, groups=2)), Conv2d(8, 3, padding=1)),
        *block(),
        Concatenate(block(Conv2d(6, 1)), block(Conv2d(5, 3, padding=2, dilation=2))),
        AvgPool2d(), Flatten(), Linear(CLASSES),
    )


def windows():
    """Uneven padding, strides, dilation, groups; an average that overlaps and meets a product."""
    return Sequential(
        *block(Conv2d(6, (3, 2), stride=(2, 1), padding=(2, 0, 1, 3), dilation=(1, 2), groups=3)),
        AvgPool2d((2, 3), (1, 2)), Conv2d(4, 2, stride=2, padding="same"),
        MaxPool2d(2, 1, padding=1), Requantize(), Flatten(), *block(Linear(7)), Linear(CLASSES),
        Requantize(),
    )


def branches_of_branches():
    """Sums of sums whose errors meet at steps far apart; wide branches; a pool behind a sum."""
    inner = Residual(Conv2d(4, 1), shortcut=Conv2d(4, 3, padding="same"))
    return Sequential(
        Concatenate([Conv2d(2, 1)], [Conv2d(2, 3, padding=1), Requantize()]), *block(),
        Residual(inner, AvgPool2d(2, 1), MaxPool2d(2, 1), Requantize(), Conv2d(4, 1),
                 shortcut=MaxPool2d(3, 1)),
        ReLU(), AvgPool2d(3, 2), Requantize(),
        Concatenate([], [ReLU()], [Residual(MaxPool2d(1))]), Requantize(), Flatten(),
        Linear(CLASSES),
    )


def wide_window():
    """A pool of 306 taps: winners of 16 bits, errors that add up beyond 16."""
    return Sequential(*block(Conv2d(2, 1)), MaxPool2d((18, 17), 1, padding=(9, 8, 8, 8)),
                      Flatten(), Linear(CLASSES))


NETS = [branching, windows, branches_of_branches, wide_window]


def make(net, bits="2888", **options):
    options = {"seed": 2**40 + 3, "batch_size": BATCH, "backend": "reference", **options}
    return intflow.Trainer(net(), bits, input_shape=SHAPE, classes=CLASSES, **options)


def batch(trainer, seed=0, count=None):
    random = np.random.default_rng(seed)
    count = count or trainer.network.batch_size
    images = random.integers(0, 256, (count, *trainer.network.input_shape), np.uint8)
    return images, random.integers(0, trainer.network.classes, count)


def assert_same_steps(library, trainer, steps):
    """Outputs, losses and digests, step by step; one batch is not full."""
    assert library.digest() == trainer.digest()
    for step in range(steps):
        images, labels = batch(trainer, step, 1 if step == 1 else None)
        outputs, _ = trainer.evaluate(images, labels)
        assert library.predict(images).tolist() == outputs.tolist()
        expected = trainer.step(images, labels)
        status, result = library.step(images, labels)
        assert status == OK
        assert (result.images, result.wrong) == (expected.images, expected.wrong)
        assert result.loss() == expected.loss
        assert library.digest() == trainer.digest(), f"after step {step + 1}"


# ------------------------------------------------------------------------------ whole nets


@needs_gcc
def test_lenet(tmp_path):
    """Test images from all of the sample, and steps, by the program."""
    data = intflow.data.open_dataset("sample")
    trainer = intflow.Trainer("lenet", batch_size=16, encoding=data.encoding, seed=7, threads=1)
    export(trainer, tmp_path)
    path = program(tmp_path, "-O2")
    spread = np.arange(0, len(data.test), 11)
    images, labels = data.test.read(spread), data.test.labels[spread]
    code, out, _ = call(path, "predict", "-", given=records(images, labels))
    outputs = np.array([line.split() for line in out.splitlines()], np.int64)
    expected = np.concatenate([
        trainer.evaluate(images[i:i + 100], labels[i:i + 100])[0]
        for i in range(0, len(images), 100)
    ])
    assert code == 0
    assert np.array_equal(outputs[:, 1:], expected)
    assert np.array_equal(outputs[:, 0], expected.argmax(axis=1))
    images, labels = data.train.read(np.arange(96)), data.train.labels[:96]
    (tmp_path / "train.bin").write_bytes(records(images, labels))
    code, out, _ = call(path, "train", 6, tmp_path / "train.bin")
    for i in range(0, 96, 16):
        trainer.step(images[i:i + 16], labels[i:i + 16])
    assert code == 0 and len(out.splitlines()) == 7
    assert out.splitlines()[-1] == trainer.digest()


@needs_gcc
@pytest.mark.parametrize("net, bits, loss, encoding, steps", [
    (branching, "2888", "sse", "symmetric", 20),
    (branching, "W4A32G32E12", "softmax", "unit", 3),
    (windows, "2888", "softmax", "symmetric", 4),
    (windows, "W16A16G16E16", "sse", "unit", 3),
    (branches_of_branches, "2888", "sse", "unit", 4),
    (branches_of_branches, "W32A6G12E32", "sse", "symmetric", 3),
    (wide_window, "8822", "softmax", "unit", 3),
], ids=lambda v: getattr(v, "__name__", str(v)))
def test_nets(net, bits, loss, encoding, steps, tmp_path):
    trainer = make(net, bits, loss=loss, encoding=encoding)
    assert_same_steps(Library(trainer, tmp_path), trainer, steps)


@needs_gcc
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.nets(classes=3), strategies.engine_bits, st.sampled_from(["sse", "softmax"]),
       strategies.seeds)
def test_any_net(tmp_path_factory, net, bits, loss, seed):
    """Nets drawn at random, on the reference kernels."""
    shape, descriptions = net
    layers = Sequential(*[bridge.engine_layer(d, []) for d in descriptions])
    trainer = intflow.Trainer(layers, bridge.bits_name(bits), input_shape=shape, classes=3,
                              loss=loss, seed=seed, batch_size=3, backend="reference")
    assert_same_steps(Library(trainer, tmp_path_factory.mktemp("net")), trainer, 2)


@needs_gcc
def test_undefined_behaviour_and_addresses(tmp_path):
    """The sanitizers stop at the first overflow, bad shift, misaligned or foreign address."""
    for number, (net, bits, loss) in enumerate([
            (windows, "W3A12G32E9", "softmax"), (branches_of_branches, "W2A8G8E16", "sse")]):
        trainer, folder = make(net, bits, loss=loss), tmp_path / str(number)
        export(trainer, folder)
        path = program(folder, *SANITIZED)
        images, labels = batch(trainer, count=3 * BATCH)
        given = records(images, labels)
        assert call(path, "predict", "-", given=given)[0] == 0
        for i in range(0, len(images), BATCH):
            trainer.step(images[i:i + BATCH], labels[i:i + BATCH])
        code, out, err = call(path, "train", 3, "-", given=given)
        assert (code, out.splitlines()[-1:]) == (0, [trainer.digest()]), err


@needs_gcc
def test_a_run_goes_on(tmp_path):
    """A trained net, exported in the middle, ends where the engine ends."""
    trainer = make(branching)
    for step in range(3):
        trainer.step(*batch(trainer, step))
    assert_same_steps(Library(trainer, tmp_path), trainer, 3)


# ------------------------------------------------------------------------------ what it is made of


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One compiled net for many questions, and the trainer it came from."""
    trainer = make(branching)
    return Library(trainer, tmp_path_factory.mktemp("small")), trainer


class Stream(ctypes.Structure):
    _fields_ = [("seed", ctypes.c_uint64), ("purpose", ctypes.c_uint32), ("step", ctypes.c_uint32),
                ("tensor", ctypes.c_uint32)]


@needs_gcc
@given(strategies.seeds, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
       st.integers(0, 2**34 - 5000))
@settings(max_examples=20, deadline=None)
def test_random_bits(small, seed, step, tensor, first):
    library, _ = small
    library.c.intflow_random_u32.restype = ctypes.c_uint32
    expected = np.empty(1500, np.uint32)
    bridge.kernels("reference").random_u32(expected, seed, "update", step, tensor, first=first)
    stream = ctypes.byref(Stream(seed, 4, step, tensor))
    got = [library.c.intflow_random_u32(stream, ctypes.c_uint64(first + i)) for i in range(1500)]
    assert got == expected.tolist()


def integer(function, *arguments):
    """Call a C function of 64-bit numbers and 32-bit shifts, given as (value, type)."""
    function.restype = ctypes.c_int64
    return function(*(kind(value) for value, kind in arguments))


wide = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.sampled_from(
    [sign * (2**n + d) for n in range(1, 63) for d in (-1, 0, 1) for sign in (-1, 1)])


@needs_gcc
@given(wide, st.integers(-80, 80), st.sampled_from([1, 7, 127, 32767, 2**31 - 1]))
@settings(max_examples=300, deadline=None)
def test_narrowing(small, v, rshift, limit):
    library, _ = small
    real = Fraction(v) / Fraction(2) ** rshift
    expected = max(-limit, min(limit, round(real)))         # Python rounds half to even
    arguments = (v, ctypes.c_int64), (rshift, ctypes.c_int32), (limit, ctypes.c_int64)
    assert integer(library.c.intflow_narrow, *arguments) == expected
    assert integer(library.c.intflow_inside, *arguments) & 255 == (abs(real) <= limit)


@needs_gcc
@given(wide.map(abs).filter(bool))
@settings(max_examples=300, deadline=None)
def test_shiftexp(small, m):
    library, _ = small
    got = integer(library.c.intflow_shiftexp, (m, ctypes.c_uint64)) & 0xffffffff
    assert got == m.bit_length() - 1 + (m * m > 1 << (2 * m.bit_length() - 1))


@needs_gcc
@given(wide, st.integers(0, 12), st.integers(1, 2000))
@settings(max_examples=300, deadline=None)
def test_division(small, v, lshift, count):
    library, _ = small
    expected = round(Fraction(v << lshift, count))
    if abs(expected) >= 1 << 62:
        return
    assert integer(library.c.intflow_divide, (v, ctypes.c_int64), (lshift, ctypes.c_int32),
                   (count, ctypes.c_uint64)) == expected


class Format(ctypes.Structure):
    _fields_ = [("bits", ctypes.c_int32), ("frac_bits", ctypes.c_int32)]


@needs_gcc
@given(st.integers(2, 64), st.integers(1, 60), st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_formats_of_pools(small, bits, overlap, count):
    """The widths that ops.pooling proves, and 0 where 64 bits do not hold them."""
    library, _ = small
    most, lshift = 2 ** (bits - 1) - 1, (count - 1).bit_length() + 8

    def expected(bound, least):
        width = bound.bit_length() + 1
        return 0 if width > 64 else width if width <= least else max(width, 17)

    library.c.intflow_max_pool_format.restype = library.c.intflow_avg_pool_format.restype = Format
    e = Format(bits, 5)
    got = library.c.intflow_max_pool_format(e, ctypes.c_uint64(overlap))
    assert (got.bits, got.frac_bits) == (expected(overlap * most, 16), 5)
    got = library.c.intflow_avg_pool_format(
        e, ctypes.c_uint64(overlap), ctypes.c_uint64(count), lshift)
    bound = overlap * ((most << lshift) // count + 1)
    assert (got.bits, got.frac_bits) == (expected(bound, 0), 5 + lshift)


class Sum(ctypes.Structure):
    _fields_ = [("a_rshift", ctypes.c_int32), ("b_rshift", ctypes.c_int32),
                ("a_bits", ctypes.c_int32), ("b_bits", ctypes.c_int32), ("format", Format)]


@st.composite
def errors(draw):
    """One code of any width and step, as a Tensor."""
    bits, frac_bits = draw(st.sampled_from([8, 17, 25, 40, 58])), draw(st.integers(-40, 80))
    fmt = Fixed(bits, frac_bits, symmetric=True)
    ends = st.sampled_from([fmt.minimum, fmt.maximum])
    code = draw(ends | st.integers(fmt.minimum, fmt.maximum))
    return Tensor(np.full((1, 1), code, fmt.dtype), fmt, "NC")


@needs_gcc
@given(errors(), errors())
@settings(max_examples=200, deadline=None)
def test_sums(small, a, b):
    """As `ops.add`, also where the steps lie so far apart that the finer operand is rounded."""
    library, _ = small
    expected = ops.add(bridge.kernels("reference"), a, b)
    library.c.intflow_plan_sum.restype = Sum
    plan = library.c.intflow_plan_sum(*(Format(t.format.bits, t.format.frac_bits) for t in (a, b)))
    assert (plan.format.bits, plan.format.frac_bits) == (
        expected.format.bits, expected.format.frac_bits)
    parts = [integer(library.c.intflow_align, (int(t.codes[0, 0]), ctypes.c_int64),
                     (rshift, ctypes.c_int32), (t.format.bits, ctypes.c_int32))
             for t, rshift in ((a, plan.a_rshift), (b, plan.b_rshift))]
    assert sum(parts) == expected.codes[0, 0]


@needs_gcc
def test_rates(tmp_path):
    """Other rates move the weights as the engine's do; what the engine refuses is refused."""
    trainer = make(branching)
    library = Library(trainer, tmp_path)
    for number, text in enumerate(["1/3", "5", "3/1000", "32769/32768"]):
        p, q = map(int, (text + "/1").split("/")[:2])
        rate = Rate()
        assert library.c.intflow_make_rate(ctypes.byref(rate), p, q) == OK
        trainer.rate = Fraction(text)
        images, labels = batch(trainer, number)
        trainer.step(images, labels)
        assert library.step(images, labels, rate)[0] == OK
        assert library.digest() == trainer.digest()
    trainer.rate = Fraction(65)
    with pytest.raises(RangeError):
        trainer.step(images, labels)
    for rate in (Rate(65, 1, 0), Rate(1, 1, 7), Rate(0, 1, 0), Rate(2, 1, 0), Rate(1, 1, -70)):
        assert library.step(images, labels, rate)[0] == BAD_RATE
    assert library.c.intflow_make_rate(ctypes.byref(rate), 65537, 1) == BAD_RATE
    assert library.c.intflow_make_rate(ctypes.byref(rate), 1, 0) == BAD_RATE


@needs_gcc
def test_statuses(small):
    library, trainer = small
    before, (images, labels) = library.digest(), batch(trainer)
    assert library.step(images[:0], labels[:0])[0] == BAD_COUNT
    assert library.step(images, labels * 0 + CLASSES)[0] == BAD_LABEL
    assert library.step(images, labels * 0 - 1)[0] == BAD_LABEL
    assert library.c.intflow_predict(None, None, BATCH + 1) == BAD_COUNT
    assert library.digest() == before


# ------------------------------------------------------------------------------ promises on paper


def compiled_objects(folder, *flags):
    """{object: text of nm -S} of the library's sources."""
    symbols = {}
    for source in SOURCES:
        compile_c(folder, source[:-1] + "o", "-c", *flags, source)
        symbols[source] = subprocess.run(["nm", "-S", source[:-1] + "o"], cwd=folder, text=True,
                                         capture_output=True, check=True).stdout
    return symbols


def static_bytes(symbols):
    """Bytes of all variables in writable memory."""
    text = "\n".join(symbols.values())
    found = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) [bBdDC] ", text, re.MULTILINE)
    return sum(int(size, 16) for size in found)


@needs_gcc
def test_memory_is_what_the_report_says(tmp_path):
    report = export(make(branching, "4888"), tmp_path)
    symbols = compiled_objects(tmp_path)
    assert static_bytes(symbols) == report["state_bytes"] + report["training_bytes"]
    symbols = compiled_objects(tmp_path, "-DINTFLOW_INFERENCE_ONLY")
    assert static_bytes(symbols) == report["inference_bytes"]
    code, out, _ = call(program(tmp_path), "memory")
    assert (code, [int(n) for n in re.findall(r"\d+", out)]) == (
        0, [report[f"{name}_bytes"] for name in ("state", "inference", "training")])


@needs_gcc
def test_nothing_is_called_from_outside(tmp_path):
    """No allocation, no mathematics: only copying, which a compiler puts in by itself."""
    export(make(branches_of_branches, loss="sse"), tmp_path)
    symbols = "\n".join(compiled_objects(tmp_path, "-O1").values())
    undefined = set(re.findall(r" U (\w+)$", symbols, re.MULTILINE))
    assert {name for name in undefined if not name.startswith("intflow_")} <= {
        "memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def test_no_float_in_the_source(tmp_path):
    export(make(branching, loss="softmax"), tmp_path)
    for path in sorted(tmp_path.glob("*.[ch]")):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        words = re.findall(r"\b(?:float|double|malloc|calloc|realloc|alloca|math|float_t)\b", code)
        assert not words, (path.name, words)
        numbers = re.sub(r'".*?"|0x\w+', "", code)
        assert not re.search(r"\b\d+\.\d*|\b\d+[eE]-?\d", numbers), path.name


@needs_gcc
def test_inference_alone(tmp_path):
    """Without training: the same outputs, no step."""
    trainer = make(windows, batch_size=BATCH)
    export(trainer, tmp_path)
    path = program(tmp_path, "-O1", "-DINTFLOW_INFERENCE_ONLY")
    images, labels = batch(trainer)
    code, out, _ = call(path, "predict", "-", given=records(images, labels))
    rows = [[int(n) for n in line.split()[1:]] for line in out.splitlines()]
    assert (code, rows) == (0, trainer.evaluate(images, labels)[0].tolist())
    assert call(path, "digest")[1].strip() == trainer.digest()
    assert call(path, "train", 1, "-")[0] == 2


@needs_gcc
def test_a_smaller_batch(tmp_path):
    """Less memory, the same bits."""
    trainer = make(branching, batch_size=16)
    whole = export(trainer, tmp_path / "whole")
    library = Library(trainer, tmp_path / "part", batch_size=2)
    assert library.report["training_bytes"] < whole["training_bytes"]
    images, labels = batch(trainer, count=2)
    trainer.step(images, labels)
    assert library.step(images, labels)[0] == OK
    assert library.digest() == trainer.digest()


@needs_gcc
def test_the_program_refuses_in_one_line(tmp_path):
    trainer = make(wide_window)
    export(trainer, tmp_path)
    path = program(tmp_path)
    images, labels = batch(trainer)
    short = records(images, labels)[:-1]
    for arguments, given_, expected, words in [
            (["predict", "-"], short, 1, "cut short"),
            (["train", 1, "-"], short, 1, "end before"),
            (["train", 2, "-"], records(images, labels), 1, "end before"),
            (["train", 1, "-"], records(images, labels + 99), 1, "not a class"),
            (["train", "x", "-"], b"", 1, "whole number"),
            (["train", 1, "-", "1/0"], b"", 1, "learning rate"),
            (["train", 1, "-", "8.5"], b"", 1, "learning rate"),
            (["train", 1, "-", "8000"], records(images, labels), 1, "does not fit"),
            (["predict", tmp_path / "none"], b"", 1, "cannot open"),
            (["nonsense"], b"", 2, "usage"), ([], b"", 2, "usage")]:
        code, _, err = call(path, *arguments, given=given_)
        assert code == expected and words in err, arguments


def test_the_same_bytes_twice(tmp_path):
    """And a manifest that holds the files to their sums."""
    trainer = make(branching)
    reports = [export(trainer, tmp_path / name) for name in "ab"]
    assert reports[0] == reports[1]
    for name in reports[0]["files"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert sorted([*manifest["files"], "manifest.json"]) == sorted(reports[0]["files"])
    assert {path.name for path in (tmp_path / "a").iterdir()} == set(reports[0]["files"])
    assert manifest["digest"] == trainer.digest() and manifest["bits"] == "2888"
    assert all(len(line) < 100 for name in reports[0]["files"]
               for line in (tmp_path / "a" / name).read_text().splitlines()), "long lines"


def test_the_rate_of_the_run(tmp_path):
    """Training goes on at the rate of the run's schedule, exact fractions too."""
    trainer = make(wide_window)
    for epoch, lr, expected in [(0, "8", "8"), (2, "8", "3/10"), (9, "1/2", "1/64")]:
        config = Config("lenet", lr=lr, schedule="2:3/10,5:1/64")
        find_export("c")((trainer, {"config": config, "epoch": epoch}), tmp_path)
        assert json.loads((tmp_path / "manifest.json").read_text())["lr"] == expected
    assert "intflow_default_rate = {1, 1, -6};" in (tmp_path / "training.c").read_text()


# ------------------------------------------------------------------------------ what is refused


def test_every_layer_has_its_kernels():
    assert set(LAYERS_IN_C) <= set(LAYERS)
    used = {layer.kind for net in NETS for layer in make(net).network.layers.walk()}
    assert used == set(LAYERS_IN_C)


def unknown_layer(trainer):
    class Sigmoid(ReLU):
        kind = "sigmoid"

    trainer.network.layers.layers.insert(0, Sigmoid())
    trainer.network.layers.layers[0].name = "sigmoid_1"


def optimiser_state(trainer):
    trainer.network.parameters[0].state["momentum"] = np.zeros(1, np.int32)


def other_products(trainer):
    trainer.network.products = object()


@pytest.mark.parametrize("change, options, words", [
    (None, dict(batch_size=BATCH + 1), "batches of 1 to 4, got 5"),
    (None, dict(batch_size=0), "batches of 1 to 4, got 0"),
    (unknown_layer, {}, "sigmoid_1: sigmoid has no C kernel"),
    (optimiser_state, {}, "keeps state"),
    (other_products, {}, "C sums exactly"),
], ids=lambda v: getattr(v, "__name__", None))
def test_refused(change, options, words, tmp_path):
    trainer = make(windows)
    if change is not None:
        change(trainer)
    with pytest.raises(ExportError, match=re.escape(words)):
        export(trainer, tmp_path, **options)


@pytest.mark.parametrize("device, words", [
    ("acc16-saturate-each", "C sums exactly"),
    ('[rounding]\nactivation = "floor"', "half_even in the activation slot, got floor"),
    ("[accumulator]\nbits = 40", None),
])
def test_devices(device, words, tmp_path):
    """A device is exported where it computes exactly what the engine computes."""
    trainer = make(windows, device=Device.read(device))
    if words is None:
        assert export(trainer, tmp_path)["digest"] == make(windows).digest()
        return
    with pytest.raises(ExportError, match=re.escape(words)):
        export(trainer, tmp_path)


def test_outputs_too_wide_for_softmax():
    y = Value(Buffer("y", "s64", 20), (5,), Fixed(52, 20, symmetric=True))
    with pytest.raises(ExportError, match="the softmax loss of 5 outputs of 52 bits"):
        check_outputs("softmax", y, BATCH)
    check_outputs("sse", y, BATCH)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportError, match="cannot write into"):
        export(make(wide_window), tmp_path / "out")
