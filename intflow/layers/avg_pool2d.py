"""Average pooling, by exact rounded division."""

from .. import ops
from .layer import Layer, after


class AvgPool2d(Layer):
    """y = half_even(sum of the window / its size), at the step of x; no padding.

    backward: every input gets error / size, rounded half even with guard bits below the step.

    Parameters
    ----------
    kernel_size : int, (h, w), or None for the whole image (global average).
    stride : int or (h, w); kernel_size if not given.
    """

    kind = "avg_pool2d"

    def __init__(self, kernel_size=None, stride=None):
        self.window = None
        if kernel_size is not None:
            self.window = ops.Window.of(kernel_size, kernel_size if stride is None else stride)

    def build(self, spec, build):
        channels, height, width = self.expect_pixels(spec)
        self.window = self.window or ops.Window.of((height, width), (height, width))
        size = self.window.output_size(height, width)
        if min(size) < 1:
            self.refuse(f"an image of at least its window {self.window.kernel_size}", spec,
                        "use larger images or fewer layers")
        return after(spec, shape=(channels, *size))

    def forward(self, x, run):
        return ops.avg_pool2d(run.kernels, x, self.window), x.codes.shape

    def backward(self, e, saved, run):
        return ops.avg_pool2d_error(run.kernels, e, self.window, saved)

    def settings(self):
        return dict(kernel_size=self.window.kernel_size, stride=self.window.stride)
