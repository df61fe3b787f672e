"""Residual networks (He et al., 2016): for ImageNet as in torchvision, for CIFAR with option A.

The sum of a block keeps the exact width of its branch; its ReLU and one Requantize narrow it. The next
block's convolutions read it through a Requantize of their own, so that a scheme may keep the sums
wider than the operands of products; where both have one format this changes nothing.
"""

from ..layers import MaxPool2d, ReLU, Requantize, Residual, Sequential, Subsample
from .blocks import block, mean_and_classify, normalised, scaled

STAGES = 64, 128, 256, 512
CIFAR_STAGES = 16, 32, 64


def resnet18(classes, width=1):
    """Two blocks of two 3x3 convolutions in every stage."""
    return _imagenet((2, 2, 2, 2), _basic, 1, classes, width)


def resnet34(classes, width=1):
    """Three to six blocks of two 3x3 convolutions in every stage."""
    return _imagenet((3, 4, 6, 3), _basic, 1, classes, width)


def resnet50(classes, width=1):
    """Bottlenecks; their stride stands at the 3x3 convolution, as in torchvision."""
    return _imagenet((3, 4, 6, 3), _bottleneck, 4, classes, width)


def resnet152(classes, width=1):
    """The deepest of the published ones."""
    return _imagenet((3, 8, 36, 3), _bottleneck, 4, classes, width)


def cifar(depth):
    """ResNet of `depth` = 6 n + 2 layers for 32x32 images; shortcuts have no weights (option A)."""
    def layers(classes, width=1):
        c = scaled(width)
        body, inputs = block(*normalised("conv1", "bn1", c(16), 3, padding=1)), c(16)
        for stage, channels in enumerate(CIFAR_STAGES, 1):
            for number in range((depth - 2) // 6):
                stride = 2 if stage > 1 and number == 0 else 1
                branch = _basic(f"layer{stage}.{number}", c(channels), None, stride)
                short = _option_a(inputs, c(channels), stride)
                body += [Residual(Requantize(), *branch, shortcut=short), ReLU(), Requantize()]
                inputs = c(channels)
        return Sequential(*body, *mean_and_classify("linear", classes))

    return layers


def _imagenet(counts, branch, expansion, classes, width):
    c = scaled(width)
    pool = MaxPool2d(3, 2, padding=1)
    body = block(*normalised("conv1", "bn1", c(64), 7, stride=2, padding=3), pool)
    inputs = c(64)
    for stage, (channels, count) in enumerate(zip(STAGES, counts), 1):
        outputs = c(channels * expansion)
        for number in range(count):
            source, stride = f"layer{stage}.{number}", 2 if stage > 1 and number == 0 else 1
            short = None
            if number == 0 and (stride > 1 or inputs != outputs):
                names = f"{source}.downsample.0", f"{source}.downsample.1"
                short = Sequential(Requantize(), *normalised(*names, outputs, 1, stride=stride))
            branches = branch(source, c(channels), outputs, stride)
            body += [Residual(Requantize(), *branches, shortcut=short), ReLU(), Requantize()]
        inputs = outputs
    return Sequential(*body, *mean_and_classify("fc", classes))


def _basic(source, channels, outputs, stride):
    """Two 3x3 convolutions."""
    return [
        *block(*_numbered(source, 1, channels, 3, stride=stride, padding=1)),
        *_numbered(source, 2, channels, 3, padding=1),
    ]


def _bottleneck(source, channels, outputs, stride):
    """1x1 to fewer channels, 3x3, 1x1 to four times as many."""
    return [
        *block(*_numbered(source, 1, channels, 1)),
        *block(*_numbered(source, 2, channels, 3, stride=stride, padding=1)),
        *_numbered(source, 3, outputs, 1),
    ]


def _numbered(source, number, channels, kernel_size, **settings):
    names = f"{source}.conv{number}", f"{source}.bn{number}"
    return normalised(*names, channels, kernel_size, **settings)


def _option_a(inputs, outputs, stride):
    """Every second pixel, the new channels zero, half of them on each side."""
    if stride == 1 and inputs == outputs:
        return None
    before = (outputs - inputs) // 2
    return Subsample(stride, before, outputs - inputs - before)
