"""A few steps of a run, with every integer of them written down."""

import json
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from .. import __version__
from ..data import batches
from ..device.trace import write_head, write_step
from ..device.trace_files import check_new, create
from ..errors import CheckpointError
from .checkpoint import read_checkpoint
from .config import read_config
from .formats import formats_of
from .schedule import rate_at
from .setup import make_trainer, prepare, rule_of


def trace(config, steps, out, make=None):
    """Write the first steps of the run that `config` describes.

    The steps are those of `Training`: the same batches, rates and random numbers. After N of them
    the digest is that of a training stopped by max_steps=N.

    Parameters
    ----------
    config : Config
    steps : int >= 1
    out : path ending in .h5 or .npz, or a folder for $readmemh text.
    make : as of `prepare`.

    Returns
    -------
    {"steps", "first_step", "tensors", "digest"}

    Raises
    ------
    IntflowError : one line, for a config that does not fit or an `out` that exists.
    """
    check_new(out)
    return _write(prepare(config, make=make), 0, 0, steps, out)


def trace_resumed(checkpoint, steps, out, **changes):
    """The same for the steps that follow a checkpoint of a run; the run is left as it is.

    changes : fields of Config that do not change the run: threads, backend, data_dir.
    """
    check_new(out)
    attributes, _, _ = read_checkpoint(checkpoint)
    make = partial(make_trainer, formats=formats_of(attributes, checkpoint))
    setup = prepare(replace(read_config(attributes, checkpoint), **changes), make=make)
    setup.trainer.load(checkpoint)
    try:
        epoch, batch = (int(json.loads(attributes[name])) for name in ("epoch", "batch"))
    except (KeyError, ValueError, TypeError):
        raise CheckpointError(f"{Path(checkpoint)} says not where its run stands; use the "
                              "checkpoint.h5 of a run")
    return _write(setup, epoch, batch, steps, out)


def _write(setup, epoch, batch, steps, out):
    trainer, config = setup.trainer, setup.config
    first, tensors = trainer.steps, 0
    with create(out) as file:
        for images in _upcoming(setup, epoch, batch, steps):
            tensors += _write_step(file, trainer, images)
        digest = trainer.digest()
        write_head(
            file, intflow=__version__, model=config.model, bits=config.bits, scheme=config.scheme,
            data=config.data, batch_size=config.batch_size, loss=config.loss, width=config.width,
            seed=str(config.seed), device=config.device, steps=steps, first_step=first,
            digest=digest,
        )
    return {"steps": steps, "first_step": first, "tensors": tensors, "digest": digest}


def _write_step(file, trainer, batch):
    number, rate = trainer.steps, trainer.rate
    recorder = trainer.step(batch.images, batch.labels, record=True).recorder
    return write_step(file, trainer.network, recorder, number, rate)


def _upcoming(setup, epoch, batch, count):
    """The next `count` batches of a run, across epochs; sets the trainer's rate for each."""
    config, kernels = setup.config, setup.trainer.kernels
    while count:
        setup.trainer.rate = rate_at(epoch, Fraction(config.lr), setup.schedule)
        if not batch:
            setup.trainer.network.forget()
        stream = batches(setup.dataset.train, setup.batch_size_at(epoch), setup.input_shape,
                         rule_of(config), config.seed, epoch, batch, kernels.threads, kernels)
        try:
            for made in stream:
                yield made
                count -= 1
                if not count:
                    return
        finally:
            stream.close()
        epoch, batch = epoch + 1, 0
