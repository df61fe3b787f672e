"""AlexNet with a batch norm behind every product but the last, for training from scratch in few bits.

Weights of few bits need a norm, or their sums grow or vanish from layer to layer. Blocks are product,
[pool], batch norm, ReLU, as in BNN's networks, so that a norm sees no number that its pool drops.
"""

from ..layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Sequential
from .blocks import block, scaled


def imagenet(classes, width=1):
    """Caffe's two towers as groups, 96-256-384-384-256 channels, norms in the place of its LRN."""
    def even(channels):
        return 2 * c(channels // 2)

    c = scaled(width)
    return Sequential(
        *_conv(even(96), 11, pooled=True, stride=4),
        *_conv(even(256), 5, pooled=True, padding=2, groups=2),
        *_conv(even(384), 3, padding=1),
        *_conv(even(384), 3, padding=1, groups=2),
        *_conv(even(256), 3, pooled=True, padding=1, groups=2),
        *_classifier(c(4096), classes),
    )


def cifar(classes, width=1):
    """The same channels for 32x32 images, ungrouped: 15, 7 and 3 pixels behind the pools, 2x1024FC."""
    c = scaled(width)
    return Sequential(
        *_conv(c(96), 5, pooled=True, padding=2),
        *_conv(c(256), 5, pooled=True, padding=2),
        *_conv(c(384), 3, padding=1),
        *_conv(c(384), 3, padding=1),
        *_conv(c(256), 3, pooled=True, padding=1),
        *_classifier(c(1024), classes),
    )


def _conv(channels, kernel_size, pooled=False, **settings):
    pool = [MaxPool2d(3, 2)] if pooled else []
    return block(Conv2d(channels, kernel_size, **settings), *pool, BatchNorm2d())


def _classifier(units, classes):
    hidden = [layer for _ in range(2) for layer in block(Linear(units), BatchNorm2d())]
    return [Flatten(), *hidden, Linear(classes, bias=True)]
