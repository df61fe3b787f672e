"""Products by shifts count what is predicted of them, and weights narrowed to powers of two as well."""

from fractions import Fraction

import numpy as np
import pytest
from costs.counted import GRADIENT, counted_trainer, terms, width_of

from intflow import Trainer, ops
from intflow.costs import Counts, count_step, read_energy, slots_of
from intflow.costs.kernels import shift_and_add
from intflow.formats import Fixed, PowerOfTwo
from intflow.kernels import KERNELS
from intflow.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Sequential
from intflow.training.compare import model_bytes
from intflow.training.count import Plan, count


class CountedShifts(ops.ShiftProducts):
    """Every product by scalar shifts and additions that are noted; held against the definition."""

    def __init__(self, kernels, tally):
        super().__init__(kernels)
        self.tally = tally

    def forward(self, layer, x, w, window):
        y = super().forward(layer, x, w, window)
        self._count(x, w, y, lambda x, w, y: (y, x, w), (x, w, y), window)
        return self._moved(("activations", x), ("weights", w), ("activations", y))

    def error(self, layer, e, w, window, input_shape):
        below = super().error(layer, e, w, window, input_shape)
        self._count(e, w, below, lambda x, w, y: (x, y, w), (below, w, e), window)
        return self._moved(("errors", e), ("weights", w), ("errors", below))

    def gradient(self, layer, x, e, window, weight_shape):
        around, self.tally.at = self.tally.at, (layer, GRADIENT)
        self.kernels.loops.operands = str(x.format.bits), str(e.format.bits)
        g = super().gradient(layer, x, e, window, weight_shape)
        if isinstance(x.format, PowerOfTwo):            # else the kernel has counted itself
            self._count(x, e, g, lambda x, w, y: (w, x, y), (x, g, e), window)
            self._moved(("activations", x), ("errors", e), ("gradients", g))
        self.tally.at = around
        return g

    def _moved(self, a, b, out):
        for role, tensor in (a, b):
            self.tally.reads(role, tensor.codes)
        self.tally.writes(out[0], out[1].codes)
        return out[1]

    def _count(self, a, b, out, index, ends, window):
        """a times b, term by term; `index` puts places in x, w and y into the order out, a, b."""
        x, w, y = (ops.linear_algebra.pixels(t.codes).shape for t in ends)
        widths = _widths(a.format, b.format, out.codes)
        sums = np.zeros(ops.linear_algebra.pixels(out.codes).shape, object)
        left, right = (ops.linear_algebra.pixels(t.codes) for t in (a, b))
        for places in terms(x, w, y, **window.resolve(*x[:2]).keywords()):
            self.tally.note("shifted", widths[0])
            if places[0] is None:
                self.tally.note("padding", widths[0])
                self._term(0, 0, a.format, b.format, 0, widths)
                continue
            to, u, v = index(*places)
            sums[to] = self._term(
                int(left[u]), int(right[v]), a.format, b.format, sums[to], widths)
        assert sums.reshape(out.codes.shape).tolist() == out.codes.tolist()

    def _term(self, u, v, a, b, total, widths):
        """total + u * v by the words of powers; a datapath does the same for zeros."""
        _, exponent_width, width, total_width = widths
        if not isinstance(b, PowerOfTwo):
            u, v, a, b = v, u, b, a
        negative, exponent, some = _split(b, v)
        if isinstance(a, PowerOfTwo):
            other_negative, other, other_some = _split(a, u)
            exponent = self.tally.add(exponent, other, exponent_width)
            negative, some, u = negative ^ other_negative, some and other_some, 1
        term = self.tally.shift(u, exponent, width) if some else 0 * self.tally.shift(0, 0, width)
        return self.tally.add(total, -term if negative else term, total_width)


def _split(fmt, code):
    """(negative, exponent above the step, not zero) of a code's word."""
    negative, field = divmod(fmt.word(code), 1 << fmt.bits - 1)
    return negative, max(field - 1, 0), field > 0


def _widths(a, b, out):
    """(name, of a sum of exponents, of a product, of the sum)."""
    names = [f"p{f.bits}" if isinstance(f, PowerOfTwo) else str(f.bits) for f in (a, b)]
    largest = a.maximum * b.maximum
    product = next(w for w in (8, 16, 32, 64) if largest < 1 << w - 1)
    return f"{'x'.join(names)}+{width_of(out)}", "8", str(product), width_of(out)


def net():
    return Sequential(
        Conv2d(3, 3, padding=1), MaxPool2d(2), ReLU(), Requantize(),
        Conv2d(4, 2, padding=1, groups=1), ReLU(), Requantize(), Flatten(), Linear(3),
    )


OTHERS = {name for name in KERNELS if name.startswith(("shift_norm", "adamax", "binarize", "apply_bits"))}


@pytest.mark.parametrize("bits", ["4-4-16-16", "3-5-6-6"])
def test_layers_count_what_is_predicted(bits, monkeypatch):
    def trainer_of(kernels):
        return Trainer(net(), bits, "qnn", input_shape=(2, 6, 6), batch_size=2, seed=3,
                       options="quantizer=log", kernels=kernels)

    trainer, tally, kernels = counted_trainer(trainer_of, monkeypatch, CountedShifts, OTHERS)
    trainer.step(np.random.default_rng(5).integers(0, 256, (2, 2, 6, 6), np.uint8), np.array([0, 2]))
    rows = count_step(trainer.network, slots_of(trainer.scheme), 2, "hinge", trainer.rate)
    checked = []
    for layer in ("conv2d_1", "conv2d_2", "linear_1"):
        for name, counts in rows[layer].items():
            if name != "update":                        # AdaMax is not among the loops
                assert counts.operations == tally.operations[layer, name], (layer, name)
                assert counts.read == tally.read[layer, name], (layer, name)
                assert counts.written == tally.written[layer, name], (layer, name)
                checked.append((layer, name))
    assert len(checked) == 9 and "requantize_to_power" in kernels.called


def test_steps_of_a_product():
    """By hand: 64 * 64 takes 14 bits, 127 * 64 as well, 32767 * 64 takes 22."""
    powers, total = PowerOfTwo(4), Fixed(24, 0)
    assert Counts.of(shift_and_add(10, powers, powers, total)).operations == {
        ("shifted", "p4xp4+32"): 10, ("add", "8"): 10, ("shift", "16"): 10, ("add", "32"): 10}
    assert Counts.of(shift_and_add(10, Fixed(8, 7, symmetric=True), powers, total)).operations == {
        ("shifted", "8xp4+32"): 10, ("shift", "16"): 10, ("add", "32"): 10}
    assert Counts.of(shift_and_add(10, powers, Fixed(16, 0, symmetric=True), total)).operations == {
        ("shifted", "p4x16+32"): 10, ("shift", "32"): 10, ("add", "32"): 10}


def test_energy_of_a_product():
    """An addition of 8 bits (0.03 pJ) and of 32 (0.1), and a shift as an addition of 16."""
    table = read_energy()
    counted = Counts.of(shift_and_add(1, PowerOfTwo(4), PowerOfTwo(4), Fixed(24, 0)))
    sixteen = Fraction(3, 100) + Fraction(7, 100) * Fraction(16 - 8, 32 - 8)
    assert table.operations(counted) == Fraction(3, 100) + sixteen + Fraction(1, 10)


def report(quantizer):
    plan = Plan("lenet", "4-4-16-16", "qnn", scheme_options=f"quantizer={quantizer}")
    return plan, count(plan, read_energy(), "dram")


def test_a_report_of_powers_has_shifts_where_others_multiply():
    (_, multiplied), (log, shifted) = report("linear"), report("log")
    for name in ("forward", "error", "gradient"):
        ours, theirs = (r["passes"][name]["operations"] for r in (shifted, multiplied))
        assert sum(ours.get("mac", {}).values()) + sum(ours["shifted"].values()) == sum(
            theirs["mac"].values())
    assert "mac" not in shifted["passes"]["forward"]["operations"]
    assert set(shifted["passes"]["forward"]["operations"]["shifted"]) == {"9xp4+32", "p4xp4+32"}
    assert shifted["wrpn"] == multiplied["wrpn"]        # 4 bits and 4 bits
    others = sum(p.master.codes.size * p.master.format.bits
                 for p in log.network.parameters if p.role != "weight")
    assert model_bytes(log.network) == -(-(4 * log.network.count_weights() + others) // 8)
