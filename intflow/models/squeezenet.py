"""SqueezeNet 1.0 and 1.1 (Iandola et al., 2016), as in torchvision.

The classifier is a 1x1 convolution; its ReLU and the global average stay wide.
"""

from ..layers import AvgPool2d, Concatenate, Flatten, MaxPool2d, ReLU, Requantize, Sequential
from .blocks import block, conv, scaled

# Squeezed and expanded channels of the eight fires; the second number stands for 1x1 and 3x3.
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))


def squeezenet1_0(classes, width=1):
    """7x7 first, pools behind the third and the seventh fire."""
    return _squeezenet(classes, width, 96, 7, pooled=(2, 6))


def squeezenet1_1(classes, width=1):
    """3x3 first, pools behind the second and the fourth fire: less than half the work."""
    return _squeezenet(classes, width, 64, 3, pooled=(1, 3))


def _squeezenet(classes, width, channels, kernel_size, pooled):
    c, index = scaled(width), 3
    layers = block(conv("features.0", c(channels), kernel_size, stride=2), _pool())
    for number, (squeezed, expanded) in enumerate(FIRES):
        pools = [_pool()] if number in pooled else []
        layers += _fire(f"features.{index}", c(squeezed), c(expanded), pools)
        index += 1 + len(pools)
    return Sequential(
        *layers, conv("classifier.1", classes, 1), ReLU(), AvgPool2d(), Flatten()
    )


def _fire(source, squeezed, expanded, pools):
    """1x1 to few channels, then 1x1 and 3x3 side by side, narrowed as one."""
    return [
        *block(conv(f"{source}.squeeze", squeezed, 1)),
        Concatenate(
            conv(f"{source}.expand1x1", expanded, 1),
            conv(f"{source}.expand3x3", expanded, 3, padding=1),
        ),
        *pools, ReLU(), Requantize(),
    ]


def _pool():
    return MaxPool2d(3, 2, ceil=True)
