"""Small trainings that many workers make as one does: run alone by the test, and by every worker.

A case takes a group and returns what has to be equal, ready for JSON.
"""

from unittest.mock import patch

import numpy as np

from intflow import Counters, Trainer
from intflow.device.device import Device
from intflow.formats import Tensor
from intflow.layers import (
    AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Requantize, Residual,
    Sequential, named,
)
from intflow.data.preprocessing import Preprocessing
from intflow.kernels import load
from intflow.layers.layer import Layer
from intflow.models import MODELS, Model
from intflow.models.blocks import mean_and_classify
from intflow.pretrained.convert import convert
from intflow.quantizers import make_scheme
from intflow.training.evaluate import evaluate

SHAPE, CLASSES = (2, 8, 8), 4
SIZES = (7, 7, 5, 2, 1)     # of the batches: none of 2 and 3 divides 7, and 3 are more than 2 and 1
STOCHASTIC = {slot: "stochastic" for slot in ("weight", "activation", "error")}
TENSORS = {
    "conv.weight": (4, 2, 3, 3), **{f"bn.{name}": (4,) for name in (
        "weight", "bias", "running_mean", "running_var")},
    "fc.weight": (CLASSES, 4), "fc.bias": (CLASSES,),
}
REGISTER = {"kind": "lfsr", "width": 16, "taps": [16, 14, 13, 11], "lanes": 3}


def branching():
    """Overlapping pools, a residual, a global average: errors of many widths."""
    return Sequential(
        Conv2d(6, 3, padding=1), MaxPool2d(3, 2), ReLU(), Requantize(),
        Residual(Conv2d(6, 3, padding=1), ReLU(), Requantize(), Conv2d(6, 1)), ReLU(), Requantize(),
        AvgPool2d(), Flatten(), Linear(CLASSES),
    )


def published(classes, width=1):
    """With names of tensors in a file."""
    return Sequential(named("conv", Conv2d(4, 3, padding=1)), named("bn", BatchNorm2d()), ReLU(),
                      Requantize(), *mean_and_classify("fc", classes))


class Centred(Layer):
    """y = x - floor(mean of the batch), to ask a group for sums in the midst of a step."""

    kind = "centred"

    def build(self, spec, build):
        return spec

    def forward(self, x, run):
        codes = x.codes.astype(np.int64)
        counts = run.group.sum(np.array([codes.sum(), codes.size]))
        limit = x.format.maximum
        y = np.clip(codes - counts[0] // counts[1], -limit, limit)
        return Tensor(y.astype(x.codes.dtype), x.format, x.axes), None

    def backward(self, e, saved, run):
        return e


def centred():
    """With sums over the batch in the forward pass."""
    return Sequential(Conv2d(4, 3), Centred(), ReLU(), Requantize(), Flatten(), Linear(CLASSES))


def normed():
    """Batch norms and biases."""
    return Sequential(
        Conv2d(4, 3, padding=1, bias=True), BatchNorm2d(), ReLU(), Requantize(),
        Conv2d(5, 3), BatchNorm2d(), MaxPool2d(2), ReLU(), Requantize(),
        Flatten(), Linear(CLASSES, bias=True),
    )


def trained(group, layers, counters=False, **settings):
    """What a few steps gave: every result, and the digest."""
    return stepped(Trainer(layers(), input_shape=SHAPE, batch_size=max(SIZES), seed=3, threads=1,
                           backend="portable", group=group, **settings), counters)


def stepped(trainer, counters=False):
    """The same of a Trainer."""
    random, steps = np.random.default_rng(1), []
    for size in SIZES:
        images = random.integers(0, 256, (size, *SHAPE), np.uint8)
        labels = random.integers(0, CLASSES, size)
        counts = Counters() if counters else None
        result = trainer.step(images, labels, measure=True, counters=counts)
        steps.append([result.images, result.wrong, *result.loss, result.saturated,
                      counts and counts.to_dict()])
    return {"steps": steps, "digest": trainer.digest(), "test": tested(trainer)}


class Images:
    """A split of 130 images: two batches of an evaluation, one fewer than three workers."""

    shape, tokens = SHAPE, None
    labels = np.arange(130) % CLASSES

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """Images by index."""
        whole = np.random.default_rng(2).integers(0, 256, (len(self), *SHAPE), np.uint8)
        return whole[indices]


def tested(trainer):
    """An evaluation, without its seconds."""
    report = evaluate(trainer, Images(), "none")
    return {name: value for name, value in report.items() if name != "images_per_second"}


def stochastic(group):
    """All slots draw from the counter-based stream."""
    return trained(group, branching, device=Device(rounding=STOCHASTIC))


def shift_register(group):
    """All slots draw from one register each, whose lanes divide no batch."""
    return trained(group, branching, device=Device(rounding=STOCHASTIC, random=REGISTER))


def counted(group):
    """A device whose forward sums wrap, counted."""
    device = Device.read('[forward]\nbits = 10\noverflow = "wrap"\n')
    return trained(group, centred, counters=True, device=device)


def softmax(group):
    """Wide bits, the other loss."""
    return trained(group, branching, bits="W4A8G16E16", loss="softmax")


def narrow(group):
    """Sums of gradients that 16 bits hold."""
    return trained(group, centred, bits="W2A3G8E3", counters=True)


def signs(group):
    """QNN: shift batch norms, AdaMax."""
    return trained(group, normed, bits="1-1-6-6", scheme="qnn")


def broad():
    """So many outputs that errors behind their product take more than 32 bits."""
    return Sequential(Flatten(), Linear(8), ReLU(), Requantize(), Linear(600), ReLU(), Requantize(),
                      Linear(CLASSES))


def powers(group):
    """QNN with powers of two, the bound of its gradients, errors that are shortened."""
    return trained(group, broad, bits="5-4-16-16", scheme="qnn", options="quantizer=log")


def levels(group):
    """WRPN: integer batch norms, momentum."""
    return trained(group, normed, bits="2-4-16-16", scheme="wrpn")


def unnormed_levels(group):
    """WRPN without batch norms: multipliers of filters, biases."""
    return trained(group, branching, bits="1-2-8-8", scheme="wrpn")


def tuned(group, norm="trained"):
    """FAQ: a published network trained on."""
    model = Model(published, SHAPE, preprocessing=Preprocessing(
        mean=("1/2",) * SHAPE[0], std=("1/4",) * SHAPE[0]))
    random = np.random.default_rng(4)
    tensors = {name: random.normal(1 if name.endswith("var") else 0, 0.2, shape).astype(np.float32)
               for name, shape in TENSORS.items()}
    scheme = make_scheme("faq", "4-4-16-16", options={"batch_norm": norm})
    images = random.integers(0, 256, (8, *SHAPE), np.uint8)
    with patch.dict(MODELS, parallel=model):
        trainer = convert("parallel", tensors, scheme, images, kernels=load("portable", 1),
                          batch_size=max(SIZES), trains=True, lr="1/64", seed=3, group=group)
    return stepped(trainer)


def frozen(group):
    """FAQ with the statistics of its file."""
    return tuned(group, "frozen")


CASES = {case.__name__: case for case in (
    stochastic, shift_register, counted, softmax, narrow, signs, powers, levels, unnormed_levels,
    tuned, frozen)}
