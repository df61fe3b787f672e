"""What a Trainer is given of a text, checked."""

import numpy as np

from ..errors import RangeError, ShapeError


def checked_tokens(network, tokens, labels):
    """(tokens (B, T), labels (T * B,)) of a window, labels in the order of the outputs.

    tokens, labels : (B, T) integers in [0, classes), T up to the window of the network.

    Raises
    ------
    ShapeError, RangeError : anything else.
    """
    most, classes = network.input_shape[0], network.classes
    fits = tokens.ndim == 2 and tokens.size and tokens.shape == labels.shape
    if not fits or any(a.dtype.kind not in "iu" for a in (tokens, labels)):
        raise ShapeError(
            f"a step takes integer tokens (B, T) and the tokens after them, T up to {most}, got "
            f"{tokens.dtype} {tokens.shape} and {labels.dtype} {labels.shape}"
        )
    low, high = (int(f(a)) for f, a in ((min, (tokens.min(), labels.min())),
                                        (max, (tokens.max(), labels.max()))))
    if low < 0 or high >= classes:
        raise RangeError(f"tokens lie in 0..{classes - 1}, got {low}..{high}; use a model with a "
                         "larger vocabulary")
    labels = np.ascontiguousarray(labels.T).reshape(-1).astype(np.int64)
    return np.ascontiguousarray(tokens, np.int32), labels


def checked_streams(network, tokens):
    """Refuse a training window that does not go on with the streams, or is longer than proven."""
    streams, steps = tokens.shape
    if streams != network.batch_size or steps > network.input_shape[0]:
        raise ShapeError(
            f"this network carries {network.batch_size} streams through windows of up to "
            f"{network.input_shape[0]} tokens, got {streams} of {steps}; build the Trainer with "
            f"batch_size={streams}, input_shape=({steps},)"
        )
