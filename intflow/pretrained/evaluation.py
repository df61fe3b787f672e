"""From a file of published weights and a data set to a network that `eval` measures."""

from dataclasses import replace

from ..data import open_dataset
from ..device.device import Device
from ..errors import ShapeError
from ..kernels import load
from ..training.setup import PUBLISHED, parse_width
from ..training.trainer import scheme_on
from .convert import calibration_images, convert, require_published
from .readers import read_weights

BATCH_SIZE = 100        # of evaluations; the proofs of products that are never made ask for one


def open_published(config, path):
    """A converted network and the data to measure it on.

    Parameters
    ----------
    config : Config with model, bits, scheme, data, data_dir and device; the rest is filled in.
    path : file of published weights.

    Returns
    -------
    (Trainer, Dataset, Config); the Config with all that a checkpoint needs.

    Raises
    ------
    IntflowError : one line, for files, names, formats and data that do not fit.
    """
    device = Device.read(config.device) if config.device else None
    scheme = scheme_on(device, config.scheme, config.bits, config.scheme_options)
    require_published(config.model, scheme)
    tensors = read_weights(path)
    dataset = open_dataset(config.data or None, config.data_dir or None)
    kernels = load(config.backend, config.threads or None)
    images = calibration_images(config.model, dataset, kernels)
    trainer = convert(config.model, tensors, scheme, images, kernels=kernels,
                      width=parse_width(config.width), batch_size=BATCH_SIZE, seed=config.seed,
                      device=device)
    if len(dataset.classes) > trainer.network.classes:
        raise ShapeError(
            f"{dataset.name} has {len(dataset.classes)} classes, the weights tell "
            f"{trainer.network.classes} apart; name the data they were trained for")
    config = replace(config, bits=str(scheme.bits), scheme_options=scheme.options_text(), data=config.data or dataset.name,
                     batch_size=BATCH_SIZE, loss=scheme.loss, augment=PUBLISHED,
                     device=device.to_toml() if device else "")
    return trainer, dataset, config


def save_published(path, trainer, dataset, config):
    """Write a checkpoint of a converted network, which `eval`, `predict` and `export` open."""
    names = list(dataset.classes)
    names += [str(n) for n in range(len(names), trainer.network.classes)]
    trainer.save(
        path, config=config.to_toml(), class_names="\n".join(names), encoding=trainer.encoder.name,
        input_shape=",".join(map(str, trainer.network.input_shape)))
