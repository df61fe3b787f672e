"""The published network as published: a forward pass in fp32.

What an integer network is compared with, and the fp32 side of corrected statistics. It takes the
layers of the integer network and the arrays of `match`; formats, schemes and kernels play no part.

    x, y     float32 (N, C, H, W) or (N, C)
    taps     view (N, C, KH, KW, OH, OW) of the padded x: taps[..., a, b, i, j] is what tap (a, b)
             of the window sees at output pixel (i, j)
"""

from fractions import Fraction
from functools import reduce

import numpy as np

from ..errors import UnknownNameError

BLOCK = 1 << 23         # elements of unfolded taps at a time, 32 MiB


def float_forward(layer, x, weights, keep=None):
    """The output of a layer, and of all inside it, in fp32.

    Parameters
    ----------
    layer : a built layer; a network's `layers` for all of it.
    x : float32 (N, C, H, W) or (N, C), pixels normalised as the published network wants them.
    weights : {layer name: {role: float32 array}}, as `match` gives them.
    keep : dict or None; the output of every layer is put into it by the layer's name.

    Returns
    -------
    float32 (N, C, OH, OW) or (N, O)

    Raises
    ------
    UnknownNameError : a kind of layer that has no line in FORWARD.

    Exactness
    ---------
    Sums are fp32 in the order of the machine's matrix library: no result depends on the last bit.
    """
    if layer.kind not in FORWARD:
        raise UnknownNameError("kind of layer in fp32", layer.kind, FORWARD)
    y = FORWARD[layer.kind](layer, x, weights, keep)
    if keep is not None:
        keep[layer.name] = y
    return y


def normalise(images, preprocessing):
    """Pixels as a published network wants them, (u / 255 - mean) / std of each channel.

    images : u8 (N, C, H, W), already in the network's order of channels.

    Examples
    --------
    mean 0.485, std 0.229: 124 becomes 0.00556, 0 becomes -2.118.
    """
    mean, std = (np.array([float(v) for v in values]).reshape(-1, 1, 1)
                 for values in (preprocessing.mean, preprocessing.std))
    return ((images / 255 - mean) / std).astype(np.float32)


def _same(layer, x, weights, keep):
    return x


def _sequential(layer, x, weights, keep):
    for child in layer.layers:
        x = float_forward(child, x, weights, keep)
    return x


def _residual(layer, x, weights, keep):
    body = float_forward(layer.body, x, weights, keep)
    return body + float_forward(layer.shortcut, x, weights, keep)


def _concatenate(layer, x, weights, keep):
    branches = [float_forward(branch, x, weights, keep) for branch in layer.branches]
    return np.concatenate(branches, axis=1)


def _relu(layer, x, weights, keep):
    return np.maximum(x, 0)


def _flatten(layer, x, weights, keep):
    return x.reshape(len(x), -1)


def _linear(layer, x, weights, keep):
    own = weights[layer.name]
    return x @ own["weight"].T + own.get("bias", np.float32(0))


def _conv2d(layer, x, weights, keep):
    own = weights[layer.name]
    y = convolve(x, own["weight"], layer.window)
    if "bias" in own:
        y += own["bias"].reshape(-1, 1, 1)
    return y


def _batch_norm2d(layer, x, weights, keep):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, by the stored statistics."""
    scale, shift = affine(weights[layer.name], layer.epsilon)
    return x * scale.astype(np.float32)[:, None, None] + shift.astype(np.float32)[:, None, None]


def affine(own, epsilon):
    """(A, B) float64 (C,) of a batch norm as y = A x + B.

    Examples
    --------
    gamma 2, beta 1, mean 3, variance 4, epsilon 0: A = 1, B = -2.
    """
    own = {role: array.astype(np.float64) for role, array in own.items()}
    with np.errstate(invalid="ignore", divide="ignore"):        # who takes these looks at them
        scale = own["gamma"] / np.sqrt(own["variance"] + float(Fraction(epsilon)))
    return scale, own["beta"] - own["mean"] * scale


def _max_pool2d(layer, x, weights, keep):
    return reduce(np.maximum, _each_tap(taps(x, layer.window, -np.inf)))


def _avg_pool2d(layer, x, weights, keep):
    """The mean of each window, zeros of the padding included."""
    height, width = layer.window.kernel_size
    return sum(_each_tap(taps(x, layer.window))) / np.float32(height * width)


def _local_response_norm(layer, x, weights, keep):
    """x * (k + alpha / size * sum of x**2 over the neighbour channels) ** -beta."""
    size, channels = layer.size, x.shape[1]
    before = size // 2
    squares = np.pad(x * x, ((0, 0), (before, size - 1 - before), (0, 0), (0, 0)))
    total = sum(squares[:, first:first + channels] for first in range(size))
    return x * (float(layer.k) + float(layer.alpha / size) * total) ** -float(layer.beta)


def _subsample(layer, x, weights, keep):
    down, across = layer.window.stride
    return np.pad(x[:, :, ::down, ::across], ((0, 0), (layer.before, layer.after), (0, 0), (0, 0)))


FORWARD = {
    "sequential": _sequential, "residual": _residual, "concatenate": _concatenate,
    "conv2d": _conv2d, "linear": _linear, "batch_norm2d": _batch_norm2d, "relu": _relu,
    "max_pool2d": _max_pool2d, "avg_pool2d": _avg_pool2d, "flatten": _flatten,
    "local_response_norm": _local_response_norm, "subsample": _subsample, "requantize": _same,
}


def convolve(x, weight, window):
    """y[n,o,h,w] = sum over (i, kh, kw) of x[n,i,.,.] * weight[o,i,kh,kw], a block at a time.

    x : float32 (N, I, H, W); weight : float32 (O, I/groups, KH, KW) -> float32 (N, O, OH, OW)
    """
    outputs, inputs = weight.shape[:2]
    seen = taps(x, window)
    size = seen.shape[4:]
    y = np.empty((len(x), outputs, *size), np.float32)
    matrices = weight.reshape(window.groups, outputs // window.groups, -1)
    step = max(1, BLOCK // (seen[0].size // window.groups))
    for first in range(0, len(x), step):
        part = slice(first, first + step)
        for group, matrix in enumerate(matrices):
            own = seen[part, group * inputs:(group + 1) * inputs]
            columns = own.reshape(len(own), matrix.shape[1], -1)
            rows = slice(group * len(matrix), (group + 1) * len(matrix))
            y[part, rows] = (matrix @ columns).reshape(len(own), len(matrix), *size)
    return y


def taps(x, window, border=0):
    """What every tap of a window sees, a view (N, C, KH, KW, OH, OW) of x with its border."""
    window = window.resolve(*x.shape[2:])
    (top, bottom, left, right), (high, wide) = window.padding, window.output_size(*x.shape[2:])
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=border)
    n, c, h, w = x.strides
    return np.lib.stride_tricks.as_strided(
        x, (*x.shape[:2], *window.kernel_size, high, wide),
        (n, c, h * window.dilation[0], w * window.dilation[1],
         h * window.stride[0], w * window.stride[1]))


def _each_tap(seen):
    return (seen[:, :, a, b] for a in range(seen.shape[2]) for b in range(seen.shape[3]))
