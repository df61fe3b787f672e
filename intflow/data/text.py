"""A text as streams and windows.

A part of N tokens is cut into B *streams* of (N - 1) // B tokens each, one after the other in the text;
at most B - 1 tokens at the end are left out. A *window* is T tokens of every stream: tokens (B, T) and
the tokens after them, which are to be told. Windows follow each other, so what a recurrent layer
keeps of one is where the next begins. The last, shorter window of an epoch is left out in training and
taken in an evaluation.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import DatasetError


@dataclass(frozen=True)
class Window:
    """images s32 (B, T) and labels s64 (B, T), as a Batch has them; step in the epoch."""

    images: np.ndarray
    labels: np.ndarray
    step: int


def is_text(split):
    """Whether a split is one of a text."""
    return getattr(split, "tokens", None) is not None


def window_count(split, streams, steps):
    """Whole windows of an epoch; DatasetError where there is none."""
    count = len(split) // streams // steps if streams > 0 else 0
    if not count:
        raise DatasetError(f"{streams} streams of {steps} tokens are more than the {len(split)} of the "
                           "text; use a smaller --batch-size")
    return count


def windows(split, streams, steps, start=0):
    """The Windows of a training epoch from number `start` on.

    Parameters
    ----------
    split : Split of a text. streams, steps : B and T.
    """
    tokens, labels = streamed(split, streams)
    for number in range(start, window_count(split, streams, steps)):
        yield _window(tokens, labels, number, steps)


def evaluation_windows(split, streams, steps):
    """All Windows, the last one shorter; fewer streams where a text has no token for each."""
    tokens, labels = streamed(split, min(streams, len(split)))
    for number in range(-(-tokens.shape[1] // steps)):
        yield _window(tokens, labels, number, steps)


def streamed(split, streams):
    """(tokens, labels), each (streams, (N - 1) // streams).

    Examples
    --------
    Tokens 5 6 7 8 9 in 2 streams: 5 6 | 7 8, told 6 7 | 8 9.
    """
    length = len(split) // streams
    used = streams * length
    shape = streams, length
    return split.tokens[:used].reshape(shape), split.labels[:used].reshape(shape)


def _window(tokens, labels, number, steps):
    columns = slice(number * steps, (number + 1) * steps)
    return Window(np.ascontiguousarray(tokens[:, columns]),
                  np.ascontiguousarray(labels[:, columns]), number)
