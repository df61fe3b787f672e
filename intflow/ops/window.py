"""The geometry of a sliding window: kernel size, stride, padding, dilation, groups."""

from dataclasses import dataclass

import numpy as np

from ..errors import ShapeError


def pair(value, what):
    """An int or a pair of ints as (h, w)."""
    values = (value, value) if isinstance(value, int) else tuple(value)
    if len(values) != 2 or not all(isinstance(v, int) for v in values):
        raise ShapeError(f"{what} must be an integer or a pair of integers, got {value!r}")
    return values


@dataclass(frozen=True)
class Window:
    """A window as a layer declares it.

    Parameters
    ----------
    kernel_size, stride, dilation : (h, w)
    padding : "same", or (top, bottom, left, right) zeros. "same" gives ceil(size / stride)
        outputs, the odd zero below and to the right.
    groups : int; input and output channels are cut into this many independent runs.
    ceil : a last window that the padded image only begins is taken too, unless it would begin in
        the padding below or to the right.
    """

    kernel_size: tuple
    stride: tuple = (1, 1)
    padding: object = (0, 0, 0, 0)
    dilation: tuple = (1, 1)
    groups: int = 1
    ceil: bool = False

    @classmethod
    def of(cls, kernel_size, stride=1, padding=0, dilation=1, groups=1, ceil=False):
        """A window from the loose forms layers accept; ShapeError where one makes no sense."""
        window = cls(
            pair(kernel_size, "kernel_size"), pair(stride, "stride"), _padding(padding),
            pair(dilation, "dilation"), groups, ceil,
        )
        if min(window.kernel_size + window.stride + window.dilation) < 1 or groups < 1:
            raise ShapeError(f"kernel_size, stride, dilation and groups start at 1, got {window}")
        return window

    @property
    def extent(self):
        """Pixels from the first tap to the last, (h, w)."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation))

    @property
    def index_dtype(self):
        """Of the number of a tap."""
        return np.uint8 if self.kernel_size[0] * self.kernel_size[1] <= 256 else np.uint16

    def resolve(self, height, width):
        """This window with "same" and `ceil` turned into zeros on the four sides."""
        sides = self.padding
        if sides == "same":
            sides = ()
            for size, extent, stride in zip((height, width), self.extent, self.stride):
                total = max(0, (-(-size // stride) - 1) * stride + extent - size)
                sides += (total // 2, total - total // 2)
        if self.ceil:
            sides = tuple(
                side for axis, size in enumerate((height, width))
                for side in _with_last(size, self.extent[axis], self.stride[axis],
                                       *sides[2 * axis:2 * axis + 2])
            )
        return Window(self.kernel_size, self.stride, sides, self.dilation, self.groups)

    def output_size(self, height, width):
        """(OH, OW) of a height x width input; below 1 where the window does not fit."""
        top, bottom, left, right = self.resolve(height, width).padding
        sizes = (height + top + bottom, width + left + right)
        return tuple((s - e) // t + 1 for s, e, t in zip(sizes, self.extent, self.stride))

    def keywords(self):
        """Arguments of the convolution kernels."""
        return dict(
            stride=self.stride, padding=self.padding, dilation=self.dilation, groups=self.groups
        )


def _with_last(size, extent, stride, before, after):
    """(before, after) with the zeros that a last, incomplete window needs.

    Examples
    --------
    6 pixels, window 3, stride 2: windows begin at 0 and 2; one at 4 needs 1 zero after them.
    """
    more = -(size + before + after - extent) % stride
    begins = size + before + after + more - extent
    return before, after + (more if begins < size + before else 0)


def _padding(value):
    if isinstance(value, str):
        if value != "same":
            raise ShapeError(f'padding must be "same" or integers, got {value!r}')
        return value
    sides = (value, value) if isinstance(value, int) else tuple(value)
    if len(sides) == 2:
        sides = (sides[0], sides[0], sides[1], sides[1])
    if len(sides) != 4 or min(sides) < 0:
        raise ShapeError(
            f"padding must be one integer, (h, w) or (top, bottom, left, right) from 0, got {value!r}"
        )
    return sides
