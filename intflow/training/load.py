"""A Trainer out of a checkpoint alone."""

from ..device.device import Device
from ..errors import CheckpointError
from ..models import find_model
from .checkpoint import read_checkpoint
from .config import read_config
from .formats import formats_of
from .setup import parse_width
from .trainer import Trainer, scheme_on


def load_checkpoint(path, threads=None, backend="auto", device=None):
    """(Trainer, attributes) of a checkpoint; its digest is computed anew and compared.

    attributes : what the checkpoint says of itself: config (Config), class_names (list),
        input_shape, steps, digest, epoch, ...
    device : what `Device.read` takes; the one it was trained under where it is None.

    Raises
    ------
    CheckpointError : missing, torn, altered, or made by a model this version does not know.
    """
    attributes, _, _ = read_checkpoint(path)
    config = read_config(attributes, path)
    try:
        names = attributes["class_names"].split("\n")
        shape = tuple(int(n) for n in attributes["input_shape"].split(","))
        encoding = attributes["encoding"]
    except (KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} lacks or mangles {error}; use a checkpoint of this version")
    text = bool(find_model(config.model).text)
    device = device or config.device
    device = Device.read(device) if device else None
    scheme = scheme_on(device, config.scheme, config.bits, config.scheme_options, text)
    scheme.formats = formats_of(attributes, path)
    trainer = Trainer(
        config.model, scheme=scheme, input_shape=shape, classes=len(names),
        width=parse_width(config.width), loss=config.loss, encoding=encoding, seed=config.seed,
        batch_size=config.batch_size, threads=threads, backend=backend,
        device=device,
    )
    trainer.load(path)
    return trainer, {**attributes, "config": config, "class_names": names, "input_shape": shape}
