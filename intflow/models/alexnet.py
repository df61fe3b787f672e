"""AlexNet as published with weights: torchvision's, and Caffe's with groups and LRN.

WAGE's AlexNet, wider and without either, stands in zoo.py.
"""

from ..layers import Flatten, LocalResponseNorm, MaxPool2d, Requantize, Sequential
from .blocks import block, conv, linear, scaled


def torchvision(classes, width=1):
    """One tower of 64-192-384-256-256 channels (Krizhevsky, 2014)."""
    c = scaled(width)
    return Sequential(
        *block(conv("features.0", c(64), 11, stride=4, padding=2), MaxPool2d(3, 2)),
        *block(conv("features.3", c(192), 5, padding=2), MaxPool2d(3, 2)),
        *block(conv("features.6", c(384), 3, padding=1)),
        *block(conv("features.8", c(256), 3, padding=1)),
        *block(conv("features.10", c(256), 3, padding=1), MaxPool2d(3, 2)),
        Flatten(),
        *block(linear("classifier.1", c(4096))),
        *block(linear("classifier.4", c(4096))),
        linear("classifier.6", classes),
    )


def grouped(classes, width=1):
    """Two towers as groups, local response normalisation before the first two pools (Caffe)."""
    c = scaled(width)

    def even(channels):
        return 2 * c(channels // 2)

    return Sequential(
        *block(conv("conv1", even(96), 11, stride=4)), *_normalise(),
        *block(conv("conv2", even(256), 5, padding=2, groups=2)), *_normalise(),
        *block(conv("conv3", even(384), 3, padding=1)),
        *block(conv("conv4", even(384), 3, padding=1, groups=2)),
        *block(conv("conv5", even(256), 3, padding=1, groups=2), MaxPool2d(3, 2)),
        Flatten(),
        *block(linear("fc6", c(4096))),
        *block(linear("fc7", c(4096))),
        linear("fc8", classes),
    )


def _normalise():
    return [LocalResponseNorm(5), MaxPool2d(3, 2), Requantize()]
