"""One training step and one evaluation under watch, from the bytes of the sample's images on.

A network that has no training step (read from a file, or with a layer without backward pass) is
evaluated alone.
"""

import numpy as np

from ..data import open_dataset
from ..data.augment import rule_named
from ..data.resize import with_channels
from ..errors import UsageError
from .watch import Watch, WatchedKernels

AUGMENTATION = "crop_flip"


def watch_step(trainer, extra=()):
    """Augment, train on one batch and evaluate it, with every value looked at.

    Parameters
    ----------
    trainer : Trainer. It goes on by two steps: the first, unwatched, compiles.
    extra : files outside intflow whose functions are watched too.

    Returns
    -------
    Watch, with what was found.
    """
    raw, labels = raw_input(trainer.network)
    watched_part(trainer, trainer.kernels, raw, labels)
    watch = Watch(extra)
    kernels = put_under(trainer, WatchedKernels(trainer.kernels, watch))
    try:
        with watch:
            watched_part(trainer, trainer.kernels, raw, labels)
    finally:
        put_under(trainer, kernels)
    return watch


def watched_part(trainer, kernels, raw, labels):
    """What the law holds for: from raw bytes to new weights, and an evaluation."""
    images = raw if trainer.network.reads_text else augment(trainer, kernels, raw)
    if can_train(trainer):
        trainer.step(images, labels, measure=True)
    trainer.evaluate(images, labels)


def can_train(trainer):
    """Whether the network has a training step."""
    try:
        trainer.network.require_trainable()
    except UsageError:
        return False
    return True


def augment(trainer, kernels, raw):
    """Raw images as the network takes them: cropped, flipped, resized, in integers."""
    channels, *size = trainer.network.input_shape
    words = np.empty(len(raw), np.uint32)
    kernels.random_u32(words, trainer.network.seed, "augment", 0, 0)
    images = rule_named(AUGMENTATION)(raw, words, tuple(size), kernels)
    return np.ascontiguousarray(with_channels(images, channels))


def raw_images(count):
    """The first test images of the sample, u8 (N, 1, 28, 28); they repeat beyond its end."""
    split = open_dataset(None).test
    return split.read(np.arange(count) % len(split), 1)


def raw_input(network):
    """Images and labels, or tokens and those after them."""
    count, classes = network.batch_size, network.classes
    if network.reads_text:
        text = np.arange(count * (network.input_shape[0] + 1)).reshape(count, -1) % classes
        return text[:, :-1], text[:, 1:]
    raw = raw_images(count)
    return raw, np.arange(len(raw)) % classes


def put_under(trainer, kernels):
    """Exchange the kernels that a trainer computes with; returns those it had."""
    before = trainer.kernels
    for holder in (trainer, trainer.network, trainer.network.products):
        if hasattr(holder, "kernels"):
            holder.kernels = kernels
    return before
