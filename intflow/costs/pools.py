"""Sizes of a pooling layer, for the costs of its kernels."""

from dataclasses import dataclass
from math import prod

from ..formats import Fixed
from ..kernels.geometry import Axis


@dataclass(frozen=True)
class Pool:
    """Elements of a pooling layer.

    small, large : numbers behind and before the layer.
    taps : pairs of a window and a pixel in it, padding left out.
    kernel_size, stride : of the layer.

    Examples
    --------
    3x3 windows of stride 2 over 4x4 pixels, padding 1 above and to the left: 2x2 windows of
    2 + 3 rows and columns, 25 taps.
    """

    small: int
    large: int
    taps: int
    kernel_size: tuple
    stride: tuple

    @property
    def winner(self):
        """Format of the numbers of winners."""
        return Fixed(8 if prod(self.kernel_size) <= 256 else 16, 0, signed=False)


def pool_of(window, images, shape, out_shape):
    """The Pool of a layer: (C, H, W) `shape` to `out_shape` for every image."""
    top, _, left, _ = window.padding
    axes = [Axis(shape[i], out_shape[i], window.kernel_size[i - 1], window.stride[i - 1], pad, 1)
            for i, pad in ((1, top), (2, left))]
    rows, columns = (sum(len(range(axis.outputs)[axis.reach(tap)[0]]) for tap in range(axis.taps))
                     for axis in axes)
    return Pool(images * prod(out_shape), images * prod(shape), images * shape[0] * rows * columns,
                window.kernel_size, window.stride)
