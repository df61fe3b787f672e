"""BN-Inception (Ioffe and Szegedy, 2015), as published for Caffe and PyTorch.

Convolutions have a bias and a batch norm. Modules 3c and 4e halve the image: they have no 1x1
branch, and their pool goes through as it is.
"""

from ..layers import AvgPool2d, Concatenate, MaxPool2d, ReLU, Requantize, Sequential
from .blocks import block, mean_and_classify, normalised, scaled

# Channels of: 1x1; 3x3 reduced, 3x3; double 3x3 reduced, double 3x3; behind the pool.
MODULES = {
    "3a": (64, 64, 64, 64, 96, 32), "3b": (64, 64, 96, 64, 96, 64),
    "3c": (0, 128, 160, 64, 96, 0),
    "4a": (224, 64, 96, 96, 128, 128), "4b": (192, 96, 128, 96, 128, 128),
    "4c": (160, 128, 160, 128, 160, 128), "4d": (96, 128, 192, 160, 192, 128),
    "4e": (0, 128, 192, 192, 256, 0),
    "5a": (352, 192, 320, 160, 224, 128), "5b": (352, 192, 320, 192, 224, 128),
}
MAX_POOLED = "5b"


def bn_inception(classes, width=1):
    """Ten modules, the 5x5 convolutions of GoogLeNet as two of 3x3."""
    c = scaled(width)

    def unit(source, channels, kernel_size, **settings):
        return normalised(source, f"{source}_bn", c(channels), kernel_size, bias=True, **settings)

    layers = [
        *block(*unit("conv1_7x7_s2", 64, 7, stride=2, padding=3), MaxPool2d(3, 2, ceil=True)),
        *block(*unit("conv2_3x3_reduce", 64, 1)),
        *block(*unit("conv2_3x3", 192, 3, padding=1), MaxPool2d(3, 2, ceil=True)),
    ]
    for name, channels in MODULES.items():
        branches = _branches(f"inception_{name}", channels, name == MAX_POOLED, unit)
        layers += [Concatenate(*branches), ReLU(), Requantize()]
    return Sequential(*layers, *mean_and_classify("last_linear", classes))


def _branches(source, channels, max_pooled, unit):
    one, reduced, three, double_reduced, double, projected = channels
    stride = 1 if one else 2
    branches = [unit(f"{source}_1x1", one, 1)] if one else []
    branches += [
        [*block(*unit(f"{source}_3x3_reduce", reduced, 1)),
         *unit(f"{source}_3x3", three, 3, stride=stride, padding=1)],
        [*block(*unit(f"{source}_double_3x3_reduce", double_reduced, 1)),
         *block(*unit(f"{source}_double_3x3_1", double, 3, padding=1)),
         *unit(f"{source}_double_3x3_2", double, 3, stride=stride, padding=1)],
    ]
    if not one:
        return [*branches, [MaxPool2d(3, 2, ceil=True)]]
    pool = [MaxPool2d(3, 1, padding=1)] if max_pooled else [AvgPool2d(3, 1, padding=1)]
    return [*branches, [*pool, *unit(f"{source}_pool_proj", projected, 1)]]
