"""Batch-norm statistics corrected by what quantisation did to a layer's sums.  [FAQ statistics]

    mean'      = mean + (mean of the integer layer's sums - mean of the fp32 layer's)
    variance'  = variance * (variance of the integer layer's sums / variance of the fp32 layer's)

both over the same images, channel by channel. The stored statistics stay the base: those of a few
images alone lack the augmentation of the training.
"""

import numpy as np


def corrected(own, x, real):
    """The tensors of a batch norm with its mean and variance corrected.

    Parameters
    ----------
    own : {"gamma", "beta", "mean", "variance": float32 (C,)}
    x : Tensor HWNC; the integer layer's sums, input of the batch norm.
    real : float32 (N, C, H, W); the fp32 layer's.

    Examples
    --------
    mean 1; sums with mean 3 and variance 2 here, 2.5 and 1 in fp32: mean 1.5, variance doubled.
    """
    mean, variance = moments(x)
    real = real.astype(np.float64)
    real_mean, real_variance = real.mean(axis=(0, 2, 3)), real.var(axis=(0, 2, 3))
    known = (variance > 0) & (real_variance > 0)
    ratio = np.where(known, variance, 1) / np.where(known, real_variance, 1)
    return {**own, "mean": own["mean"] + (mean - real_mean), "variance": own["variance"] * ratio}


def moments(x):
    """(mean, variance) of every channel, float64, from exact integer sums.

    Examples
    --------
    Codes 1, 3 at step 1/2: mean 1, variance 1/4.
    """
    codes = x.codes.reshape(-1, x.codes.shape[-1])
    total, squares, count = *channel_sums(codes), len(codes)
    step = float(x.format.step)
    mean = np.array([int(t) / count for t in total]) * step
    variance = np.array([int(count * s - t * t) / count ** 2 for t, s in zip(total, squares)])
    return mean, variance * step * step


def channel_sums(codes):
    """Exact (sums, sums of squares) of every column, lists of Python ints.

    codes : integers (rows, C), |codes| < 2**31.
    """
    largest = max(1, int(np.abs(codes.astype(np.int64)).max(initial=0)))
    rows = max(1, ((1 << 63) - 1) // largest ** 2)          # whose squares fit 64 bits together
    total, squares = [0] * codes.shape[1], [0] * codes.shape[1]
    for first in range(0, len(codes), rows):
        part = codes[first:first + rows].astype(np.int64)
        total = [t + int(s) for t, s in zip(total, part.sum(axis=0))]
        squares = [t + int(s) for t, s in zip(squares, (part * part).sum(axis=0))]
    return total, squares
