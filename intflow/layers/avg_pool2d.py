"""Average pooling, by exact rounded division."""

from .. import ops
from .layer import Layer, after


class AvgPool2d(Layer):
    """y = half_even(sum of the window / its size), at the step of x or finer.

    backward: every input gets error / size, rounded half even with guard bits below the step.

    Parameters
    ----------
    kernel_size : int, (h, w), or None for the whole image (global average).
    stride : int or (h, w); kernel_size if not given.
    padding : as of Conv2d; its zeros are part of the sum, and the size stays that of the window.
    guard_bits : int; bits that y keeps below the step of x, so that a Requantize behind it rounds
        once. With as many as log2 of a size that is a power of two nothing is rounded: y is the
        sum itself.

    Examples
    --------
    1 + 2 + 3 + 4 over 2x2: 10 / 4 is 2; with 2 guard bits 10 at a quarter of the step.
    """

    kind = "avg_pool2d"

    def __init__(self, kernel_size=None, stride=None, padding=0, guard_bits=0):
        self.window, self.guard_bits = None, guard_bits
        if kernel_size is not None:
            stride = kernel_size if stride is None else stride
            self.window = ops.Window.of(kernel_size, stride, padding)

    def build(self, spec, build):
        channels, height, width = self.expect_pixels(spec)
        self.window = self.window or ops.Window.of((height, width), (height, width))
        size = self.window.output_size(height, width)
        if min(size) < 1:
            self.refuse(f"an image of at least its window {self.window.kernel_size}", spec,
                        "use larger images or fewer layers")
        self.window = self.window.resolve(height, width)
        fmt = self.proven(ops.average_format, spec.format, self.window, self.guard_bits)
        return after(spec, shape=(channels, *size), fmt=fmt)

    def forward(self, x, run):
        return ops.avg_pool2d(run.kernels, x, self.window, self.guard_bits), x.codes.shape

    def backward(self, e, saved, run):
        if e.format.bits > ops.pooling.average_error_bits(self.window):
            e = run.scheme.shortened(run.kernels, e, run.address("error", self))
        return ops.avg_pool2d_error(run.kernels, e, self.window, saved)

    def settings(self):
        w = self.window
        return dict(kernel_size=w.kernel_size, stride=w.stride, padding=w.padding,
                    guard_bits=self.guard_bits)
