"""From a Config to everything a run needs: data, rates, a Trainer."""

from dataclasses import dataclass, replace
from fractions import Fraction

from ..data import open_dataset
from ..data.augment import rule_named
from ..device.device import Device
from ..errors import UsageError
from ..models import find_model
from ..quantizers import make_scheme
from .config import Config
from .schedule import format_schedule, parse_rate, parse_schedule
from .trainer import Trainer

AUGMENT = {"cifar10": "crop_flip", "cifar100": "crop_flip", "svhn": "crop"}
PICTURE_SIZE = (256, 256)       # pictures in folders come in this size, to be cropped
PUBLISHED = "published"         # in the place of an augmentation: images as the weights expect them
SAMPLE_EPOCHS = {"alexnet": 2}      # minutes on two cores without matrix units


@dataclass
class Setup:
    """A resolved run. `config` has every value filled in; `schedule` is parsed."""

    config: Config
    dataset: object
    input_shape: tuple
    trainer: Trainer
    schedule: tuple


def prepare(config):
    """Open the data, fill in the defaults, build the network.

    Raises
    ------
    IntflowError : one line, for whatever does not fit.
    """
    model = find_model(config.model)
    device = Device.read(config.device) if config.device else None
    config = replace(config, device=device.to_toml() if device else "")
    scheme = make_scheme(config.scheme, config.bits)
    dataset = open_dataset(config.data or None, config.data_dir or None)
    input_shape = input_shape_for(model, dataset)
    config = _fill_in(config, model, scheme, dataset)
    schedule = parse_schedule(config.schedule)
    for rate in (parse_rate(config.lr), *(rate for _, rate in schedule)):
        scheme.check_rate(rate)
    rule_named(config.augment)
    for name, least in (("epochs", 1), ("batch_size", 1), ("threads", 0), ("max_steps", 0)):
        if getattr(config, name) < least:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} starts at {least}, got {getattr(config, name)}")
    if config.batch_size > len(dataset.train):
        raise UsageError(
            f"--batch-size {config.batch_size} is more than the {len(dataset.train)} training images "
            f"of {dataset.name}; use a smaller one"
        )
    return Setup(
        config, dataset, input_shape, make_trainer(config, dataset, input_shape), schedule
    )


def make_trainer(config, dataset, input_shape):
    """The Trainer of a filled-in Config."""
    return Trainer(
        config.model, config.bits, config.scheme, input_shape=input_shape,
        classes=len(dataset.classes), width=parse_width(config.width), loss=config.loss,
        encoding=dataset.encoding, lr=parse_rate(config.lr), seed=config.seed,
        batch_size=config.batch_size, threads=config.threads or None, backend=config.backend,
        device=config.device or None,
    )


def input_shape_for(model, dataset):
    """The data's own shape; for the sample and for pictures, which are brought to size, the model's.

    Grey images are given the model's channels, others keep theirs.
    """
    channels, *size = dataset.shape
    if not is_brought_to_size(dataset):
        return (channels, *size)
    return (model.input_shape[0] if channels == 1 else channels, *model.input_shape[1:])


def rule_of(config):
    """What makes the images of a run: the name of an augmentation, or the model's preprocessing."""
    return find_model(config.model).preprocessing if config.augment == PUBLISHED else config.augment


def is_brought_to_size(dataset):
    """Whether images are resized or cropped to what the model expects."""
    return dataset.is_sample or tuple(dataset.shape[1:]) == PICTURE_SIZE


def _augment(dataset):
    if tuple(dataset.shape[1:]) == PICTURE_SIZE:
        return "image_folder"
    return AUGMENT.get(dataset.name, "none")


def _fill_in(config, model, scheme, dataset):
    first = parse_rate(config.lr) if config.lr else scheme.default_rate() / model.rate_divisor
    schedule = config.schedule
    if not schedule and not config.lr:
        schedule = format_schedule((epoch, first / d) for epoch, d in model.schedule)
    return replace(
        config,
        bits=str(scheme.bits),
        data=config.data or dataset.name,
        epochs=config.epochs or (SAMPLE_EPOCHS.get(config.model, 5) if dataset.is_sample else model.epochs),
        batch_size=config.batch_size or model.batch_size,
        lr=str(first),
        schedule=format_schedule(parse_schedule(schedule)),
        loss=config.loss or model.loss,
        augment=config.augment or _augment(dataset),
        counters=config.counters or bool(config.device),
    )


def parse_width(text):
    """"2", "1.3" or "1/2" as an exact Fraction; UsageError for anything else."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f'--width takes a number such as 2 or 1.3, got "{text}"')
