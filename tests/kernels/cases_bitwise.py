"""Cases of the kernels of bits in words; see cases.py."""

import numpy as np

from kernels.cases import Case, codes, empty

SHAPES = (2, 3, 1), (2, 63), (1, 64), (3, 65), (2, 2, 200), (0, 70)
MANY = 300, 70          # rows enough for several tasks
WEIGHTS = (1, 1), (3, 2, 63, 5), (64, 17), (2, 130, 9), (400, 64)


def _words(shape):
    return empty((*shape[:-1], -(-shape[-1] // 64)), np.uint64)


def _columns(shape):
    return empty((*shape[:-2], -(-shape[-2] // 64), shape[-1]), np.uint64)


def _bits(rng, words, length, axis=-1):
    """Random words, no bit set behind the last element."""
    words = rng.integers(0, 2**64, words.shape, np.uint64)
    last = np.moveaxis(words, axis, -1)
    if length % 64:
        last[..., -1] &= np.uint64((1 << length % 64) - 1)
    return words


def _pack_rows(dtype, shape, bit, inverted):
    return Case(f"{dtype} {shape} {bit} {inverted}", lambda rng: [
        _words(shape), codes(rng, dtype, shape), bit, inverted])


def _pack_columns(dtype, shape, bit, inverted):
    return Case(f"{dtype} {shape} {bit} {inverted}", lambda rng: [
        _columns(shape), codes(rng, dtype, shape), bit, inverted])


def _unpack_rows(shape):
    return Case(str(shape), lambda rng: [
        empty(shape, "i1"), _bits(rng, _words(shape), shape[-1])])


def _unpack_columns(shape):
    return Case(str(shape), lambda rng: [
        empty(shape, "i1"), _bits(rng, _columns(shape), shape[-2], -2)])


def _binarize_masked(dtype, shape, limit):
    return Case(f"{dtype} {shape} {limit}", lambda rng: [
        _words(shape), _words(shape), codes(rng, dtype, shape), limit])


def _binarize_drawn(dtype, shape, limit, rshift):
    def make(rng):
        draws = rng.integers(0, 2**32, shape, np.uint32)
        draws.reshape(-1)[:2] = [0, 2**32 - 1][:draws.size]
        return [_words(shape), _words(shape), codes(rng, dtype, shape), limit, draws, rshift]

    return Case(f"{dtype} {shape} {limit} {rshift}", make)


def _binarize_above(dtype, shape):
    def make(rng):
        x, channels = codes(rng, dtype, shape), shape[-1]
        thresholds = codes(rng, dtype, channels).astype(np.int64)
        thresholds[:1] = 2**40
        if x.size:
            x.reshape(-1, channels)[0] = thresholds.astype(dtype)
        return [_words(shape), x, thresholds, rng.integers(0, 2, channels, np.uint8)]

    return Case(f"{dtype} {shape}", make)


def _apply_bits(dtype, shape):
    return Case(f"{dtype} {shape}", lambda rng: [
        empty(shape, dtype), codes(rng, dtype, shape), _bits(rng, _words(shape), shape[-1])])


CASES = {
    "pack_rows": [
        *(_pack_rows("i4", shape, 31, True) for shape in SHAPES),
        *(_pack_rows("u1", (3, 130), bit, False) for bit in (0, 7)),
        _pack_rows("i4", MANY, 31, True),
    ],
    "pack_columns": [
        *(_pack_columns("i2", shape, 15, True) for shape in WEIGHTS),
        _pack_columns("i2", (70, 65), 1, False),
    ],
    "unpack_rows": [_unpack_rows(shape) for shape in (*SHAPES, MANY)],
    "unpack_columns": [_unpack_columns(shape) for shape in WEIGHTS],
    "binarize_masked": [
        *(_binarize_masked("i4", shape, 1 << 8) for shape in (*SHAPES, MANY)),
        *(_binarize_masked("i8", (3, 70), limit) for limit in (0, 1, 2**63 - 1)),
    ],
    "binarize_drawn": [
        *(_binarize_drawn("i4", shape, 16, 27) for shape in (*SHAPES, MANY)),
        _binarize_drawn("i4", (3, 65), 1, 31), _binarize_drawn("i4", (3, 65), 2**30, 1),
    ],
    "binarize_above": [_binarize_above("i4", shape) for shape in (*SHAPES, MANY)],
    "apply_bits": [_apply_bits("i4", shape) for shape in (*SHAPES, MANY)],
}
