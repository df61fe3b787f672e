"""The networks of the papers, as lists of layers.

One block of WAGE is product, [pool], ReLU, Requantize; the last product stays wide but in `lenet`.
"""

from ..layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, Requantize, Sequential
from .blocks import block, scaled


def mlp(classes, width=1):
    """Three hidden layers of 2048 units."""
    units = scaled(width)(2048)
    hidden = [layer for _ in range(3) for layer in block(Linear(units))]
    return Sequential(Flatten(), *hidden, Linear(classes))


def lenet(classes, width=1):
    """32C5-MP2-64C5-MP2-512FC, no padding: WAGE's net for MNIST.

    The authors' code of this net quantises the outputs too, that of their later nets does not.
    """
    c = scaled(width)
    return Sequential(
        *block(Conv2d(c(32), 5), MaxPool2d(2)),
        *block(Conv2d(c(64), 5), MaxPool2d(2)),
        Flatten(),
        *block(Linear(c(512))),
        Linear(classes), Requantize(),
    )


def mlp4096(classes, width=1):
    """Three hidden layers of 4096 units: BNN's net for MNIST."""
    return mlp(classes, 2 * width)


def bnn_cifar10(classes, width=1):
    """2x(128C3)-MP2-2x(256C3)-MP2-2x(512C3)-MP2-2x1024FC with batch norms: BNN's net for CIFAR-10."""
    return _bnn((128, 256, 512), classes, scaled(width))


def bnn_svhn(classes, width=1):
    """`bnn_cifar10` with half the filters; the hidden layers keep their 1024 units."""
    return _bnn((64, 128, 256), classes, scaled(width))


def _bnn(filters, classes, c):
    """Blocks of product, [pool], batch norm, activation."""
    layers = []
    for channels in filters:
        for pool in [], [MaxPool2d(2)]:
            layers += block(Conv2d(c(channels), 3, padding="same"), *pool, BatchNorm2d())
    hidden = [layer for _ in range(2) for layer in block(Linear(c(1024)), BatchNorm2d())]
    return Sequential(*layers, Flatten(), *hidden, Linear(classes), BatchNorm2d())


def vgg7(classes, width=1):
    """2x(128C3)-MP2-2x(256C3)-MP2-2x(512C3)-MP2-1024FC: WAGE's net for CIFAR-10."""
    c = scaled(width)
    layers = []
    for channels in (128, 256, 512):
        layers += block(Conv2d(c(channels), 3, padding="same"))
        layers += block(Conv2d(c(channels), 3, padding="same"), MaxPool2d(2))
    return Sequential(*layers, Flatten(), *block(Linear(c(1024))), Linear(classes))


def svhn(classes, width=1):
    """`vgg7` with half the channels."""
    return vgg7(classes, width / 2)


def alexnet(classes, width=1):
    """96C11/4-MP3/2-256C5-MP3/2-384C3-384C3-256C3-MP3/2-2x4096FC, ungrouped: WAGE's net for ImageNet."""
    c = scaled(width)
    pool = dict(kernel_size=3, stride=2)
    return Sequential(
        *block(Conv2d(c(96), 11, stride=4, padding="same"), MaxPool2d(**pool)),
        *block(Conv2d(c(256), 5, padding="same"), MaxPool2d(**pool)),
        *block(Conv2d(c(384), 3, padding="same")),
        *block(Conv2d(c(384), 3, padding="same")),
        *block(Conv2d(c(256), 3, padding="same"), MaxPool2d(**pool)),
        Flatten(),
        *block(Linear(c(4096))),
        *block(Linear(c(4096))),
        Linear(classes),
    )
