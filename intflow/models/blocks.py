"""What the networks are built of: products with what follows them, scaled channels.

Lingo: c(n) is n channels of the published network, times the width asked for. The strings are the
names of the published tensors; see `layers.named`.
"""

from ..layers import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Requantize, named


def scaled(width):
    """The function c: channels times width, to the nearest number from 1.

    Examples
    --------
    scaled(Fraction(1, 2))(96): 48.
    """
    return lambda channels: max(1, round(channels * width))


def block(*products):
    """Products with what follows them (batch norm, pool), then ReLU and the narrowing [A]."""
    return [*products, ReLU(), Requantize()]


def conv(source, channels, kernel_size, **settings):
    """A convolution with bias and the name of its published tensors."""
    return named(source, Conv2d(channels, kernel_size, bias=True, **settings))


def normalised(conv_source, norm_source, channels, kernel_size, epsilon="1/100000", bias=False,
               **settings):
    """[convolution, batch norm] with the names of their published tensors."""
    return [
        named(conv_source, Conv2d(channels, kernel_size, bias=bias, **settings)),
        named(norm_source, BatchNorm2d(epsilon)),
    ]


def linear(source, features):
    """A fully connected layer with bias and the name of its published tensors."""
    return named(source, Linear(features, bias=True))


def mean_and_classify(source, classes):
    """Global average, kept 6 bits below the step of its inputs and narrowed once; classifier.

    Over 8 x 8 pixels these 6 bits make the average the sum itself.
    """
    return [AvgPool2d(guard_bits=6), Requantize(), Flatten(), linear(source, classes)]
