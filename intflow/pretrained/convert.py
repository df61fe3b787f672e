"""A published network, once: fp32 numbers in, an integer network that can be evaluated out."""

import numpy as np

from ..data.resize import with_channels
from ..errors import UsageError
from ..kernels import load
from ..layers import Build, Spec
from ..models import find_model, make_layers
from ..quantizers import make_scheme
from ..training.encoder import Encoder
from ..training.network import Network, name_layers
from ..training.trainer import Trainer
from .calibrate import Calibration, Flow, Measurement
from .fold import input_format
from .match import match, plain_names
from ..quantizers.places import places_of
from .statistics import ManyBits

IMAGES, LARGE_IMAGES = 640, 64      # of a calibration batch; large ones from LARGE pixels a side
LARGE = 128


def convert(model, tensors, scheme, images, *, kernels=None, classes=None, width=1, batch_size=100,
            trains=False, **settings):
    """The network `model` with published weights, in integers.

    Parameters
    ----------
    model : name of `models.MODELS` with a `preprocessing`.
    tensors : {name: float32 array}, as `read_weights` gives them.
    scheme : Scheme that `converts`; its `formats` are filled here, so each network takes its own.
    images : u8 (N, C, H, W), as the model's preprocessing makes them. They decide the ranges of the
        activations; their labels are not asked for.
    kernels : Kernels; None for the best of this machine.
    classes : int; None for as many as the last tensor has.
    width, batch_size : as of Trainer; so are the other `settings`. The ranges are those of exact
        products.
    trains : whether the network will be trained, and stores what that takes.

    Returns
    -------
    Trainer; `evaluate`, `digest`, `save` as ever.

    Raises
    ------
    WeightsError : tensors that do not fit the model. UsageError : a model or scheme without
    published weights.
    """
    entry = find_model(model)
    preprocessing = require_published(model, scheme)
    kernels = kernels or load()
    if trains:
        scheme.tune()
    plan = _plan(model, entry, classes, width, tensors)
    published = match(plan.layers, tensors)
    shared = dict(classes=plan.classes, width=width)
    parameters = _calibrated(model, scheme, kernels, published, preprocessing, images, shared)
    trainer = Trainer(
        model, scheme=scheme, kernels=kernels, input_shape=images.shape[1:], batch_size=batch_size,
        encoding=preprocessing.encoding, **{"loss": scheme.loss, **settings, **shared})
    for parameter in trainer.network.parameters:
        parameter.master.codes[...] = parameters.pop(parameter.name).codes
    return trainer


def calibration_images(model, dataset, kernels):
    """The first training images, as the model's preprocessing makes them; labels are not read.

    Returns
    -------
    u8 (N, C, H, W); LARGE_IMAGES of them from LARGE pixels a side up, else IMAGES.
    """
    entry = find_model(model)
    channels, *size = entry.input_shape
    count = min(len(dataset.train), LARGE_IMAGES if max(size) >= LARGE else IMAGES)
    images = dataset.train.read(range(count), kernels.threads)
    return np.ascontiguousarray(
        with_channels(entry.preprocessing(images, None, size, kernels), channels))


def require_published(model, scheme):
    """The Preprocessing of a model; UsageError where it or the scheme takes no published weights."""
    preprocessing = find_model(model).preprocessing
    if preprocessing is None:
        raise UsageError(f"{model} has no published weights to read; choose a model such as "
                         "resnet20 or squeezenet1_1, or train it")
    if not scheme.converts:
        raise UsageError(f"the {scheme.name} scheme reads no published weights; use --scheme "
                         "float-weight or faq")
    return preprocessing


def _plan(model, entry, classes, width, tensors):
    """The network without kernels, for the tensors that it asks for; any scheme would do."""
    if classes is None:
        layers = make_layers(model, 1, width)
        last = [one for one in layers.walk() if one.source and one.kind != "batch_norm2d"][-1]
        weight = plain_names(tensors).get(f"{last.source}.weight")
        classes = len(weight) if weight is not None and weight.ndim else 1
    layers = make_layers(model, classes, width)
    return Network(layers, entry.input_shape, make_scheme("wage", "2888"), None, 1, 1)


def _calibrated(model, scheme, kernels, published, preprocessing, images, shared):
    """{parameter name: Tensor} after a pass over the images."""
    def walk(kind, scheme, *measured):
        layers = make_layers(model, **shared)
        name_layers(layers)
        build = Build(scheme, kernels, seed=1, batch_size=len(images))
        fmt = scheme.keep("input", input_format(preprocessing))
        x = Encoder(preprocessing.encoding, fmt).encode(kernels, images)
        walk = kind(published, preprocessing, build, places_of(layers), *measured)
        walk.visit(layers, Flow(Spec(images.shape[1:], fmt, True), x))
        return walk

    scheme.formats.clear()
    measured = None
    if scheme.corrects:
        measured = walk(Measurement, ManyBits("many")).moments
    parameters = walk(Calibration, scheme, measured).build.parameters
    return {parameter.name: parameter.master for parameter in parameters}
