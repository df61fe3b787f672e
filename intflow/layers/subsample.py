"""Every second pixel, and channels of zeros: the shortcut without weights of CIFAR's ResNets."""

from .. import ops
from .layer import Layer, after


class Subsample(Layer):
    """y[n, c + before, h, w] = x[n, c, h * stride, w * stride]; the channels around are zeros.

    backward: the error goes back to the pixels that were taken, the others get 0.

    Parameters
    ----------
    stride : int or (h, w)
    before, after : int; channels of zeros on each side.
    """

    kind = "subsample"

    def __init__(self, stride, before=0, after=0):
        self.window = ops.Window.of(1, stride)
        self.before, self.after = before, after

    def build(self, spec, build):
        channels, height, width = self.expect_pixels(spec)
        if min(self.before, self.after) < 0:
            self.refuse("channels of zeros from 0", spec, f"got {self.before} and {self.after}")
        size = self.window.output_size(height, width)
        return after(spec, shape=(self.before + channels + self.after, *size))

    def forward(self, x, run):
        y = ops.subsample(x, self.window.stride, self.before, self.after)
        return y, x.codes.shape

    def backward(self, e, saved, run):
        return ops.subsample_error(e, self.window.stride, self.before, saved)

    def settings(self):
        return dict(stride=self.window.stride, before=self.before, after=self.after)
