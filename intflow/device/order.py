"""Which products a sum consists of, and in which order a device adds them.

Every sum of a product is a walk over the axes that the device's order names, the last one
fastest, in rising index. What a step of the walk multiplies:

    forward   y[n,o,oh,ow]   term (kh, kw, i)    x at row oh * stride - top + kh * dilation, ...
    error     e'[n,i,h,w]    term (kh, kw, o)    e at row (h + top - kh * dilation) / stride, ...
    gradient  g[o,i,kh,kw]   term (n, oh, ow)    x at row oh * stride - top + kh * dilation, ...

i and o run within their group. A term whose pixel lies outside the image, or between two pixels
because the division by the stride leaves a rest, is a product of 0 in its place: the number of
terms, and so where a tile ends, follows from the shapes alone. A Linear layer is one pixel and
one tap, so its error runs over o and its gradient over n.
"""

from typing import NamedTuple

import numpy as np


class Walk(NamedTuple):
    """The sums of one product, as `kernels.reference.accumulate.ordered_sums` takes them.

    shape : of the result in memory, 4 axes.
    """

    shape: tuple
    table: np.ndarray
    rows: np.ndarray
    terms: np.ndarray
    lanes: int


def forward(x_shape, w_shape, window, order):
    """x (H, W, N, I), w (KH, KW, I/groups, O) -> (OH, OW, N, O). Lanes are output channels."""
    height, width, images, inputs = x_shape
    kh, kw, group_inputs, outputs = w_shape
    oh, ow = window.output_size(height, width)
    groups, lanes = window.groups, outputs // window.groups
    pixels = _pixels(height, width, window)
    rows = _places(
        {"H": oh, "W": ow, "N": images, "G": groups},
        {"H": ow, "W": 1},
        {"N": inputs, "G": group_inputs},
        {"G": lanes},
        {"H": ow * images * outputs, "W": images * outputs, "N": outputs, "G": lanes},
    )
    terms = _places(
        _sizes(order, H=kh, W=kw, I=group_inputs),
        {"H": kw, "W": 1},
        {"I": 1},
        {"H": kw * group_inputs * outputs, "W": group_inputs * outputs, "I": outputs},
    )
    table = _scaled(pixels, images * inputs)
    return Walk((oh, ow, images, outputs), table, rows, terms, lanes)


def error(x_shape, w_shape, window, order):
    """e (OH, OW, N, O), w as (KH, KW, O, I/groups) -> (H, W, N, I). Lanes are input channels."""
    height, width, images, inputs = x_shape
    kh, kw, lanes, outputs = w_shape
    groups, group_outputs = window.groups, outputs // window.groups
    rows = _places(
        {"H": height, "W": width, "N": images, "G": groups},
        {"H": width, "W": 1},
        {"N": outputs, "G": group_outputs},
        {"G": group_outputs * lanes},
        {"H": width * images * inputs, "W": images * inputs, "N": inputs, "G": lanes},
    )
    terms = _places(
        _sizes(order, H=kh, W=kw, O=group_outputs),
        {"H": kw, "W": 1},
        {"O": 1},
        {"H": kw * outputs * lanes, "W": outputs * lanes, "O": lanes},
    )
    pixels = _pixels(height, width, window)
    back = np.full((height * width, kh * kw), -1, np.int64)
    out, tap = np.nonzero(pixels >= 0)
    back[pixels[out, tap], tap] = out           # a tap brings at most one output to a pixel
    return Walk(tuple(x_shape), _scaled(back, images * outputs), rows, terms, lanes)


def gradient(x_shape, w_shape, window, order):
    """x (H, W, N, I), e (OH, OW, N, O) -> (KH, KW, I/groups, O). Lanes are output channels."""
    height, width, images, inputs = x_shape
    kh, kw, group_inputs, outputs = w_shape
    oh, ow = window.output_size(height, width)
    groups, lanes = window.groups, outputs // window.groups
    rows = _places(
        {"H": kh, "W": kw, "I": group_inputs, "G": groups},
        {"H": kw, "W": 1},
        {"I": 1, "G": group_inputs},
        {"G": lanes},
        {"H": kw * group_inputs * outputs, "W": group_inputs * outputs, "I": outputs, "G": lanes},
    )
    terms = _places(
        _sizes(order, N=images, H=oh, W=ow),
        {"H": ow, "W": 1},
        {"N": inputs},
        {"H": ow * images * outputs, "W": images * outputs, "N": outputs},
    )
    table = np.ascontiguousarray(_scaled(_pixels(height, width, window), images * inputs).T)
    return Walk(tuple(w_shape), table, rows, terms, lanes)


def _sizes(order, **sizes):
    return {axis: sizes[axis] for axis in order}


def _places(sizes, *steps):
    """All indices of the axes in `sizes`, first axis slowest, as places: one column per steps.

    Examples
    --------
    sizes {"H": 2, "I": 2}, steps {"H": 1} and {"H": 10, "I": 5}: (0, 0), (0, 5), (1, 10), (1, 15).
    """
    index = np.indices(tuple(sizes.values())).reshape(len(sizes), -1)
    weights = [[step.get(axis, 0) for axis in sizes] for step in steps]
    return np.ascontiguousarray((np.array(weights, np.int64) @ index).T)


def _scaled(pixels, size):
    """Numbers of pixels as places in memory; -1 stays."""
    return np.where(pixels < 0, -1, pixels * size)


def _pixels(height, width, window):
    """(OH * OW, KH * KW) number of the input pixel that an output sees through a tap, or -1."""
    oh, ow = window.output_size(height, width)
    top, _, left, _ = window.padding
    rows = _axis(height, oh, window.kernel_size[0], window.stride[0], top, window.dilation[0])
    columns = _axis(width, ow, window.kernel_size[1], window.stride[1], left, window.dilation[1])
    row, column = rows[:, None, :, None], columns[None, :, None, :]
    pixels = np.where((row < 0) | (column < 0), -1, row * width + column)
    return pixels.reshape(oh * ow, -1)


def _axis(size, outputs, taps, stride, padding, dilation):
    """(outputs, taps) index of the input along one axis, or -1."""
    at = np.arange(outputs)[:, None] * stride - padding + np.arange(taps) * dilation
    return np.where((at < 0) | (at >= size), -1, at)
