"""Inception-v3 (Szegedy et al., 2016), as in torchvision, for images of 299x299.

The classifier beside module 6e serves training alone and is left out.
"""

from ..layers import AvgPool2d, Concatenate, MaxPool2d, ReLU, Requantize, Sequential
from .blocks import block, mean_and_classify, normalised, scaled

ROW, COLUMN = dict(kernel_size=(1, 7), padding=(0, 3)), dict(kernel_size=(7, 1), padding=(3, 0))
SHORT_ROW = dict(kernel_size=(1, 3), padding=(0, 1))
SHORT_COLUMN = dict(kernel_size=(3, 1), padding=(1, 0))
SQUARE, HALVING = dict(kernel_size=3, padding=1), dict(kernel_size=3, stride=2)
ONE = dict(kernel_size=1)


def inception_v3(classes, width=1):
    """Five convolutions, eleven modules of five kinds."""
    c = scaled(width)

    def unit(source, channels, settings):
        return normalised(f"{source}.conv", f"{source}.bn", c(channels), epsilon="1/1000", **settings)

    def chain(source, *units):
        """Units one after the other, narrowed between them."""
        *first, last = [unit(f"{source}{name}", *rest) for name, *rest in units]
        return [*(layer for products in first for layer in block(*products)), *last]

    layers = [
        *block(*unit("Conv2d_1a_3x3", 32, HALVING)),
        *block(*unit("Conv2d_2a_3x3", 32, dict(kernel_size=3))),
        *block(*unit("Conv2d_2b_3x3", 64, SQUARE), MaxPool2d(3, 2)),
        *block(*unit("Conv2d_3b_1x1", 80, ONE)),
        *block(*unit("Conv2d_4a_3x3", 192, dict(kernel_size=3)), MaxPool2d(3, 2)),
    ]
    for name, kind, *numbers in MODULES:
        branches = kind(lambda *units, source=f"{name}.": chain(source, *units), *numbers)
        layers += [Concatenate(*branches), ReLU(), Requantize()]
    return Sequential(*layers, *mean_and_classify("fc", classes))


def _averaged(chain, channels):
    return [AvgPool2d(3, 1, padding=1), *chain(("branch_pool", channels, ONE))]


def _five(chain, pooled):
    """35x35 pixels: 1x1, 5x5, two 3x3, pool."""
    return (
        chain(("branch1x1", 64, ONE)),
        chain(("branch5x5_1", 48, ONE), ("branch5x5_2", 64, dict(kernel_size=5, padding=2))),
        chain(("branch3x3dbl_1", 64, ONE), ("branch3x3dbl_2", 96, SQUARE),
              ("branch3x3dbl_3", 96, SQUARE)),
        _averaged(chain, pooled),
    )


def _to_seventeen(chain):
    """35x35 to 17x17 pixels."""
    return (
        chain(("branch3x3", 384, HALVING)),
        chain(("branch3x3dbl_1", 64, ONE), ("branch3x3dbl_2", 96, SQUARE),
              ("branch3x3dbl_3", 96, HALVING)),
        [MaxPool2d(3, 2)],
    )


def _seven(chain, inner):
    """17x17 pixels: 7x7 as rows and columns, once and twice."""
    return (
        chain(("branch1x1", 192, ONE)),
        chain(("branch7x7_1", inner, ONE), ("branch7x7_2", inner, ROW),
              ("branch7x7_3", 192, COLUMN)),
        chain(("branch7x7dbl_1", inner, ONE), ("branch7x7dbl_2", inner, COLUMN),
              ("branch7x7dbl_3", inner, ROW), ("branch7x7dbl_4", inner, COLUMN),
              ("branch7x7dbl_5", 192, ROW)),
        _averaged(chain, 192),
    )


def _to_eight(chain):
    """17x17 to 8x8 pixels."""
    return (
        chain(("branch3x3_1", 192, ONE), ("branch3x3_2", 320, HALVING)),
        chain(("branch7x7x3_1", 192, ONE), ("branch7x7x3_2", 192, ROW),
              ("branch7x7x3_3", 192, COLUMN), ("branch7x7x3_4", 192, HALVING)),
        [MaxPool2d(3, 2)],
    )


def _eight(chain):
    """8x8 pixels: rows and columns of 3 side by side."""
    return (
        chain(("branch1x1", 320, ONE)),
        [*block(*chain(("branch3x3_1", 384, ONE))), _split(chain, "branch3x3_2")],
        [*block(*chain(("branch3x3dbl_1", 448, ONE), ("branch3x3dbl_2", 384, SQUARE))),
         _split(chain, "branch3x3dbl_3")],
        _averaged(chain, 192),
    )


def _split(chain, name):
    return Concatenate(chain((f"{name}a", 384, SHORT_ROW)), chain((f"{name}b", 384, SHORT_COLUMN)))


MODULES = (
    ("Mixed_5b", _five, 32), ("Mixed_5c", _five, 64), ("Mixed_5d", _five, 64),
    ("Mixed_6a", _to_seventeen),
    ("Mixed_6b", _seven, 128), ("Mixed_6c", _seven, 160), ("Mixed_6d", _seven, 160),
    ("Mixed_6e", _seven, 192),
    ("Mixed_7a", _to_eight),
    ("Mixed_7b", _eight), ("Mixed_7c", _eight),
)
