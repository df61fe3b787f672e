"""Counters: recomputed from the recorded tensors in Python integers, summed, stored, shown."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_line import call, metrics, start, write_idx
from intflow import Counters, Trainer
from intflow.device.accumulator import Accumulator
from intflow.device.device import Device
from intflow.errors import OverflowStop
from intflow.layers import (
    AvgPool2d, Concatenate, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual, Sequential,
)
from intflow.ops import Products
from intflow.training.counters import needed_bits, report

EXACT = {"overflows": 0, "saturations": 0}


def net():
    """Every way in which layers are combined, and an average that widens errors."""
    return Sequential(
        Conv2d(4, 3, padding="same"), MaxPool2d(3, 2), ReLU(), Requantize(),
        Residual(Conv2d(4, 3, padding=1, groups=2), ReLU(), Requantize(), Conv2d(4, 1)),
        ReLU(), Requantize(), Concatenate(Conv2d(2, 1), Conv2d(3, 3, padding=1)), ReLU(), Requantize(),
        AvgPool2d(), Flatten(), Linear(5), Requantize(),
    )


def make(**options):
    return Trainer(net(), **{
        "bits": "2888", "input_shape": (2, 8, 8), "batch_size": 4, "seed": 3, "threads": 1, **options})


def batch(step):
    random = np.random.default_rng(step)
    return random.integers(0, 256, (4, 2, 8, 8), np.uint8), random.integers(0, 5, 4)


def flat(tensor):
    return [int(code) for code in tensor.codes.ravel()]


def count_zeros(codes):
    return sum(code == 0 for code in codes)


def exact(codes):
    return {**EXACT, "largest": max(map(abs, codes))}


def error_slot(tensor):
    codes, end = flat(tensor), 2 ** (tensor.format.bits - 1) - 1
    return {"saturated": sum(abs(c) == end for c in codes), "zeros": count_zeros(codes),
            "size": len(codes)}


def activation_slot(x, y):
    largest = Fraction(y.format.maximum) / 2 ** y.format.frac_bits
    step = Fraction(2) ** -x.format.frac_bits
    return {"saturated": sum(abs(code * step) > largest for code in flat(x)),
            "zeros": count_zeros(flat(y)), "size": y.codes.size}


def update_slot(tensors):
    old, new, update, gradient = (
        flat(tensors[name]) for name in ("weight", "weight_new", "update", "gradient"))
    return {
        "nothing": sum(u == 0 and g != 0 for u, g in zip(update, gradient)),
        "clipped": sum(a - u != b for a, u, b in zip(old, update, new)),
        "size": len(old),
    }


def recount(network, recorder, first):
    """The counters of one recorded step, from its tensors alone. first : the layer without error."""
    layers = {"loss": {"slots": {"error": error_slot(
        recorder.layers[network.layers.layers[-1].name]["error_in"])}}}
    for layer in network.layers.walk():
        t = recorder.layers.get(layer.name, {})
        if "weight" in t:
            products = {"forward": exact(flat(t["output"])), "gradient": exact(flat(t["gradient"]))}
            if layer.name != first:
                products["error"] = exact(flat(t["error_out"]))
            codes = flat(t["weight_q"])
            slots = {"weight": {"zeros": count_zeros(codes), "size": len(codes)},
                     "update": update_slot(t)}
            if "error_q" in t:
                slots["error"] = error_slot(t["error_q"])
            layers[layer.name] = {"products": products, "slots": slots}
        if layer.kind == "requantize":
            layers[layer.name] = {"slots": {
                "activation": activation_slot(t["input"], t["output"]),
                "error": error_slot(t["error_out"])}}
    return {"steps": 1, "layers": layers}


@pytest.mark.parametrize("bits", ["2888", "W4A6G12E16"])
@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_counts_are_those_of_the_tensors(bits, backend):
    counted, recorded = make(bits=bits, backend=backend), make(bits=bits)
    for step in range(2):
        result = counted.step(*batch(step), counters=Counters())
        recorder = recorded.step(*batch(step), record=True).recorder
        assert result.recorder is None
        assert result.counters.to_dict() == recount(recorded.network, recorder, "conv2d_1")
    assert counted.digest() == recorded.digest()


def test_recorded_and_counted_at_once_over_steps():
    """One Counters over steps holds sums and maxima; with a recorder the first error is there too."""
    trainer, total, expected = make(), Counters(), Counters()
    for step in range(2):
        result = trainer.step(*batch(step), record=True, measure=True, counters=total)
        expected.add(recount(trainer.network, result.recorder, None))
        assert result.counters is total
    assert total.to_dict() == expected.to_dict() and total.steps == 2
    activation = total.layers["requantize_1"]["slots"]["activation"]
    assert set(result.saturated) == {n for n, c in total.layers.items() if "activation" in c["slots"]}
    assert activation["size"] == 2 * 4 * 4 * 3 * 3
    assert trainer.step(*batch(2)).counters is None


def test_counting_changes_no_bit_and_asks_for_nothing_more():
    """Same digest, and the same products: no error is computed at the images."""

    class Listed(Products):
        def error(self, layer, *rest):
            asked.append(layer)
            return super().error(layer, *rest)

    digests, lists = [], []
    for counters in (None, Counters()):
        asked, trainer = [], make()
        trainer.network.products = Listed(trainer.kernels)
        for step in range(2):
            trainer.step(*batch(step), counters=counters)
        digests.append(trainer.digest())
        lists.append(asked)
    assert digests[0] == digests[1] and lists[0] == lists[1] and "conv2d_1" not in lists[1]


COUNT = st.integers(0, 2**70)
PRODUCT = st.fixed_dictionaries({"overflows": COUNT, "saturations": COUNT, "largest": COUNT})
COUNTS = st.fixed_dictionaries({"steps": st.integers(1, 9), "layers": st.dictionaries(
    st.sampled_from(["conv2d_1", "linear_1"]), st.fixed_dictionaries({"products": st.dictionaries(
        st.sampled_from(["forward", "error", "gradient"]), PRODUCT)}))})


@given(st.lists(COUNTS, min_size=1, max_size=4))
def test_sums_and_maxima(parts):
    """Also through JSON and through reports, whose derived values are dropped again."""
    total = Counters()
    for part in parts:
        total.add(json.loads(json.dumps(report(part))))
    assert total.steps == sum(part["steps"] for part in parts)
    for layer, counts in total.layers.items():
        for product, found in counts["products"].items():
            all_of = [part["layers"][layer]["products"][product] for part in parts
                      if product in part["layers"].get(layer, {}).get("products", {})]
            assert found == {"overflows": sum(c["overflows"] for c in all_of),
                             "saturations": sum(c["saturations"] for c in all_of),
                             "largest": max(c["largest"] for c in all_of)}


def test_report():
    counts = {"steps": 1, "layers": {
        "linear_1": {"products": {"forward": {**EXACT, "largest": 128}},
                     "slots": {"update": {"nothing": 1, "clipped": 0, "size": 3}}}}}
    linear = report(counts)["layers"]["linear_1"]
    assert linear["products"]["forward"] == {**EXACT, "largest": 128, "bits": 9}
    assert linear["slots"]["update"]["nothing_fraction"] == 0.333333
    assert report({}) == {} and Counters().to_dict() == {}


@pytest.mark.parametrize("largest, bits", [(0, 1), (1, 2), (127, 8), (128, 9), (2**63 - 1, 64)])
def test_needed_bits(largest, bits):
    assert needed_bits(largest) == bits


class Narrow(Products):
    """Exact products that claim an overflow in one of them, at one step."""

    def __init__(self, kernels, layer, step):
        super().__init__(kernels)
        self.layer, self.step, self.events, self.calls = layer, step, {}, 0

    def gradient(self, layer, *rest):
        if layer == self.layer:
            self.calls += 1
            if self.calls == self.step + 1:
                self.events[layer, "gradient"] = {
                    "overflows": 7, "saturations": 3, "largest": 2**40}
        return super().gradient(layer, *rest)


def test_events_of_a_device_are_taken_over_and_end_with_the_step():
    trainer = make()
    trainer.network.products = Narrow(trainer.kernels, "conv2d_2", 1)
    counts = [trainer.step(*batch(step), counters=Counters()).counters for step in range(3)]
    found = [c.layers["conv2d_2"]["products"]["gradient"] for c in counts]
    assert found[1] == {"overflows": 7, "saturations": 3, "largest": 2**40}
    assert [c["overflows"] for c in found] == [0, 7, 0]


def test_stopping_leaves_the_step_before():
    trainer, plain = make(), make()
    trainer.network.products = Narrow(trainer.kernels, "conv2d_2", 1)
    total = Counters(stop_on_overflow=True)
    trainer.step(*batch(0), counters=total)
    with pytest.raises(OverflowStop, match="conv2d_2: its gradient product overflowed 7 times in "
                                           r"step 1 .* 1099511627776, needs 42 bits"):
        trainer.step(*batch(1), counters=total)
    plain.step(*batch(0))
    assert (trainer.steps, total.steps, trainer.digest()) == (1, 1, plain.digest())
    trainer.step(*batch(1))             # the stopped step can be taken again
    plain.step(*batch(1))
    assert trainer.digest() == plain.digest()


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
def test_overflows_are_the_sums_that_do_not_fit(overflow):
    """Of the first layer in the first step, which sees the same operands with and without device."""
    device = Device(forward=Accumulator(9, overflow))
    recorder = make().step(*batch(0), record=True).recorder
    narrow = make(device=device)
    found = narrow.step(*batch(0), record=True, counters=Counters()).counters.layers["conv2d_1"]
    sums = flat(recorder.layers["conv2d_1"]["output"])
    overflows = sum(not -256 <= s <= 255 for s in sums)
    assert 0 < overflows < len(sums)
    assert found["products"]["forward"] == {
        "overflows": overflows, "saturations": overflows if overflow == "saturate" else 0,
        "largest": max(map(abs, sums))}
    assert found["products"]["gradient"]["overflows"] == 0 < found["products"]["gradient"]["largest"]


def test_partial_sums_count_where_a_device_checks_them():
    """One output, products 100, 100, -100 in 8 bits: the partial sum 200 overflows, at the end none."""
    found = {}
    for check in ("product", "end"):
        device = Device(forward=Accumulator(9, "saturate", check))
        trainer = Trainer(Sequential(Flatten(), Linear(1)), input_shape=(1, 1, 3), batch_size=1,
                          bits="W2A8G8E8", encoding="unit", device=device, threads=1)
        trainer.network.parameters[0].master.codes[:, 0] = (64, 64, -64)     # codes 1, 1, -1
        images = np.full((1, 1, 1, 3), 255, np.uint8)                        # codes 127
        counters = trainer.step(images, np.array([0]), counters=Counters()).counters
        found[check] = counters.layers["linear_1"]["products"]["forward"]
    assert found["end"] == {**EXACT, "largest": 127}
    assert found["product"] == {**EXACT, "largest": 254}


# The command line --------------------------------------------------------------------------

TRAIN = ["train", "--model", "lenet", "--batch-size", 16, "--threads", 1, "--width", "1/8", "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data") / "tiny", train=64, test=16)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Two epochs of four steps, counted."""
    from intflow.commands.reporters import Quiet
    from intflow.training import Config, Training

    out = tmp_path_factory.mktemp("run") / "whole"
    config = Config("lenet", data=str(data), epochs=2, batch_size=16, width="1/8", threads=1,
                    counters=True)
    assert Training.start(config, out, Quiet()).run()
    return out


def counted(run):
    return [line["counters"] for line in metrics(run)]


def test_stopped_and_resumed_counts_are_the_whole_ones(run, data, tmp_path, capsys):
    out = tmp_path / "parts"
    call(capsys, *TRAIN, "--counters", "--data", data, "--epochs", 2, "--out", out, "--max-steps", 3)
    assert counted(out)[0]["steps"] == 3
    call(capsys, "train", "--resume", out, "--max-steps", 6, "--quiet", "--save-every", 1)
    code, _, err = call(capsys, "train", "--resume", out, "--max-steps", 0, "--quiet")
    assert (code, err) == (0, "")
    assert counted(out) == counted(run) and [c["steps"] for c in counted(out)] == [4, 4]
    assert metrics(out)[-1]["digest"] == metrics(run)[-1]["digest"]


def test_uncounted_runs_have_the_keys_they_had(run, data, tmp_path, capsys):
    out = tmp_path / "plain"
    code, _, _ = call(capsys, *TRAIN, "--data", data, "--epochs", 1, "--out", out,
                      "--fail-on-overflow")
    (line,) = metrics(out)
    assert code == 0 and set(metrics(run)[0]) - set(line) == {"counters"}
    assert line["digest"] == metrics(run)[0]["digest"]
    code, text, _ = call(capsys, "summary", out)
    assert code == 0 and "counted nothing; train with --counters" in " ".join(text.split())
    call(capsys, "train", "--resume", out, "--epochs", 2, "--counters", "--quiet")
    assert "counters" not in metrics(out)[0] and metrics(out)[1]["counters"] == counted(run)[1]


def test_tables_at_the_end(data, tmp_path, capsys):
    arguments = [a for a in TRAIN if a != "--quiet"]
    code, out, err = call(capsys, *arguments, "--counters", "--data", data, "--epochs", 1, "--out",
                          tmp_path / "run")
    products = counted(tmp_path / "run")[0]["layers"]["conv2d_2"]["products"]
    table = err[err.index("accumulators over 4 steps"):]
    assert (code, out) == (0, "")
    assert max(len(line) for line in table.splitlines()[:-1]) <= 80
    assert f"{products['forward']['bits']}/" in table and "over fwd" not in table
    assert "loss" in table and "A zero" in table


def test_summary_of_a_run(run, capsys):
    code, out, _ = call(capsys, "summary", run)
    assert code == 0 and "needed/proven" in out and "measured over 8 steps, 0 overflows" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = call(capsys, "summary", run, "--json")
    summary = json.loads(out)
    total = Counters()
    for counts in counted(run):
        total.add(counts)
    assert summary["steps"] == 8
    for row in summary["layers"]:
        if "weights" in row:
            products = total.layers[row["layer"]]["products"]
            assert row["measured"]["fwd"] == needed_bits(products["forward"]["largest"]) <= row["fwd"]
            assert row["measured"]["grad"] <= row["grad"] and set(row["overflows"].values()) == {0}


# Of this data the gradients of the first two steps fit 19 bits.
DEVICE = """
[gradient]
bits = 19
overflow = "{}"
"""


@pytest.fixture(scope="module")
def device_run(data, tmp_path_factory):
    """(device file, run of six steps under it, whose sums overflow)."""
    folder = tmp_path_factory.mktemp("device")
    (folder / "narrow.toml").write_text(DEVICE.format("wrap"))
    process = start(*TRAIN, "--data", data, "--device", folder / "narrow.toml", "--epochs", 2,
                    "--max-steps", 6, "--out", folder / "whole")
    assert process.wait(timeout=300) == 0
    return folder / "narrow.toml", folder / "whole"


def digest(run, capsys):
    code, out, err = call(capsys, "digest", run)
    assert (code, err) == (0, "")
    return out


def test_devices_are_counted(device_run, capsys):
    _, run = device_run
    layers = counted(run)[0]["layers"]
    gradient = layers["conv2d_1"]["products"]["gradient"]
    assert gradient["overflows"] > 0 == gradient["saturations"] and gradient["bits"] > 19
    assert layers["conv2d_1"]["products"]["forward"]["overflows"] == 0
    code, out, _ = call(capsys, "summary", run)
    assert code == 0 and f"!{gradient['bits']}/" in out and " 0 overflows" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_fail_on_overflow_loses_nothing(device_run, data, tmp_path, capsys):
    device, whole = device_run
    out, before = tmp_path / "run", tmp_path / "before"
    call(capsys, *TRAIN, "--data", data, "--epochs", 2, "--max-steps", 2, "--out", before)
    code, text, err = call(capsys, *TRAIN, "--data", data, "--device", device, "--epochs", 2,
                           "--max-steps", 6, "--fail-on-overflow", "--out", out)
    assert (code, text, len(err.splitlines())) == (1, "", 1)
    assert "conv2d_1: its gradient product overflowed" in err and "the device has 19" in err
    assert "in step 2" in err and f"intflow train --resume {out}" in err
    assert not (out / "metrics.jsonl").exists() and digest(out, capsys) == digest(before, capsys)
    code, _, again = call(capsys, "train", "--resume", out, "--quiet", "--fail-on-overflow")
    assert code == 1 and again == err           # it stops at the same sum
    code, _, err = call(capsys, "train", "--resume", out, "--quiet")
    assert (code, err) == (0, "") and counted(out) == counted(whole)
    assert metrics(out)[-1]["digest"] == metrics(whole)[-1]["digest"]


def test_traps_lose_nothing(data, tmp_path, capsys):
    (tmp_path / "trap.toml").write_text(DEVICE.format("trap"))
    call(capsys, *TRAIN, "--data", data, "--max-steps", 2, "--out", tmp_path / "before")
    code, _, err = call(capsys, *TRAIN, "--data", data, "--device", tmp_path / "trap.toml",
                        "--out", tmp_path / "run")
    assert code == 1 and len(err.splitlines()) == 1 and "does not fit 19 bits" in err
    assert digest(tmp_path / "run", capsys) == digest(tmp_path / "before", capsys)


@pytest.mark.parametrize("line", ["{", "5", '{"counters": 5}', '{"counters": {"layers": {"a": 1}}}',
                                  '{"counters": {"steps": 1, "layers": {"a": {"products": {"b": {}}}}}}'])
def test_broken_metrics_are_one_line(run, tmp_path, capsys, line):
    import shutil

    out = tmp_path / "copy"
    shutil.copytree(run, out)
    (out / "metrics.jsonl").write_text(line + "\n")
    code, _, err = call(capsys, "summary", out)
    assert code == 1 and len(err.splitlines()) == 1 and "metrics.jsonl" in err


@pytest.mark.parametrize("arguments", [[], ["{run}", "--model", "lenet"]])
def test_summary_takes_one_of_two(run, capsys, arguments):
    code, _, err = call(capsys, "summary", *(a.format(run=run) for a in arguments))
    assert code == 2 and "either RUN or --model" in err
