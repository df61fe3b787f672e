"""A run that begins from published weights."""

from functools import partial

from ..device.device import Device
from ..kernels import load
from ..training.setup import trainer_settings
from ..training.trainer import scheme_on
from .convert import calibration_images, convert, require_published
from .readers import read_weights


def from_weights(config):
    """Who makes the Trainer of a run: `make` of `training.setup.prepare`; None for random weights.

    config : Config; `weights` names the file.

    Raises
    ------
    WeightsError, UsageError : a file, model or scheme that does not fit; read before the data.
    """
    if not config.weights:
        return None
    device = Device.read(config.device) if config.device else None
    scheme = scheme_on(device, config.scheme, config.bits, config.scheme_options)
    require_published(config.model, scheme)
    scheme.tune()
    return partial(converted, scheme, read_weights(config.weights))


def converted(scheme, tensors, config, dataset, input_shape, group):
    """The Trainer of a filled-in Config, its weights out of `tensors`, ranges from training images."""
    kernels = load(config.backend, config.threads or group.threads)
    images = calibration_images(config.model, dataset, kernels)
    return convert(
        config.model, tensors, scheme, images, kernels=kernels, classes=len(dataset.classes),
        trains=True, group=group, device=Device.read(config.device) if config.device else None,
        **trainer_settings(config))
