"""Cases of the kernels of texts: steps of recurrent cells, softmax; see cases.py."""

import numpy as np

from intflow.losses.softmax import LOG2_E, LOG2_E_BITS, TABLE
from intflow.ops.gates import EMPTY, sigmoid_table, tanh_table
from kernels.cases import Case, empty

SHAPES = (1, 1), (3, 7), (7, 1500)          # streams, units; the last for several threads
MOST = 32767


def _tables(frac_bits, table):
    return (sigmoid_table(frac_bits), tanh_table(frac_bits)) if table else (EMPTY, EMPTY)


def _sums(rng, streams, columns, bits):
    return rng.integers(-2**bits, 2**bits, (streams, columns))


def _gates(rng, shape, frac_bits, signed):
    """Gate values with both ends among them; tanh may be below 0."""
    one = 1 << frac_bits
    values = rng.integers(-one * signed, one, shape, endpoint=True)
    values[rng.random(shape) < 0.2] = one
    return values.astype(np.int32)


def _case(name, make):
    cases = []
    for shape in SHAPES:
        for frac_bits, table in ((8, False), (8, True), (12, False)):
            def arguments(rng, shape=shape, frac_bits=frac_bits, table=table):
                return make(rng, *shape, frac_bits, *_tables(frac_bits, table))

            cases.append(Case(f"{name} {shape} {frac_bits} {table}", arguments))
    return cases


def _forward(blocks, kept, rshift):
    def make(rng, streams, units, frac, sigmoids, tanhs):
        shape, limit = (streams, units), 8 << frac
        before = rng.integers(-limit, limit, shape, endpoint=True).astype(np.int32)
        if blocks == 3:
            before = _gates(rng, shape, frac, True)
        return [empty((streams, kept * units), "i4"), empty(shape, "i4"), empty(shape, "i4"),
                _sums(rng, streams, blocks * units, 16), _sums(rng, streams, blocks * units, 10), before,
                16 - frac, 8 - frac, frac, limit, rshift(frac), 7, sigmoids, tanhs]

    return make


def _lstm_backward(rng, streams, units, frac, sigmoids, tanhs):
    shape, limit = (streams, units), 8 << frac
    gates = np.concatenate([_gates(rng, shape, frac, k == 2) for k in range(4)], axis=1)
    cell, before = (rng.integers(-limit, limit, shape, endpoint=True).astype(np.int32) for _ in range(2))
    cell[0, 0] = limit
    errors = [rng.integers(-MOST, MOST, shape, endpoint=True).astype(np.int32) for _ in range(2)]
    return [empty((streams, 4 * units), "i4"), *errors, _sums(rng, *shape, 20), 4, gates, cell, before,
            frac, limit, MOST, sigmoids, tanhs]


def _gru_backward(rng, streams, units, frac, sigmoids, tanhs):
    shape = streams, units
    gates = np.concatenate([_gates(rng, shape, frac, k > 1) for k in range(4)], axis=1)
    errors = [rng.integers(-MOST, MOST, shape, endpoint=True).astype(np.int32) for _ in range(2)]
    out = [empty((streams, 3 * units), "i4") for _ in range(2)]
    return [*out, *errors, _sums(rng, *shape, 20), 4, gates, _gates(rng, shape, frac, True), frac, MOST,
            sigmoids, tanhs]


def _rnn_forward(rng, streams, units, frac, sigmoids, tanhs):
    shape = streams, units
    return [empty(shape, "i4"), empty(shape, "i4"), _sums(rng, *shape, 14), _sums(rng, *shape, 10),
            14 - frac, -1, frac, frac - 3, 7, tanhs]


def _rnn_backward(rng, streams, units, frac, sigmoids, tanhs):
    shape = streams, units
    error = rng.integers(-MOST, MOST, shape, endpoint=True).astype(np.int32)
    return [empty(shape, "i4"), error, _sums(rng, *shape, 20), -2, _gates(rng, shape, frac, True), frac,
            MOST, tanhs]


def _softmax(dtype, rows, columns, frac_bits, bits):
    def make(rng):
        y = rng.integers(-2**bits, 2**bits, (rows, columns)).astype(dtype)
        return [empty(y.shape, "i4"), empty(rows, "i8"), empty(rows, "i8"), y, TABLE, LOG2_E, LOG2_E_BITS,
                frac_bits - 8, 15]

    return Case(f"{dtype} {rows} {columns} {frac_bits} {bits}", make)


CASES = {
    "lstm_forward": _case("lstm", _forward(4, 4, lambda frac: 2 * frac - 3)),
    "lstm_backward": _case("lstm", _lstm_backward),
    "gru_forward": _case("gru", _forward(3, 4, lambda frac: frac - 3)),
    "gru_backward": _case("gru", _gru_backward),
    "rnn_forward": _case("rnn", _rnn_forward),
    "rnn_backward": _case("rnn", _rnn_backward),
    "softmax": [
        _softmax("i4", 1, 1, 8, 10), _softmax("i4", 5, 33, 15, 18), _softmax("i4", 9, 4000, 12, 15),
        _softmax("i8", 3, 20, 20, 30), _softmax("i4", 4, 9, 0, 4),
    ],
}
