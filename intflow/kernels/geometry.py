"""Sizes of a convolution, checked once at the door of every product.

Lingo: H W input pixels, OH OW output pixels, KH KW taps, N images, I O channels, g groups.
Output pixel o meets input pixel i through tap k where  i = o * stride - padding + k * dilation.
"""

from functools import lru_cache
from typing import NamedTuple

from ..errors import ShapeError


class Axis(NamedTuple):
    """One direction (rows or columns) of a convolution.

    Examples
    --------
    inputs=8, outputs=4, taps=3, stride=2, padding=1, dilation=1: output 3 sees inputs 5, 6, 7.
    """

    inputs: int
    outputs: int
    taps: int
    stride: int
    padding: int
    dilation: int

    def reach(self, tap):
        """Outputs that meet an input through this tap, and those inputs: two slices.

        Examples
        --------
        The axis above, tap 0: outputs 1..3 (input -1 is padding), inputs 1, 3, 5.
        """
        shift = tap * self.dilation - self.padding
        first = max(0, -(shift // self.stride))
        last = min(self.outputs - 1, (self.inputs - 1 - shift) // self.stride)
        start = first * self.stride + shift
        count = last - first + 1
        if count <= 0:
            return slice(0, 0), slice(0, 0)
        stop = start + (count - 1) * self.stride + 1
        return slice(first, last + 1), slice(start, stop, self.stride)


class Geometry(NamedTuple):
    """Both axes, images, channels and groups of one convolution."""

    rows: Axis
    columns: Axis
    images: int
    inputs: int
    outputs: int
    groups: int

    @property
    def taps(self):
        """KH * KW."""
        return self.rows.taps * self.columns.taps

    @property
    def group_inputs(self):
        """Input channels of one group."""
        return self.inputs // self.groups

    @property
    def group_outputs(self):
        """Output channels of one group."""
        return self.outputs // self.groups

    @property
    def products(self):
        """Multiply-adds, counting those with padding."""
        pixels = self.rows.outputs * self.columns.outputs
        return pixels * self.images * self.outputs * self.taps * self.group_inputs


def output_size(x_shape, w_shape, stride, padding, dilation):
    """(OH, OW) of a convolution of x (H, W, N, I) with w (KH, KW, I/groups, O)."""
    (height, width), (kh, kw) = x_shape[:2], w_shape[:2]
    top, bottom, left, right = padding
    return ((height + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1,
            (width + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1)


def check_mask(passed, shape, masks=()):
    """ShapeError unless `passed` is None or holds packed masks (*masks, ...) of this shape."""
    expected = (*masks, *shape[:-1], -(-shape[-1] // 8))
    if passed is not None and passed.shape != expected:
        raise ShapeError(f"a packed mask of {shape} is {expected}, got {passed.shape}")


@lru_cache(maxsize=1024)
def geometry(x_shape, w_shape, y_shape, stride, padding, dilation, groups):
    """Check the shapes of a convolution against each other.

    Parameters
    ----------
    x_shape : (H, W, N, I)
    w_shape : (KH, KW, I/groups, O)
    y_shape : (OH, OW, N, O)
    stride, dilation : (h, w), at least 1
    padding : (top, bottom, left, right) zeros, at least 0
    groups : divides I and O

    Raises
    ------
    ShapeError : with the shape that came and the one that fits.
    """
    if not len(x_shape) == len(w_shape) == len(y_shape) == 4:
        raise ShapeError(
            "a convolution takes x (H, W, N, I), w (KH, KW, I/groups, O) and y (OH, OW, N, O), "
            f"got {x_shape}, {w_shape} and {y_shape}"
        )
    height, width, images, inputs = x_shape
    kh, kw, group_inputs, outputs = w_shape
    if min(*x_shape, *w_shape) < 1 or min(*stride, *dilation, groups) < 1 or min(padding) < 0:
        raise ShapeError(
            "sizes, strides, dilations and groups start at 1 and padding at 0, got "
            f"x {x_shape}, w {w_shape}, stride {stride}, dilation {dilation}, "
            f"groups {groups}, padding {padding}"
        )
    if inputs != group_inputs * groups or outputs % groups:
        raise ShapeError(
            f"w {w_shape} with groups={groups} expects {group_inputs * groups} input channels "
            f"and outputs divisible by {groups}, got {inputs} and {outputs}"
        )
    oh, ow = output_size(x_shape, w_shape, stride, padding, dilation)
    if tuple(y_shape) != (oh, ow, images, outputs) or min(oh, ow) < 1:
        raise ShapeError(
            f"a convolution of x {x_shape} with w {w_shape} gives {(oh, ow, images, outputs)}, "
            f"got an array of shape {y_shape}"
        )
    return Geometry(
        Axis(height, oh, kh, stride[0], padding[0], dilation[0]),
        Axis(width, ow, kw, stride[1], padding[2], dilation[1]),
        images,
        inputs,
        outputs,
        groups,
    )
