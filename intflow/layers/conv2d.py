"""Two-dimensional convolution."""

from .. import ops
from .weighted import Weighted


class Conv2d(Weighted):
    """y[n,o,h,w] = sum over (i, kh, kw) of x[n,i,.,.] * w[o,i,kh,kw], + b[o].

    x (N, I, H, W) narrow, w (O, I/groups, KH, KW) narrow -> y (N, O, OH, OW) s32 or s64, exact;
    one step of y is the step of x times the step of w.

    Parameters
    ----------
    out_channels : int
    kernel_size, stride, dilation : int or (h, w)
    padding : "same", int, (h, w) or (top, bottom, left, right); zeros of the quantised domain.
    groups : int
    bias : whether the layer has one, under schemes that keep biases.
    """

    kind = "conv2d"

    def __init__(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1,
                 bias=False):
        self.out_channels, self.has_bias = out_channels, bias
        self.window = ops.Window.of(kernel_size, stride, padding, dilation, groups)

    def build(self, spec, build):
        channels, height, width = self.expect_pixels(spec)
        groups = self.window.groups
        if channels % groups or self.out_channels % groups:
            self.refuse(f"channels divisible by groups={groups}", spec,
                        f"out_channels is {self.out_channels}")
        oh, ow = self.window.output_size(height, width)
        if min(oh, ow) < 1:
            self.refuse(f"an image of at least its window {self.window.extent}", spec,
                        "use larger images or fewer layers")
        self.window = self.window.resolve(height, width)
        kh, kw = self.window.kernel_size
        fan_in = kh * kw * channels // groups
        weight = (kh, kw, channels // groups, self.out_channels)
        terms = kh * kw * self.out_channels // groups
        shape = (self.out_channels, oh, ow)
        return self.finish_build(spec, build, weight, fan_in, terms, oh * ow, shape)

    def settings(self):
        w = self.window
        return dict(out_channels=self.out_channels, kernel_size=w.kernel_size, stride=w.stride,
                    padding=w.padding, dilation=w.dilation, groups=w.groups)
