"""Hypothesis strategies named by what they draw and by its axes.

Codes come as nested lists in logical order (`codes_NCHW`, `codes_OIHW`, ...).  Small ranges and
ranges' ends are drawn as often as uniform codes: zeros, all-equal, all-extreme tensors are where
maxima, masks and ties misbehave.
"""

import random
from fractions import Fraction
from typing import NamedTuple

from hypothesis import strategies as st

import oracle

ROUNDINGS = ("floor", "toward_zero", "half_up", "half_away", "half_even")

roundings = st.sampled_from(ROUNDINGS)
seeds = st.integers(0, 2**64 - 1)
narrow_bits = st.integers(2, 8)
any_bits = st.integers(2, 16)


# (W, A, G, E) as the notation has them: 2 to 16, or 32 for wide
engine_bits = st.tuples(*[st.sampled_from([2, 3, 4, 8, 8, 12, 16, 32])] * 4)


def _draw_codes(generator, style, shape, lo, hi):
    """One nested list: uniform, small codes, only ends, mostly zeros, or one code throughout."""
    one = generator.randint(lo, hi)
    element = {
        "uniform": lambda: generator.randint(lo, hi),
        "small": lambda: generator.randint(max(lo, -2), min(hi, 2)),
        "ends": lambda: generator.choice((lo, hi)),
        "sparse": lambda: generator.randint(lo, hi) if generator.random() < 0.2 else max(lo, 0),
        "zeros": lambda: max(lo, 0),
        "one": lambda: one,
    }[style]
    return oracle.folded([element() for _ in oracle.flat(oracle.filled(shape))], shape)


STYLES = ("uniform", "small", "ends", "sparse", "uniform", "one", "zeros")


@st.composite
def codes(draw, shape, lo, hi):
    """Codes of any shape in [lo, hi]."""
    generator = random.Random(draw(st.integers(0, 2**32 - 1)))
    return _draw_codes(generator, draw(st.sampled_from(STYLES)), tuple(shape), lo, hi)


def symmetric(shape, bits):
    """Codes of a symmetric signed format."""
    return codes(shape, -oracle.largest(bits), oracle.largest(bits))


@st.composite
def shape_NCHW(draw, smallest=(1, 1), largest=(7, 7)):
    """Small (N, C, H, W)."""
    return (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        draw(st.integers(smallest[0], max(smallest[0], largest[0]))),
        draw(st.integers(smallest[1], max(smallest[1], largest[1]))),
    )


@st.composite
def codes_NCHW(draw, lo=-127, hi=127, smallest=(1, 1)):
    """Activations or errors of a small image."""
    return draw(codes(draw(shape_NCHW(smallest)), lo, hi))


@st.composite
def codes_NI_OI(draw, bits_x=8, bits_w=8):
    """(x, w, e) of a linear layer: (N, I), (O, I), (N, O)."""
    N, I, O = draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 6))
    x, w = symmetric((N, I), bits_x), symmetric((O, I), bits_w)
    return draw(x), draw(w), draw(symmetric((N, O), 8))


@st.composite
def convolution_settings(draw):
    """((N, C, H, W), description for the oracle): every setting, and at least one output.

    Any kernel size, stride, padding (uneven too, "same" too), dilation and groups.
    """
    KH, KW = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2), (2, 3)]))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 2), (3, 1)]))
    padding = draw(st.just("same") | st.tuples(*[st.integers(0, 2)] * 4))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    N, I, O = draw(st.integers(1, 3)), draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    sides = (0, 0, 0, 0) if padding == "same" else padding
    least_H = max(1, dilation[0] * (KH - 1) + 1 - sides[0] - sides[1])
    least_W = max(1, dilation[1] * (KW - 1) + 1 - sides[2] - sides[3])
    H, W = draw(st.integers(least_H, least_H + 4)), draw(st.integers(least_W, least_W + 4))
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    description = {"kind": "conv2d", "out_channels": O, "kernel_size": (KH, KW), **settings}
    return (N, I * groups, H, W), description


class Convolution(NamedTuple):
    """One convolution with its operands."""

    x: list  # NCHW
    w: list  # OIHW
    e: list  # N O OH OW
    settings: dict  # stride, padding, dilation, groups


@st.composite
def convolutions(draw, bits_x=8, bits_w=8, bits_e=8):
    """A convolution of `convolution_settings` with codes of all its operands."""
    x_shape, description = draw(convolution_settings())
    oracle.build_window(description, x_shape[1:])
    settings = {name: description[name] for name in oracle.CONV}
    I = x_shape[1] // settings["groups"]
    w_shape = (description["out_channels"], I, *description["kernel_size"])
    sizes = settings["stride"], settings["padding"], settings["dilation"]
    e_shape = oracle.conv2d_shape(x_shape, w_shape, *sizes)
    return Convolution(
        draw(symmetric(x_shape, bits_x)),
        draw(symmetric(w_shape, bits_w)),
        draw(symmetric(e_shape, bits_e)),
        settings,
    )


@st.composite
def pooling_settings(draw, kind="max_pool2d"):
    """((N, C, H, W), description): windows may overlap, leave gaps and leave a remainder.

    Padding (of maxima only) is smaller than the window, so that every window holds a pixel.
    """
    KH, KW = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = draw(shape_NCHW((KH, KW), (KH + 4, KW + 4)))
    description = {"kind": kind, "kernel_size": (KH, KW), "stride": stride}
    if kind == "max_pool2d":
        tops = st.tuples(*[st.integers(0, KH - 1)] * 2)
        lefts = st.tuples(*[st.integers(0, KW - 1)] * 2)
        description["padding"] = (*draw(tops), *draw(lefts))
    elif draw(st.booleans()):
        description = {"kind": kind, "kernel_size": None}  # the whole image
    return shape, description


class Pooling(NamedTuple):
    """One pooling with its input and the error that comes back."""

    x: list  # NCHW
    e: list  # N C OH OW
    settings: dict  # kernel_size, stride and for maxima padding


@st.composite
def poolings(draw, kind="max_pool2d", lo=-300, hi=300):
    """A pooling of `pooling_settings` with its input and error."""
    shape, description = draw(pooling_settings(kind))
    oracle.build_window(description, shape[1:])
    names = ("kernel_size", "stride", "padding")[: 3 if kind == "max_pool2d" else 2]
    w_shape = (1, 1, *description["kernel_size"])
    sizes = description["stride"], description["padding"], (1, 1)
    _, _, OH, OW = oracle.conv2d_shape(shape, w_shape, *sizes)
    x, e = draw(codes(shape, lo, hi)), draw(codes((*shape[:2], OH, OW), -127, 127))
    return Pooling(x, e, {name: description[name] for name in names})


# ---------------------------------------------------------------------------- whole nets


def rates(kG):
    """Learning rates that a kG-bit master weight admits: powers of two and exact fractions."""
    most = Fraction(2) ** max(0, min(kG, 31) - 2)
    some = ["8", "1", "1/8", "3/10", "5/3", "7", "1/1024", "1/4", "100", "4096", "16384/3"]
    return st.sampled_from([rate for rate in map(Fraction, some) if rate <= most])


@st.composite
def nets(draw, classes=3):
    """((C, H, W), descriptions): blocks of every layer kind, ending in one number a class."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(3, 6)), draw(st.integers(3, 6)))
    net, size = [], shape[1:]
    for _ in range(draw(st.integers(1, 3))):
        net += draw(blocks(size))
        size = oracle.build(oracle.copied(net), shape, (2, 2, 2, 2), 0)[1:]
    if draw(st.booleans()):
        net.append({"kind": "avg_pool2d", "kernel_size": None})
    net.append({"kind": "flatten"})
    if draw(st.booleans()):
        hidden = {"kind": "linear", "out_features": draw(st.integers(1, 5))}
        net += [hidden, {"kind": "relu"}, {"kind": "requantize"}]
    return shape, [*net, {"kind": "linear", "out_features": classes}]


@st.composite
def conv_layers(draw, channels=None, kernels=((1, 1), (3, 3), (2, 3)), stride=(1, 1)):
    """One convolution that keeps the image size (at stride 1)."""
    return {
        "kind": "conv2d",
        "out_channels": channels or draw(st.integers(1, 4)),
        "kernel_size": draw(st.sampled_from(kernels)),
        "stride": stride,
        "padding": "same",
    }


@st.composite
def blocks(draw, size):
    """A few layers that take narrow activations of any channels and return narrow ones."""
    end = [{"kind": "relu"}, {"kind": "requantize"}]
    if draw(st.integers(0, 5)) == 0:
        end = end[1:]
    kind = draw(st.sampled_from(["plain", "pool", "residual", "concatenate", "average"]))
    if kind == "plain":
        stride = draw(st.sampled_from([(1, 1), (2, 2), (2, 1)]))
        return [draw(conv_layers(stride=stride)), *end]
    if kind == "pool":
        pool = {"kind": "max_pool2d", "kernel_size": (2, 2), "stride": (2, 2)}
        if min(size) >= 3 and draw(st.booleans()):
            pool |= {"kernel_size": (3, 3)}
        pool = pool if min(size) >= 2 else {"kind": "relu"}
        return [draw(conv_layers()), pool, *end]
    if kind == "average":
        pool = {"kind": "avg_pool2d", "kernel_size": (min(2, size[0]), min(3, size[1]))}
        return [draw(conv_layers()), *end, pool]
    if kind == "residual":
        channels = draw(st.integers(1, 4))
        inner = [draw(conv_layers(channels)), *end] if draw(st.booleans()) else []
        shortcut = [draw(conv_layers(channels, ((1, 1),)))] if draw(st.booleans()) else []
        first = [draw(conv_layers(channels)), *end]
        body = [*inner, draw(conv_layers(channels))]
        return [*first, {"kind": "residual", "body": body, "shortcut": shortcut}, *end]
    wide = draw(st.booleans())
    branches = [
        [draw(conv_layers()), *([] if wide else map(dict, end))]
        for _ in range(draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        branches.append([])
    return [{"kind": "concatenate", "branches": branches}, *end]
