"""Networks of intflow as PyTorch modules in fp32: the same layers, narrowings left out."""

from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """body(x) + shortcut(x)."""

    def __init__(self, layer, channels):
        super().__init__()
        self.body, after = convert(layer.body, channels)
        self.shortcut, _ = convert(layer.shortcut, channels)
        self.channels = after

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Subsample(nn.Module):
    """Every second pixel, and channels of zeros."""

    def __init__(self, layer):
        super().__init__()
        self.stride, self.pad = layer.window.stride, (0, 0, 0, 0, layer.before, layer.after)

    def forward(self, x):
        return functional.pad(x[:, :, ::self.stride[0], ::self.stride[1]], self.pad)


def convert(layer, channels):
    """(module, channels behind it) of a layer of intflow that is not built.

    channels : of its input; None behind Flatten, whose size the first batch tells.
    """
    if layer.kind == "sequential":
        modules = []
        for inner in layer.layers:
            module, channels = convert(inner, channels)
            modules.append(module)
        return nn.Sequential(*modules), channels
    if layer.kind == "residual":
        block = Residual(layer, channels)
        return block, block.channels
    return LAYERS[layer.kind](layer, channels)


def _conv(layer, channels):
    w = layer.window
    padding = w.padding if w.padding == "same" else (w.padding[0], w.padding[2])
    return nn.Conv2d(channels, layer.out_channels, w.kernel_size, w.stride, padding, w.dilation,
                     w.groups, bias=layer.has_bias), layer.out_channels


def _max_pool(layer, channels):
    w = layer.window
    return nn.MaxPool2d(w.kernel_size, w.stride, (w.padding[0], w.padding[2])), channels


def _linear(layer, channels):
    return nn.LazyLinear(layer.out_features, bias=layer.has_bias), None


def _batch_norm(layer, channels):
    """Of pixels, or of rows, whose number the first batch tells."""
    epsilon = float(layer.epsilon)
    return (nn.BatchNorm2d(channels, epsilon) if channels else nn.LazyBatchNorm1d(epsilon)), channels


LAYERS = {
    "conv2d": _conv,
    "linear": _linear,
    "max_pool2d": _max_pool,
    "subsample": lambda layer, c: (Subsample(layer), c + layer.before + layer.after),
    "batch_norm2d": _batch_norm,
    "relu": lambda layer, c: (nn.ReLU(), c),
    "requantize": lambda layer, c: (nn.Identity(), c),
    "avg_pool2d": lambda layer, c: (nn.AdaptiveAvgPool2d(1), c),       # of the whole image
    "flatten": lambda layer, c: (nn.Flatten(), None),
}
