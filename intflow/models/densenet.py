"""DenseNet-161 (Huang et al., 2017), as in torchvision.

Every layer adds channels to what all layers before it made. The channels so far are kept exact, at
the finest step among them; each layer reads them through its own batch norm and Requantize.
"""

from ..layers import (
    AvgPool2d, BatchNorm2d, Concatenate, Conv2d, Flatten, MaxPool2d, ReLU, Requantize, Sequential,
    named,
)
from .blocks import block, linear, normalised, scaled

COUNTS = 6, 12, 36, 24
GROWTH, BOTTLENECK = 48, 4


def densenet161(classes, width=1):
    """Four dense blocks of 6, 12, 36 and 24 layers, 48 new channels a layer."""
    c = scaled(width)
    pool = MaxPool2d(3, 2, padding=1)
    first = normalised("features.conv0", "features.norm0", c(96), 7, stride=2, padding=3)
    layers, channels = block(*first, pool), c(96)
    for number, count in enumerate(COUNTS, 1):
        for index in range(1, count + 1):
            source = f"features.denseblock{number}.denselayer{index}"
            layers.append(Concatenate([], _dense_layer(source, c(GROWTH))))
        channels += count * c(GROWTH)
        if number < len(COUNTS):
            channels //= 2
            layers += _transition(f"features.transition{number}", channels)
    return Sequential(
        *layers, _norm("features.norm5"), ReLU(), AvgPool2d(), Requantize(), Flatten(),
        linear("classifier", classes),
    )


def _dense_layer(source, growth):
    """1x1 to four times the growth, 3x3 to the growth; a norm before each."""
    bottleneck = normalised(f"{source}.conv1", f"{source}.norm2", BOTTLENECK * growth, 1)
    last = named(f"{source}.conv2", Conv2d(growth, 3, padding=1))
    return [*block(_norm(f"{source}.norm1")), *block(*bottleneck), last, Requantize()]


def _transition(source, channels):
    """Half the channels, a quarter of the pixels."""
    conv = named(f"{source}.conv", Conv2d(channels, 1))
    return [*block(_norm(f"{source}.norm")), conv, AvgPool2d(2), Requantize()]


def _norm(source):
    return named(source, BatchNorm2d())
