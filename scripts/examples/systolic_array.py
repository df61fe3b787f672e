#!/usr/bin/env python3
"""A small systolic array under the engine: it computes, counts its cycles, and is compared.

An output-stationary array of ROWS x COLUMNS multiply-accumulate cells. Operands enter at the left
and top edges, each row and column one cycle later than the one before, and move one cell a cycle;
every cell keeps one sum. All three products of a convolution and of a linear layer are turned into
matrix products and run on it for two training steps, and the engine compares every integer.

    python scripts/examples/systolic_array.py
"""

import numpy as np

import intflow
from intflow.errors import Mismatch
from intflow.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Sequential

ROWS, COLUMNS = 16, 16
STEPS, BATCH = 2, 4


class SystolicArray:
    """Cells with registers for what passes by, and a sum each.

    cycles : cycles run so far. products : multiply-adds that were part of a result.
    """

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cycles = self.products = 0

    def multiply(self, a, b):
        """a (M, K) . b (K, N), tile by tile."""
        out = np.zeros((len(a), b.shape[1]), np.int64)
        for top in range(0, out.shape[0], self.rows):
            for left in range(0, out.shape[1], self.columns):
                tile = out[top:top + self.rows, left:left + self.columns]
                tile[...] = self.run_tile(a[top:top + self.rows], b[:, left:left + self.columns])
        self.products += a.shape[0] * a.shape[1] * b.shape[1]
        return out

    def run_tile(self, a, b):
        """One tile, cycle by cycle: K cycles of data, and the way to the far corner."""
        (height, terms), width = a.shape, b.shape[1]
        right, down, sums = (np.zeros((height, width), np.int64) for _ in range(3))
        rows, columns = np.arange(height), np.arange(width)
        for cycle in range(terms + height + width - 2):
            right[:, 1:], down[1:] = right[:, :-1].copy(), down[:-1].copy()
            right[:, 0] = entering(a, rows, cycle - rows)
            down[0] = entering(b.T, columns, cycle - columns)
            sums += right * down
        self.cycles += terms + height + width - 2
        return sums

    def utilisation(self):
        """Share of cell cycles that did useful work, in percent, rounded down."""
        return 100 * self.products // (self.cycles * self.rows * self.columns)


def entering(lines, which, when):
    """What enters at an edge: element `when` of each line, 0 before and behind it."""
    inside = (when >= 0) & (when < lines.shape[1])
    return np.where(inside, lines[which, when.clip(0, lines.shape[1] - 1)], 0)


def product_on(array):
    """The function that stands in the engine's place; see intflow/device/embedding.py."""
    def product(a, b, geometry):
        if geometry.product == "forward":
            taps = unfold(a, geometry)
            y = array.multiply(taps, b.reshape(len(b), -1).T)
            return from_rows(y, geometry.output_shape)
        rows = to_rows(b if geometry.product == "gradient" else a)
        if geometry.product == "gradient":
            return array.multiply(rows.T, unfold(a, geometry)).reshape(geometry.weight_shape)
        return fold(array.multiply(rows, b.reshape(len(b), -1)), geometry)
    return product


def to_rows(e):
    """(N, O, OH, OW) or (N, O) -> (N*OH*OW, O)."""
    return e.reshape(*e.shape[:2], -1).transpose(0, 2, 1).reshape(-1, e.shape[1])


def from_rows(y, shape):
    """The inverse of `to_rows`."""
    return y.reshape(shape[0], -1, shape[1]).transpose(0, 2, 1).reshape(shape)


def places(geometry):
    """Index arrays (n, c, h, w), each (N*OH*OW, I*KH*KW), of what every window sees."""
    n, o, oh, ow = (*geometry.output_shape, 1, 1)[:4]
    _, c, kh, kw = (*geometry.weight_shape, 1, 1)[:4]
    n, oh, ow, c, kh, kw = np.ogrid[:n, :oh, :ow, :c, :kh, :kw]
    h = oh * geometry.stride[0] - geometry.padding[0] + kh * geometry.dilation[0]
    w = ow * geometry.stride[1] - geometry.padding[2] + kw * geometry.dilation[1]
    shape = np.broadcast_shapes(n.shape, oh.shape, ow.shape, c.shape, kh.shape, kw.shape)
    rows = shape[0] * shape[1] * shape[2]
    return [np.broadcast_to(index, shape).reshape(rows, -1) for index in (n, c, h, w)]


def unfold(x, geometry):
    """The windows of x as rows of a matrix, zeros where they hang over the edge."""
    n, c, h, w = places(geometry)
    x = x.reshape(*x.shape, *(1,) * (4 - x.ndim))
    inside = (h >= 0) & (h < x.shape[2]) & (w >= 0) & (w < x.shape[3])
    return np.where(inside, x[n, c, h.clip(0, x.shape[2] - 1), w.clip(0, x.shape[3] - 1)], 0)


def fold(taps, geometry):
    """The error at x: what each window hands back to a pixel, added up beside the array."""
    n, c, h, w = places(geometry)
    shape = (*geometry.input_shape, 1, 1)[:4]
    inside = (h >= 0) & (h < shape[2]) & (w >= 0) & (w < shape[3])
    x = np.zeros(shape, np.int64)
    np.add.at(x, tuple(index[inside] for index in (n, c, h, w)), taps[inside])
    return x.reshape(geometry.input_shape)


def main():
    net = Sequential(
        Conv2d(8, 5, padding=2, stride=2), MaxPool2d(2), ReLU(), Requantize(), Flatten(),
        Linear(10),
    )
    trainer = intflow.Trainer(net, bits="2888", input_shape=(1, 28, 28), encoding="unit", seed=1,
                              batch_size=BATCH)
    arrays = {}
    for layer in ("conv2d_1", "linear_1"):
        for product in ("forward", "error", "gradient"):
            arrays[layer, product] = SystolicArray(ROWS, COLUMNS)
            trainer.replace_product(layer, product, product_on(arrays[layer, product]))
    data = intflow.data.open_dataset("sample")
    stream = intflow.data.batches(data.train, BATCH, (1, 28, 28), "none", seed=1, epoch=0)
    try:
        for _, batch in zip(range(STEPS), stream):
            trainer.step(batch.images, batch.labels, record=True)   # asks for the error at x too
    except Mismatch as difference:
        print(f"different: {difference}")
        return 1
    print(f"{ROWS} x {COLUMNS} cells, {STEPS} steps of {BATCH} images")
    for (layer, product), array in arrays.items():
        print(f"{layer:9} {product:9} {array.products:9,} products {array.cycles:7,} cycles "
              f"{array.utilisation():3} % used")
    print(f"equal; state {trainer.digest()[:16]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
