"""Errors on a whole split."""

import math
import time

import numpy as np

from ..data import evaluation_batches

BATCH = 100
TOP5_FROM = 100
TEXT_FIGURES = "perplexity", "bits_per_character"


def evaluate(trainer, split, rule, group=None, stop=None):
    """One object of numbers, as `eval --json` prints it, and the count `wrong`.

    rule : name of the training's augmentation, of which the test takes the centre.
    group : workers that share the images and all get the numbers; the trainer's own by default.
    stop : function () -> bool, asked before each batch; None comes back where it says so.
    top5_error appears from TOP5_FROM classes up, for a text perplexity and bits_per_character (per
    token, whatever that is). `images` are the tokens told. Evaluation changes no state.
    """
    group = group or trainer.group
    images = wrong = wrong5 = loss = loss_bits = 0
    started, carried = time.monotonic(), {}
    kernels = trainer.kernels
    stream = evaluation_batches(
        split, BATCH, trainer.network.input_shape, rule, kernels.threads, kernels, group
    )
    try:
        for batch in stream:
            if stop is not None and stop():
                return None
            first = batch.step * BATCH
            outputs, result = trainer.evaluate(batch.images, batch.labels, first, carried)
            images += result.images
            wrong += result.wrong
            loss, loss_bits = loss + result.loss[0], result.loss[1]
            wrong5 += _outside_top5(outputs, labels_of(batch))
    finally:
        stream.close()
    images, wrong, wrong5, loss = group.totals([images, wrong, wrong5, loss])
    loss_bits = group.maximum(loss_bits)            # 0 where a worker had no batch
    report = {"images": images, "wrong": wrong, "test_error": wrong / images}
    if trainer.network.classes >= TOP5_FROM:
        report["top5_error"] = wrong5 / images
    report["loss"] = loss / (images << loss_bits)
    if trainer.network.reads_text:
        report["perplexity"] = round(math.exp(report["loss"]), 3)
        report["bits_per_character"] = round(report["loss"] / math.log(2), 5)
    report["images_per_second"] = round(images / max(time.monotonic() - started, 1e-9), 1)
    report["digest"] = trainer.digest()
    return report


def labels_of(batch):
    """Labels in the order of the outputs: those of a text's window by time."""
    return batch.labels.T.reshape(-1)


def _outside_top5(outputs, labels):
    """Images whose label is not among the five largest outputs; the first of equals counts."""
    if outputs.shape[1] <= 5:
        return 0
    blocks = (slice(first, first + BATCH) for first in range(0, len(outputs), BATCH))
    return sum(_behind_five(outputs[block], labels[block]) for block in blocks)


def _behind_five(outputs, labels):
    own = np.take_along_axis(outputs, labels[:, None], axis=1)
    before = np.arange(outputs.shape[1]) < labels[:, None]
    ahead = np.count_nonzero((outputs > own) | ((outputs == own) & before), axis=1)
    return int(np.count_nonzero(ahead >= 5))
