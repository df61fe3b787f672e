"""Convolutions for the tests of the products: sizes by axes, operands by width."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from intflow.kernels import available, load


def product_kernels(threads=1):
    """Every fast backend of this machine, and vnni, in both forms, and amx emulated."""
    runs = [name for name, (here, _) in available().items() if here and name != "reference"]
    kernels = {name: load(name, threads) for name in runs}
    for name in ("vnni", "amx"):
        kernels[f"{name}-emulated"] = load(name, threads, emulated=True)
    kernels["avx_vnni-emulated"] = load("vnni", threads, emulated="avx_vnni")
    return kernels


class Convolution(NamedTuple):
    """Sizes of one convolution and the bounds of its operands (127 or less: s8, else s16).

    positive : no x is negative. unsigned : x is u8, up to 2 * 127 + 1.
    """

    height: int
    width: int
    images: int
    group_inputs: int
    group_outputs: int
    kernel: tuple = (1, 1)
    stride: tuple = (1, 1)
    padding: tuple = (0, 0, 0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1
    x_max: int = 127
    w_max: int = 127
    e_max: int = 127
    wide: bool = False
    positive: bool = False
    unsigned: bool = False

    @property
    def output_size(self):
        """(OH, OW), below 1 where the window does not fit."""
        top, bottom, left, right = self.padding
        sizes = (self.height + top + bottom, self.width + left + right)
        return tuple((size - d * (k - 1) - 1) // s + 1 for size, k, s, d in
                     zip(sizes, self.kernel, self.stride, self.dilation))

    @property
    def window(self):
        """Keyword arguments of the products."""
        return dict(stride=self.stride, padding=self.padding, dilation=self.dilation,
                    groups=self.groups)

    @property
    def bounds(self):
        """Largest sums of forward, error and gradient."""
        taps = self.kernel[0] * self.kernel[1]
        oh, ow = self.output_size
        x_max = 255 if self.unsigned else self.x_max
        return (taps * self.group_inputs * x_max * self.w_max,
                taps * self.group_outputs * self.e_max * self.w_max,
                oh * ow * self.images * x_max * self.e_max)

    def operands(self, seed=0):
        """x, w, e; random with the ends of their range."""
        rng = np.random.default_rng(seed)
        inputs, outputs = self.group_inputs * self.groups, self.group_outputs * self.groups
        shape = (self.height, self.width, self.images, inputs)
        if self.unsigned:
            x = np.minimum(np.abs(codes(rng, 256, shape)), 255).astype(np.uint8)
        else:
            x = codes(rng, self.x_max, shape)
        w = codes(rng, self.w_max, (*self.kernel, self.group_inputs, outputs))
        e = codes(rng, self.e_max, (*self.output_size, self.images, outputs))
        return np.abs(x) if self.positive and not self.unsigned else x, w, e

    def run(self, kernels, x, w, e):
        """Forward, error and gradient into arrays that hold something else before."""
        shapes = (e.shape, x.shape, w.shape)
        y, d, g = (
            np.full(shape, 85, np.int64 if self.wide or bound >= 2**31 else np.int32)
            for shape, bound in zip(shapes, self.bounds)
        )
        kernels.conv2d_forward(y, x, w, **self.window, w_max=self.w_max)
        kernels.conv2d_error(d, e, w, **self.window, w_max=self.w_max)
        kernels.conv2d_gradient(g, x, e, **self.window)
        return y, d, g


def codes(rng, largest, shape):
    """Integers in +-largest, a third of them at the ends or 0, in the narrowest width."""
    dtype = np.int8 if largest <= 127 else np.int16
    x = rng.integers(-largest, largest + 1, shape)
    ends = np.array([-largest, 0, largest])[rng.integers(0, 3, shape)]
    return np.where(rng.integers(0, 3, shape) == 0, ends, x).astype(dtype)


def sizes(*around):
    """Mostly 1 to 5, sometimes around a size where a kernel changes its path."""
    edges = sorted({n + d for n in around for d in (-1, 0, 1)})
    return st.one_of(st.integers(1, 5), st.sampled_from(edges))


@st.composite
def convolutions(draw):
    """Small convolutions of every kind whose output has at least one pixel."""
    pair = lambda largest: st.tuples(st.integers(1, largest), st.integers(1, largest))  # noqa: E731
    height, width = draw(pair(6))
    kernel, stride, dilation = draw(pair(3)), draw(pair(3)), draw(pair(2))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    # grown where the window is larger than the padded image
    height += max(0, dilation[0] * (kernel[0] - 1) + 1 - height - padding[0] - padding[1])
    width += max(0, dilation[1] * (kernel[1] - 1) + 1 - width - padding[2] - padding[3])
    widths = st.sampled_from([1, 3, 7, 8, 127, 128, 2047, 32767])
    case = Convolution(
        height, width, draw(sizes(6, 14, 16, 32)), draw(sizes(8, 16, 64)),
        draw(sizes(8, 16, 32, 64)), kernel, stride, padding, dilation, draw(st.integers(1, 3)),
        draw(widths), draw(widths), draw(widths), draw(st.booleans()), draw(st.booleans()),
        draw(st.booleans()))
    return case
