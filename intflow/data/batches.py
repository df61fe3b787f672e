"""Batches for training and evaluation, made ahead of time by one background thread.

What a batch holds is a function of (data, seed, epoch, step): images and labels by the
epoch's permutation, crops and flips by position in the epoch. Threads only change when.

    position    place in the epoch, batch_size * step + place in the batch
    order       stable argsort of 64-bit keys (purpose `shuffle`, step = epoch), key i made
                of the random words 2i (upper half) and 2i + 1 (lower half)
"""

import queue
import threading
from dataclasses import dataclass

import numpy as np

from ..errors import DatasetError
from ..group import ALONE
from ..kernels.threads import leave_core
from ..random_streams import PURPOSES
from .augment import rule_named
from .resize import with_channels
from .text import evaluation_windows, is_text, window_count, windows

EVALUATION_STREAMS, EVALUATION_STEPS = 10, 100      # of a text
AHEAD = 2   # finished batches that wait for the consumer


@dataclass(frozen=True)
class Batch:
    """images u8 (n, C, H, W) as the model expects them, labels int64 (n,), step in the epoch."""

    images: np.ndarray
    labels: np.ndarray
    step: int


def batches(split, batch_size, input_shape, rule, seed, epoch, start_step=0, threads=1,
            kernels=None, share=None):
    """The training batches of one epoch.

    Parameters
    ----------
    split : Split
    batch_size : int; the last incomplete batch is dropped.
    input_shape : (C, H, W) that the model expects, or (T,) of a text: the batches are its windows,
        of batch_size streams.
    rule : name of an augmentation, see `augment.py`.
    seed, epoch : integers; with the position they decide everything random.
    start_step : batches to pass over, for a resumed epoch.
    threads : for decoding pictures.
    kernels : Kernels; None loads the best backend. Every backend gives the same bits.
    share : group.Share; the images of every batch that are wanted, None for all of them.

    Yields
    ------
    Batch

    Raises
    ------
    DatasetError
        A batch larger than the split; unreadable data (raised where the batch is asked for).
    """
    if is_text(split):
        return windows(split, batch_size, input_shape[0], start_step)
    steps = steps_per_epoch(split, batch_size)
    kernels = kernels or _kernels()
    order = epoch_order(len(split), seed, epoch, kernels)
    make, share = rule_named(rule), share or ALONE.share(batch_size)

    def batch(step):
        first = step * batch_size + share.first
        words = np.empty(share.count, np.uint32)
        kernels.random_u32(words, seed, PURPOSES["augment"], epoch, 0, first=first)
        indices = order[first:first + share.count]
        return _batch(split, indices, make, words, input_shape, threads, kernels, step)

    return _ahead(batch, range(start_step, steps))


def evaluation_batches(split, batch_size, input_shape, rule="none", threads=1, kernels=None,
                       group=ALONE):
    """All images in their own order, nothing random; the last batch may be smaller.

    group : workers that take turns; batches are this one's.
    """
    if is_text(split):
        return evaluation_windows(split, EVALUATION_STREAMS, EVALUATION_STEPS)
    kernels = kernels or _kernels()
    make = rule_named(rule)

    def batch(step):
        indices = np.arange(step * batch_size, min((step + 1) * batch_size, len(split)))
        return _batch(split, indices, make, None, input_shape, threads, kernels, step)

    return _ahead(batch, range(group.rank, -(-len(split) // batch_size), group.size))


def steps_per_epoch(split, batch_size, input_shape=()):
    """Full batches in a split; DatasetError when there is not even one.

    input_shape : of the model; (T,) counts windows of a text.
    """
    if is_text(split):
        return window_count(split, batch_size, input_shape[0])
    if batch_size < 1:
        raise DatasetError(f"a batch size of {batch_size} makes no batch; use 1 or more")
    if len(split) < batch_size:
        raise DatasetError(
            f"a batch of {batch_size} is more than the {len(split)} training images; use a "
            f"batch size of {len(split)} or less"
        )
    return len(split) // batch_size


def epoch_order(count, seed, epoch, kernels):
    """The permutation of an epoch, int64 (count,)."""
    words = np.empty(2 * count, np.uint32)
    kernels.random_u32(words, seed, PURPOSES["shuffle"], epoch, 0)
    keys = (words[0::2].astype(np.uint64) << np.uint64(32)) | words[1::2]
    return np.argsort(keys, kind="stable")


def _batch(split, indices, make, words, input_shape, threads, kernels, step):
    images = make(split.read(indices, threads), words, tuple(input_shape[1:]), kernels)
    images = np.ascontiguousarray(with_channels(images, input_shape[0]))
    return Batch(images, split.labels[indices], step)


def _kernels():
    from ..kernels import load

    return load()


def _ahead(make, steps):
    """make(step) for each step, in order, `AHEAD` of the consumer.

    Closing the generator (or losing it) stops the thread; an error of `make` is raised here.
    """
    ready, stop = queue.Queue(AHEAD), threading.Event()

    def work():
        leave_core()
        try:
            for step in steps:
                item = make(step)
                if stop.is_set():
                    return
                ready.put((item, None))
            ready.put((None, None))
        except BaseException as error:   # whatever it is, the consumer must hear of it
            ready.put((None, error))

    thread = threading.Thread(target=work, name="intflow batches", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop.set()
        _drain(ready, thread)


def _drain(ready, thread):
    """Empty the queue until the thread, which may wait for room in it, has ended."""
    while thread.is_alive():
        try:
            ready.get(timeout=0.01)
        except queue.Empty:
            pass
