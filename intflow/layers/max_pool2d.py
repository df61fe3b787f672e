"""Maximum pooling."""

from .. import ops
from .layer import Layer, after


class MaxPool2d(Layer):
    """y = maximum of each window; padding never wins. Ties go to the first in row-major order.

    backward: the error goes to the winner; where windows overlap, errors add up exactly (the
    format grows by the bits that takes).

    Parameters
    ----------
    kernel_size : int or (h, w)
    stride : int or (h, w); kernel_size if not given.
    padding : as of Conv2d.
    ceil : a last window that only begins in the image counts too; where not, it is left out.
    """

    kind = "max_pool2d"
    pooled = None           # the layer whose outputs it pools

    def __init__(self, kernel_size, stride=None, padding=0, ceil=False):
        stride = kernel_size if stride is None else stride
        self.window = ops.Window.of(kernel_size, stride, padding, ceil=ceil)

    def prepare(self, before, build):
        self.pooled = before

    def build(self, spec, build):
        channels, height, width = self.expect_pixels(spec)
        size = self.window.output_size(height, width)
        if min(size) < 1:
            self.refuse(f"an image of at least its window {self.window.kernel_size}", spec,
                        "use larger images or fewer layers")
        self.window = self.window.resolve(height, width)
        top, bottom, left, right = self.window.padding
        if max(top, bottom) >= self.window.kernel_size[0] or \
                max(left, right) >= self.window.kernel_size[1]:
            self.refuse("padding smaller than its window", spec, f"padding is {self.window.padding}")
        return after(spec, shape=(channels, *size))

    def forward(self, x, run):
        y, winner = ops.max_pool2d(run.kernels, x, self.window)
        return y, (winner, x.codes.shape)

    def backward(self, e, saved, run):
        winner, shape = saved
        if e.format.bits > 32:
            e = run.scheme.shortened(run.kernels, e, run.address("error", self))
        return ops.max_pool2d_error(run.kernels, e, winner, self.window, shape)

    def settings(self):
        w = self.window
        return dict(kernel_size=w.kernel_size, stride=w.stride, padding=w.padding)

