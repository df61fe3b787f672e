"""VGG-16 (Simonyan and Zisserman, 2015), without and with batch norm, as in torchvision."""

from ..layers import Flatten, MaxPool2d, Sequential
from .blocks import block, conv, linear, normalised, scaled

GROUPS = (64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)


def vgg16(classes, width=1):
    """13 convolutions of 3x3, three fully connected layers."""
    return _vgg(classes, width, batch_norm=False)


def vgg16bn(classes, width=1):
    """`vgg16` with a batch norm behind every convolution."""
    return _vgg(classes, width, batch_norm=True)


def _vgg(classes, width, batch_norm):
    """The numbers in the names count convolutions, norms, ReLUs and pools."""
    c, layers, index = scaled(width), [], 0
    for group in GROUPS:
        for number, channels in enumerate(group, 1):
            names = f"features.{index}", f"features.{index + 1}"
            if batch_norm:
                product = normalised(*names, c(channels), 3, padding=1, bias=True)
            else:
                product = [conv(names[0], c(channels), 3, padding=1)]
            last = number == len(group)
            layers += block(*product, *([MaxPool2d(2)] if last else []))
            index += 2 + batch_norm + last
    return Sequential(
        *layers, Flatten(),
        *block(linear("classifier.0", c(4096))),
        *block(linear("classifier.3", c(4096))),
        linear("classifier.6", classes),
    )
