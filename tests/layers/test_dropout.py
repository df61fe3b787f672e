"""Dropout: exact in training and in evaluation, drawn by the stream."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import oracle
from intflow.errors import RangeError
from intflow.formats import Fixed, Tensor
from intflow.kernels import load
from intflow.layers import Build, Dropout, Run, Spec
from intflow.quantizers import make_scheme

KERNELS = load("auto", 1)


@pytest.mark.parametrize("rate", ["1/4", "3/8", "0", "255/256"])
def test_dropout(rate):
    layer, scheme = Dropout(rate), make_scheme("qnn", None)
    layer.name, layer.number = "dropout_1", 4
    fmt = Fixed(8, 3, symmetric=True)
    spec = layer.build(Spec((7,), fmt), Build(scheme, KERNELS, 1, 3))
    codes = np.arange(-10, 11, dtype=np.int8).reshape(3, 7)
    run = Run(KERNELS, scheme, None, step=2, seed=11)
    x, rate = Tensor(codes, fmt, "NC"), Fraction(rate)
    size = rate.denominator
    y, saved = layer.forward(x, run)
    draws = [oracle.random_u32(11, "dropout", 2, 4, i) for i in range(21)]
    stays = [r * size >> 32 >= rate.numerator for r in draws]
    assert y.format == spec.format and y.format.step * size == fmt.step
    flat = codes.ravel().tolist()
    assert y.codes.ravel().tolist() == [size * v * s for v, s in zip(flat, stays)]
    below = layer.backward(Tensor(codes.astype(np.int32), Fixed(32, 0), "NC"), saved, run)
    assert below.codes.ravel().tolist() == [v * s for v, s in zip(flat, stays)]
    mean, _ = layer.forward(x, replace(run, keep=False))
    assert mean.values().ravel().tolist() == [v * (1 - rate) * fmt.step for v in flat]


@pytest.mark.parametrize("rate", ["1", "-1/4", "1/3", "1/512"])
def test_dropout_refuses(rate):
    with pytest.raises(RangeError, match="256"):
        Dropout(rate)
