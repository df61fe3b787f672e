"""Errors on a whole split."""

import time

import numpy as np

from ..data import evaluation_batches

BATCH = 100
TOP5_FROM = 100


def evaluate(trainer, split, rule):
    """One object of numbers, as `eval --json` prints it, and the count `wrong`.

    rule : name of the training's augmentation, of which the test takes the centre.
    top5_error appears from TOP5_FROM classes up. Evaluation changes no state.
    """
    images = wrong = wrong5 = loss = loss_bits = 0
    started = time.monotonic()
    kernels = trainer.kernels
    stream = evaluation_batches(
        split, BATCH, trainer.network.input_shape, rule, kernels.threads, kernels
    )
    try:
        for batch in stream:
            outputs, result = trainer.evaluate(batch.images, batch.labels, first=images)
            images += result.images
            wrong += result.wrong
            loss, loss_bits = loss + result.loss[0], result.loss[1]
            wrong5 += _outside_top5(outputs, batch.labels)
    finally:
        stream.close()
    report = {"images": images, "wrong": wrong, "test_error": wrong / images}
    if trainer.network.classes >= TOP5_FROM:
        report["top5_error"] = wrong5 / images
    report["loss"] = loss / (images << loss_bits)
    report["images_per_second"] = round(images / max(time.monotonic() - started, 1e-9), 1)
    report["digest"] = trainer.digest()
    return report


def _outside_top5(outputs, labels):
    """Images whose label is not among the five largest outputs; the first of equals counts."""
    if outputs.shape[1] <= 5:
        return 0
    order = np.argsort(-outputs.astype(np.int64), axis=1, kind="stable")[:, :5]
    return int((order != labels[:, None]).all(axis=1).sum())
