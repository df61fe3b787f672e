"""A table of layers as a PyTorch network: plain, or WAGE simulated in floats.

The simulation ("fake quantisation") is how such methods are run today: values of a grid of step
2**(1-k) inside (-1, 1), held in fp32, quantised at the same places as the authors' code does: W
where a layer reads its weight, A and E behind each ReLU, G at the update.
"""

import math

import torch
from torch import nn
from torch.nn import functional


def network(table, wage=None):
    """nn.Sequential of a table; wage : bits (W, A, G, E) of the simulation, or None."""
    return nn.Sequential(*(layer(row, wage) for row in table))


def layer(row, wage):
    """One row of a table as a module."""
    kind = row["kind"]
    if kind in ("conv2d", "linear"):
        return weighted(row, wage)
    if kind == "max_pool2d":
        return Padded(nn.MaxPool2d(row["kernel_size"], row["stride"]), row["padding"], -math.inf)
    if kind == "avg_pool2d":
        return nn.AvgPool2d(row["kernel_size"], row["stride"])
    if kind == "requantize":
        return Quantize(wage) if wage else nn.Identity()
    if kind == "residual":
        return Residual(network(row["body"], wage), network(row["shortcut"], wage))
    if kind == "subsample":
        return Subsample(row["stride"], row["before"], row["after"])
    return {"relu": nn.ReLU, "flatten": nn.Flatten}[kind]()


def weighted(row, wage):
    """A convolution or a matrix, its weights initialised as WAGE does."""
    outputs, inputs = row["weight"][:2]
    if row["kind"] == "linear":
        module = (WageLinear if wage else nn.Linear)(inputs, outputs, bias=False)
    else:
        module = (WageConv2d if wage else nn.Conv2d)(
            inputs * row["groups"], outputs, row["kernel_size"], row["stride"],
            dilation=row["dilation"], groups=row["groups"], bias=False)
    fan_in = math.prod(row["weight"][1:])
    limit = math.sqrt(3 / fan_in)
    if wage:
        least = 1.5 * unit(wage[0])
        module.bits, module.scale = wage[0], max(1, 2 ** round(math.log2(least / limit)))
        limit = max(limit, least)
    nn.init.uniform_(module.weight, -limit, limit)
    return module if row["kind"] == "linear" else Padded(module, row["padding"])


class Padded(nn.Module):
    """A window over a padded image; equal zeros are left to the convolution itself."""

    def __init__(self, module, padding, value=0.0):
        super().__init__()
        self.module, self.value = module, value
        top, bottom, left, right = padding
        self.border = (left, right, top, bottom)
        if isinstance(module, nn.Conv2d) and (top, left) == (bottom, right):
            module.padding, self.border = (top, left), (0, 0, 0, 0)

    def forward(self, x):
        if any(self.border):
            x = functional.pad(x, self.border, value=self.value)
        return self.module(x)


class Residual(nn.Module):
    """body(x) + shortcut(x)."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Subsample(nn.Module):
    """Every n-th pixel, and channels of zeros on both sides."""

    def __init__(self, stride, before, after):
        super().__init__()
        self.stride, self.channels = stride, (0, 0, 0, 0, before, after)

    def forward(self, x):
        return functional.pad(x[:, :, ::self.stride[0], ::self.stride[1]], self.channels)


# ---------------------------------------------------------------- WAGE in floats
def unit(bits):
    """The step of a grid of so many bits."""
    return 2.0 ** (1 - bits)


def clip(x, bits):
    """Inside the grid's largest values."""
    return x.clamp(unit(bits) - 1, 1 - unit(bits))


def to_grid(x, bits):
    """To the nearest point of the grid."""
    return torch.round(x / unit(bits)) * unit(bits)


def power_near(x):
    """The power of two nearest to x, in the logarithm."""
    return 2.0 ** torch.round(torch.log2(x))


class Straight(torch.autograd.Function):
    """The second argument; its error goes to the first as it is."""

    @staticmethod
    def forward(ctx, x, quantized):
        return quantized.view_as(quantized)

    @staticmethod
    def backward(ctx, error):
        return error, None


class NarrowError(torch.autograd.Function):
    """The identity, whose error is normalised by its maximum and quantised."""

    @staticmethod
    def forward(ctx, x, bits):
        ctx.bits = bits
        return x.view_as(x)

    @staticmethod
    def backward(ctx, error):
        error = error / power_near(error.abs().max())
        return to_grid(clip(error, ctx.bits), ctx.bits), None


class Quantize(nn.Module):
    """A forwards, E backwards."""

    def __init__(self, bits):
        super().__init__()
        _, self.activation, _, self.error = bits

    def forward(self, x):
        x = clip(NarrowError.apply(x, self.error), self.activation)
        return Straight.apply(x, to_grid(x, self.activation))


def read(module):
    """W: the weight as the product sees it."""
    narrow = to_grid(clip(module.weight, module.bits), module.bits)
    return Straight.apply(module.weight, narrow / module.scale)


class WageConv2d(nn.Conv2d):
    """A convolution that reads its weight through W."""

    def forward(self, x):
        return self._conv_forward(x, read(self), None)


class WageLinear(nn.Linear):
    """A matrix that reads its weight through W."""

    def forward(self, x):
        return functional.linear(x, read(self))


GRADIENT_BITS = 16      # of a gradient before its random rounding


def update(parameters, bits, rate):
    """G, and the step of the weights."""
    for weight in parameters:
        change = to_grid(rate * weight.grad / power_near(weight.grad.abs().max()), GRADIENT_BITS)
        whole = change.abs().floor()
        up = torch.rand_like(change) < change.abs() - whole
        weight.copy_(clip(weight - change.sign() * (whole + up) * unit(bits), bits))
