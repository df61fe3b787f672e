"""GoogLeNet (Szegedy et al., 2015): torchvision's with batch norm, and Caffe's with LRN.

The branches of a module end wide, are aligned exactly, and are narrowed as one.
"""

from ..layers import Concatenate, LocalResponseNorm, MaxPool2d, ReLU, Requantize, Sequential
from .blocks import block, conv, mean_and_classify, normalised, scaled

# Channels of: 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; behind the pool.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}
POOLED = "3b", "4e"


def googlenet(classes, width=1):
    """With batch norm; its "5x5" convolutions are 3x3, as in the published weights."""
    c = scaled(width)

    def unit(source, channels, kernel_size, **settings):
        return normalised(f"{source}.conv", f"{source}.bn", c(channels), kernel_size, "1/1000",
                          **settings)

    def module(name, pool):
        source, n = f"inception{name}", MODULES[name]
        return _module(pool, (
            unit(f"{source}.branch1", n[0], 1),
            [*block(*unit(f"{source}.branch2.0", n[1], 1)),
             *unit(f"{source}.branch2.1", n[2], 3, padding=1)],
            [*block(*unit(f"{source}.branch3.0", n[3], 1)),
             *unit(f"{source}.branch3.1", n[4], 3, padding=1)],
            [MaxPool2d(3, 1, padding=1), *unit(f"{source}.branch4.1", n[5], 1)],
        ))

    pools = {"3b": MaxPool2d(3, 2, ceil=True), "4e": MaxPool2d(2, 2, ceil=True)}
    return Sequential(
        *block(*unit("conv1", 64, 7, stride=2, padding=3), MaxPool2d(3, 2, ceil=True)),
        *block(*unit("conv2", 64, 1)),
        *block(*unit("conv3", 192, 3, padding=1), MaxPool2d(3, 2, ceil=True)),
        *(layer for name in MODULES for layer in module(name, pools.get(name))),
        *mean_and_classify("fc", classes),
    )


def with_lrn(classes, width=1):
    """Without batch norm, with real 5x5 convolutions and local response normalisation (Caffe)."""
    c = scaled(width)

    def unit(source, channels, kernel_size, **settings):
        return [conv(source, c(channels), kernel_size, **settings)]

    def module(name, pool):
        source, n = f"inception_{name}", MODULES[name]
        return _module(pool, (
            unit(f"{source}.1x1", n[0], 1),
            [*block(*unit(f"{source}.3x3_reduce", n[1], 1)),
             *unit(f"{source}.3x3", n[2], 3, padding=1)],
            [*block(*unit(f"{source}.5x5_reduce", n[3], 1)),
             *unit(f"{source}.5x5", n[4], 5, padding=2)],
            [MaxPool2d(3, 1, padding=1), *unit(f"{source}.pool_proj", n[5], 1)],
        ))

    pools = {name: MaxPool2d(3, 2, ceil=True) for name in POOLED}
    return Sequential(
        *block(*unit("conv1.7x7_s2", 64, 7, stride=2, padding=3), MaxPool2d(3, 2, ceil=True)),
        LocalResponseNorm(5), Requantize(),
        *block(*unit("conv2.3x3_reduce", 64, 1)),
        *block(*unit("conv2.3x3", 192, 3, padding=1)),
        LocalResponseNorm(5), MaxPool2d(3, 2, ceil=True), Requantize(),
        *(layer for name in MODULES for layer in module(name, pools.get(name))),
        *mean_and_classify("loss3.classifier", classes),
    )


def _module(pool, branches):
    return [Concatenate(*branches), *([pool] if pool else []), ReLU(), Requantize()]
