"""Accumulators in Python integers: what a device has to give, bit for bit.

The slow and simple version: it shares no line with the engine. Sums are lists of products in the
stated order, in nested lists as in oracle.py; a sum is one loop.
"""

from itertools import product as combinations
from typing import NamedTuple

import oracle


class Chip(NamedTuple):
    """One accumulator, as in a device file; `order` has its letters."""

    bits: int
    overflow: str
    check: str
    tile: int
    order: str
    product_bits: int

    def limits(self, bits):
        """Smallest and largest code."""
        lowest = -(2 ** (bits - 1)) + (self.overflow == "saturate_symmetric")
        return lowest, 2 ** (bits - 1) - 1


class Trapped(Exception):
    """The value that a trap met."""


class Seen:
    """Overflows and the largest sum of one product, and where a trap stopped."""

    def __init__(self):
        self.overflows, self.largest = 0, 0


def fit(value, bits, chip, seen):
    """One value in `bits` bits."""
    lo, hi = chip.limits(bits)
    if lo <= value <= hi:
        return value
    seen.overflows += 1
    if chip.overflow == "wrap":
        return (value - lo) % 2**bits + lo
    if chip.overflow == "trap":
        raise Trapped(value, bits)
    return lo if value < lo else hi


def accumulate(products, chip, seen):
    """The sum of a list of products."""
    wraps = chip.overflow == "wrap"
    counted = Seen() if wraps else seen
    acc = total = 0
    for number, p in enumerate(products, 1):
        if chip.product_bits and not (wraps and chip.product_bits >= chip.bits):
            p = fit(p, chip.product_bits, chip, seen)
        acc, total = acc + p, total + p
        due = {"product": 1, "tile": chip.tile or 1, "end": len(products)}[chip.check]
        if number % due == 0 or number == len(products):
            if not wraps:
                seen.largest = max(seen.largest, abs(acc))
            acc = fit(acc, chip.bits, chip, counted)
    if wraps:
        seen.largest = max(seen.largest, abs(total))
        fit(total, chip.bits, chip, seen)           # wrapping counts what is finished
    return acc


def walk(chip, **sizes):
    """Indices of the summed axes as {letter: index}, in the chip's order."""
    for index in combinations(*(range(sizes[letter]) for letter in chip.order)):
        yield dict(zip(chip.order, index, strict=True))


def summed(shape, chip, products_of, seen):
    """A nested list of sums; a trap says in which sum, in logical order."""
    sums = []
    for index in combinations(*map(range, shape)):
        try:
            sums.append(accumulate(list(products_of(*index)), chip, seen))
        except Trapped as trap:
            raise Trapped(index, *trap.args) from None
    return oracle.folded(sums, shape)


def inside(nested, n, c, h, w):
    """A pixel of [n][c][h][w], or 0 outside."""
    rows = nested[n][c]
    return rows[h][w] if 0 <= h < len(rows) and 0 <= w < len(rows[0]) else 0


def conv2d(chip, seen, x, w, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """Forward: the window of every output, channel by channel of its group."""
    O, I, KH, KW = oracle.shape_of(w)

    def products(n, o, oh, ow):
        first = o // (O // groups) * I
        for at in walk(chip, H=KH, W=KW, I=I):
            h = oh * stride[0] - padding[0] + at["H"] * dilation[0]
            v = ow * stride[1] - padding[2] + at["W"] * dilation[1]
            yield inside(x, n, first + at["I"], h, v) * w[o][at["I"]][at["H"]][at["W"]]

    shape = oracle.conv2d_shape(oracle.shape_of(x), oracle.shape_of(w), stride, padding, dilation)
    return summed(shape, chip, products, seen)


def conv2d_error(chip, seen, e, w, x_shape, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1),
                 groups=1):
    """Error: every tap of every output channel of the group, 0 where it brings none."""
    O, I, KH, KW = oracle.shape_of(w)

    def products(n, c, h, v):
        group = c // I
        for at in walk(chip, H=KH, W=KW, O=O // groups):
            o = group * (O // groups) + at["O"]
            oh, rest_h = divmod(h + padding[0] - at["H"] * dilation[0], stride[0])
            ow, rest_w = divmod(v + padding[2] - at["W"] * dilation[1], stride[1])
            error = 0 if rest_h or rest_w else inside(e, n, o, oh, ow)
            yield error * w[o][c % I][at["H"]][at["W"]]

    return summed(x_shape, chip, products, seen)


def conv2d_gradient(chip, seen, x, e, w_shape, stride=(1, 1), padding=(0, 0, 0, 0),
                    dilation=(1, 1), groups=1):
    """Gradient: every output pixel of every image."""
    O, I, _, _ = w_shape
    N, _, OH, OW = oracle.shape_of(e)

    def products(o, i, kh, kw):
        c = o // (O // groups) * I + i
        for at in walk(chip, N=N, H=OH, W=OW):
            h = at["H"] * stride[0] - padding[0] + kh * dilation[0]
            v = at["W"] * stride[1] - padding[2] + kw * dilation[1]
            yield inside(x, at["N"], c, h, v) * e[at["N"]][o][at["H"]][at["W"]]

    return summed(w_shape, chip, products, seen)


def pixel(matrix):
    """[n][c] as [n][c][1][1]."""
    return [[[[value]] for value in row] for row in matrix]


def matrix(pixels):
    """The way back."""
    return [[rows[0][0] for rows in image] for image in pixels]


def linear(chip, seen, x, w):
    """A convolution of one pixel and one tap, as are the next two."""
    return matrix(conv2d(chip, seen, pixel(x), pixel(w)))


def linear_error(chip, seen, e, w):
    shape = len(e), len(w[0]), 1, 1
    return matrix(conv2d_error(chip, seen, pixel(e), pixel(w), shape))


def linear_gradient(chip, seen, x, e):
    shape = len(e[0]), len(x[0]), 1, 1
    return matrix(conv2d_gradient(chip, seen, pixel(x), pixel(e), shape))


FACES = {
    "conv2d": "forward", "conv2d_error": "error", "conv2d_gradient": "gradient",
    "linear": "forward", "linear_error": "error", "linear_gradient": "gradient",
}


def put_under_oracle(monkeypatch, chips):
    """Let the oracle's products compute as {"forward", "error", "gradient": Chip} would."""
    for name, face in FACES.items():
        def product(*operands, function=globals()[name], chip=chips[face], **settings):
            return function(chip, Seen(), *operands, **settings)

        monkeypatch.setattr(oracle, name, product)
