"""Models: a name, a list of layers, and how its paper trains it. One line each in `MODELS`.

Those below carry the names of published weights; the others, of no published weights, are trained
from scratch: those of WAGE and QNN (zoo.py, recurrent.py), AlexNets with batch norm (alexnet_bn.py).

    name                            weights as published by            parameters in millions
    resnet20 .. resnet110           CIFAR-10 nets with option A        0.27 0.46 0.66 0.85 1.73
    resnet18 34 50 152              torchvision                        11.7 21.8 25.6 60.2
    vgg16, vgg16bn                  torchvision                        138.4
    densenet161                     torchvision                        28.7
    inception-v3                    torchvision, 299x299               23.8 without its side branch
    bn-inception                    Caffe, as converted for PyTorch    11.3
    googlenet                       torchvision, batch norm            6.6
    googlenet-lrn                   Caffe, LRN                         7.0
    alexnet-tv                      torchvision                        61.1
    alexnet-grouped                 Caffe, groups and LRN, 227x227     61.0
    squeezenet1_0, squeezenet1_1    torchvision                        1.25 1.24
"""

from dataclasses import dataclass
from fractions import Fraction

from ..errors import RangeError, UnknownNameError
from ..data.preprocessing import IMAGENET, Preprocessing
from . import (
    alexnet, alexnet_bn, bn_inception, densenet, googlenet, inception, recurrent, resnet,
    squeezenet, vgg, zoo,
)


@dataclass(frozen=True)
class Model:
    """A network and its paper's recipe.

    layers : function (classes, width) -> Sequential
    input_shape : (C, H, W) the paper uses; data of other sizes is taken as it comes, unless
        `fixed_size` says that images are brought to this size.
    schedule : ((epochs done, divisor of the learning rate), ...)
    rate_divisor : the scheme's default rate is divided by this.
    text : "words" or "characters" of a text that it reads in windows, input_shape (T,); or "".
    preprocessing : what its published weights expect of an image, or None where there are none.
    """

    layers: object
    input_shape: tuple
    loss: str = "sse"
    epochs: int = 300
    batch_size: int = 128
    schedule: tuple = ((200, 8), (250, 64))
    rate_divisor: int = 1
    fixed_size: bool = False
    preprocessing: object = None
    text: str = ""

    @property
    def classes(self):
        """How many there are where no data say it: of ImageNet, of the Penn Treebank, else 10."""
        return {"words": 10_000, "characters": 50}.get(self.text, 1000 if self.fixed_size else 10)


def _imagenet(layers, preprocessing, size=224):
    """A network for ImageNet, trained from scratch as WAGE's AlexNet is."""
    return Model(
        layers, (3, size, size), loss="softmax", epochs=70, batch_size=64,
        schedule=((60, 8), (65, 64)), rate_divisor=2, fixed_size=True, preprocessing=preprocessing,
    )


def _caffe(mean, size, crop):
    """Grey levels, blue first, each less its mean."""
    mean = tuple(Fraction(level, 255) for level in mean)
    return Preprocessing(size, crop, "bgr", mean, (Fraction(1, 255),) * 3)


TORCH = Preprocessing(256, 224, **IMAGENET)
HALF = dict(mean=("0.5",) * 3, std=("0.5",) * 3)        # of nets that came from TensorFlow
CAFFE_MEAN = 104, 117, 123
CIFAR = Preprocessing(**IMAGENET)


MODELS = {
    "mlp": Model(zoo.mlp, (1, 28, 28)),
    "mlp-4096": Model(zoo.mlp4096, (1, 28, 28)),
    "lenet": Model(zoo.lenet, (1, 28, 28)),
    "vgg7": Model(zoo.vgg7, (3, 32, 32)),
    "svhn": Model(zoo.svhn, (3, 32, 32), epochs=40, schedule=((27, 8), (34, 64))),
    "bnn-cifar10": Model(zoo.bnn_cifar10, (3, 32, 32)),
    "bnn-svhn": Model(zoo.bnn_svhn, (3, 32, 32), epochs=40, schedule=((27, 8), (34, 64))),
    "alexnet": Model(
        zoo.alexnet, (3, 224, 224), loss="softmax", epochs=70, batch_size=64,
        schedule=((60, 8), (65, 64)), rate_divisor=2, fixed_size=True,
    ),
    "alexnet-bn": _imagenet(alexnet_bn.imagenet, None, 227),
    "alexnet-cifar": Model(alexnet_bn.cifar, (3, 32, 32)),
    "ptb-lstm": Model(recurrent.lstm, (32,), loss="softmax", batch_size=32, text="words"),
    "ptb-gru": Model(recurrent.gru, (32,), loss="softmax", batch_size=32, text="words"),
    "ptb-rnn": Model(recurrent.rnn, (50,), loss="softmax", batch_size=32, rate_divisor=8,
                     text="characters"),
    **{f"resnet{depth}": Model(resnet.cifar(depth), (3, 32, 32), preprocessing=CIFAR)
       for depth in (20, 32, 44, 56, 110)},
    "resnet18": _imagenet(resnet.resnet18, TORCH),
    "resnet34": _imagenet(resnet.resnet34, TORCH),
    "resnet50": _imagenet(resnet.resnet50, TORCH),
    "resnet152": _imagenet(resnet.resnet152, TORCH),
    "vgg16": _imagenet(vgg.vgg16, TORCH),
    "vgg16bn": _imagenet(vgg.vgg16bn, TORCH),
    "densenet161": _imagenet(densenet.densenet161, TORCH),
    "inception-v3": _imagenet(inception.inception_v3, Preprocessing(342, 299, **HALF), 299),
    "bn-inception": _imagenet(bn_inception.bn_inception, _caffe((104, 117, 128), 256, 224)),
    "googlenet": _imagenet(googlenet.googlenet, Preprocessing(256, 224, **HALF)),
    "googlenet-lrn": _imagenet(googlenet.with_lrn, _caffe(CAFFE_MEAN, 256, 224)),
    "alexnet-tv": _imagenet(alexnet.torchvision, TORCH),
    "alexnet-grouped": _imagenet(alexnet.grouped, _caffe(CAFFE_MEAN, 256, 227), 227),
    "squeezenet1_0": _imagenet(squeezenet.squeezenet1_0, TORCH),
    "squeezenet1_1": _imagenet(squeezenet.squeezenet1_1, TORCH),
}


def find_model(name):
    """The entry of `MODELS`, or UnknownNameError with the near names."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


def make_layers(name, classes, width=1):
    """The layers of a named model, not yet built."""
    if not 0 < width <= 16:
        raise RangeError(f"width must be above 0 and at most 16, got {width}")
    if classes < 1:
        raise RangeError(f"a model needs at least one class, got {classes}")
    return find_model(name).layers(classes, width)


__all__ = ["MODELS", "Model", "find_model", "make_layers"]
