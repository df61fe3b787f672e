"""From a Config to everything a run needs: data, rates, a Trainer."""

from dataclasses import dataclass, replace

from ..data import steps_per_epoch
from ..data.augment import rule_named
from ..device.device import Device
from ..errors import UsageError
from ..group import ALONE
from ..formats import exact
from ..models import find_model
from ..quantizers import make_scheme
from .config import Config
from .open_data import open_data
from .schedule import (
    format_schedule, latest, parse_batch_schedule, parse_rate, parse_schedule, rates_of,
)
from .trainer import Trainer, scheme_on

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
    schedule: object

    def batch_size_at(self, epochs_done):
        """Images of a batch after so many whole epochs."""
        return latest(epochs_done, self.config.batch_size, self._batch_sizes)

    @property
    def _batch_sizes(self):
        return parse_batch_schedule(self.config.batch_schedule)


def prepare(config, group=ALONE, make=None):
    """Open the data, fill in the defaults, build the network.

    Parameters
    ----------
    config : Config
    group : the workers that train it.
    make : function(config, dataset, input_shape, group) -> Trainer of the filled-in Config;
        `make_trainer` where it is left out.

    Raises
    ------
    IntflowError : one line, for whatever does not fit.
    """
    model = find_model(config.model)
    device = Device.read(config.device) if config.device else None
    config = replace(config, device=device.to_toml() if device else "")
    scheme = make_scheme(config.scheme, config.bits, options=config.scheme_options,
                         recurrent=bool(model.text))
    if scheme.tunes and not config.weights:
        raise UsageError(f"the {scheme.name} scheme trains a network that it reads from a file; give "
                         "--from FILE, or choose another scheme")
    dataset = open_data(config)
    input_shape = input_shape_of(config, model, dataset)
    config = _fill_in(config, model, scheme, dataset)
    schedule = parse_schedule(config.schedule)
    for rate in (parse_rate(config.lr), *rates_of(schedule)):
        scheme.check_rate(rate)
    rule_named(config.augment)
    for name, least in (("epochs", 1), ("batch_size", 1), ("threads", 0), ("max_steps", 0),
                        ("time_steps", 0), ("vocabulary", 0)):
        if getattr(config, name) < least:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} starts at {least}, got {getattr(config, name)}")
    if largest_batch(config) > len(dataset.train):
        raise UsageError(
            f"a batch of {largest_batch(config)} is more than the {len(dataset.train)} training "
            f"images of {dataset.name}; use a smaller --batch-size"
        )
    if model.text:
        _check_text(config, dataset, input_shape)
    trainer = (make or make_trainer)(config, dataset, input_shape, group)
    return Setup(config, dataset, input_shape, trainer, schedule)


def _check_text(config, dataset, input_shape):
    """Refuse fewer tokens than a window takes, and streams that change their number."""
    if config.batch_schedule:
        raise UsageError("the streams of a text go on from window to window, so their number stays; "
                         "leave --batch-schedule out")
    steps_per_epoch(dataset.train, config.batch_size, input_shape)


def make_trainer(config, dataset, input_shape, group=ALONE, formats=None):
    """The Trainer of a filled-in Config.

    formats : {name: format} that a conversion chose, as its checkpoint keeps them.
    """
    device = Device.read(config.device) if config.device else None
    text = bool(find_model(config.model).text)
    scheme = scheme_on(device, config.scheme, config.bits, config.scheme_options, text)
    scheme.formats = formats or {}
    return Trainer(
        config.model, scheme=scheme, input_shape=input_shape, classes=len(dataset.classes),
        encoding=encoding_of(config, dataset), threads=config.threads or None,
        backend=config.backend, device=device, group=group, **trainer_settings(config),
    )


def trainer_settings(config):
    """What a Trainer is told of a filled-in Config, whoever makes it."""
    return dict(
        width=parse_width(config.width), loss=config.loss, lr=parse_rate(config.lr),
        seed=config.seed, batch_size=largest_batch(config),
        momentum=fraction_or_none("--momentum", config.momentum),
        weight_decay=fraction_or_none("--weight-decay", config.weight_decay),
    )


def largest_batch(config):
    """Images of the largest batch of a run: what accumulators are proven for."""
    sizes = (size for _, size in parse_batch_schedule(config.batch_schedule))
    return max(config.batch_size, *sizes, 0)


def encoding_of(config, dataset):
    """How images become codes: as the data says, or as published weights expect them."""
    return find_model(config.model).preprocessing.encoding if config.weights else dataset.encoding


def input_shape_of(config, model, dataset):
    """What a run's network takes: windows of a text, images as its weights expect, or the data's."""
    if model.text:
        return (config.time_steps or model.input_shape[0],)
    return model.input_shape if config.weights else input_shape_for(model, dataset)


def input_shape_for(model, dataset):
    """The data's own shape; for the sample and for pictures, which are brought to size, the model's.

    Grey images are given the model's channels, others keep theirs.
    """
    channels, *size = dataset.shape
    if not is_brought_to_size(dataset):
        return (channels, *size)
    return (model.input_shape[0] if channels == 1 else channels, *model.input_shape[1:])


def rule_of(config):
    """What makes the images of a run: an augmentation, as published weights expect images if the run
    began from some, or their preprocessing alone."""
    preprocessing = find_model(config.model).preprocessing
    if config.augment == PUBLISHED:
        return preprocessing
    return preprocessing.training(rule_named(config.augment)) if config.weights else config.augment


def is_brought_to_size(dataset):
    """Whether images are resized or cropped to what the model expects."""
    return dataset.is_sample or tuple(dataset.shape[1:]) == PICTURE_SIZE


def _augment(dataset):
    if tuple(dataset.shape[1:]) == PICTURE_SIZE:
        return "image_folder"
    return AUGMENT.get(dataset.name, "none")


def _fill_in(config, model, scheme, dataset):
    few = dataset.is_sample and not config.weights
    epochs = config.epochs or (SAMPLE_EPOCHS.get(config.model, 5) if few else None)
    recipe = scheme.recipe(model, epochs)
    schedule = config.schedule or ("" if config.lr else recipe["schedule"])
    return replace(
        config,
        bits=str(scheme.bits),
        scheme_options=scheme.options_text(),
        data=config.data or dataset.name,
        epochs=epochs or recipe["epochs"],
        batch_size=config.batch_size or recipe["batch_size"],
        lr=str(parse_rate(config.lr) if config.lr else recipe["lr"]),
        schedule=format_schedule(parse_schedule(schedule)),
        loss=config.loss or scheme.loss_for(model.loss),
        augment=config.augment or _augment(dataset),
        time_steps=config.time_steps or (model.input_shape[0] if model.text else 0),
        counters=config.counters or bool(config.device),
    )


def parse_width(text):
    """"2", "1.3" or "1/2" as an exact Fraction; UsageError for anything else."""
    try:
        return exact(text)
    except ValueError:
        raise UsageError(f'--width takes a number such as 2 or 1.3, got "{text}"')


def fraction_or_none(option, text):
    """"7/8" or "0.9" as an exact Fraction in [0, 1), "" as None; UsageError for anything else."""
    if not text:
        return None
    try:
        value = exact(text)
    except ValueError:
        value = None
    if value is None or not 0 <= value < 1:
        raise UsageError(f'{option} takes a number from 0 to below 1, such as 7/8, got "{text}"')
    return value
