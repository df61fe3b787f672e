"""One pass over a calibration batch, in integers: layers are built and given numbers as it goes.

Every layer sees inputs that the layers before it have quantised already, so that ranges are those
of the integer network. Images take part, labels do not.

Lingo: a *flow* is what goes from layer to layer; VISITS says what becomes of it at each kind.
"""

from dataclasses import dataclass, replace

import numpy as np

from .. import ops
from ..formats import Fixed, Minifloat, Rounding, Tensor
from ..layers import Run, Spec
from ..ops import Products
from ..ops.normalise import OUTPUT
from ..quantizers.places import INNER
from ..quantizers.ranges import format_that_holds
from .equalise import equalised
from .float_forward import affine
from .fold import fixed, folded
from .statistics import corrected, moments

APART = "affine", "integer"         # batch norms that stay layers of their own
GAMMA_BITS = 16
BETA = Fixed(24, OUTPUT.frac_bits, symmetric=True)


@dataclass(frozen=True)
class Flow:
    """What reaches a layer.

    spec : Spec; x : Tensor of the calibration batch; its format is the Spec's.
    offset, factor : x is (published value - offset) * factor, of each channel; float64 (C,), or 0
        and 1. A batch norm takes them back.
    """

    spec: Spec
    x: Tensor
    offset: object = 0
    factor: object = 1


class Calibration:
    """A walk through layers that are not built yet.

    Parameters
    ----------
    published : {layer name: {role: float32 array}}, as `match` gives them.
    preprocessing : Preprocessing of the images.
    build : Build; its scheme gets the formats, its `parameters` the numbers.
    places : {layer name: END or TRUNK}, as `places_of` gives them.
    measured : {batch norm: (mean, variance)} of what reaches it in the published network, to
        correct its statistics by; None leaves them.
    """

    def __init__(self, published, preprocessing, build, places, measured=None):
        self.published, self.preprocessing = published, preprocessing
        self.build, self.places, self.measured = build, places, measured
        self.normalised = set()             # names of layers right before an affine batch norm
        self.scheme, self.kernels = build.scheme, build.kernels
        self.run = Run(build.kernels, build.scheme, Products(build.kernels), keep=False)

    def visit(self, layer, flow):
        """Build `layer` for the flow, fill its parameters, run it; returns the flow behind it."""
        return getattr(self, VISITS.get(layer.kind, "plain"))(layer, flow)

    def plain(self, layer, flow):
        """A layer without numbers: built and run."""
        spec = layer.build(flow.spec, self.build)
        y, _ = layer.forward(flow.x, self.run)
        return replace(flow, spec=spec, x=y)

    def sequential(self, layer, flow):
        """One after the other."""
        for before, inner in zip([None, *layer.layers], layer.layers):
            inner.prepare(before, self.build)
            if before and inner.kind == "batch_norm2d" and self.scheme.batch_norm in APART:
                self.normalised.add(before.name)
        for inner in layer.layers:
            flow = self.visit(inner, flow)
        return flow

    def residual(self, layer, flow):
        """Both ways, then their sum."""
        body, short = self.visit(layer.body, flow), self.visit(layer.shortcut, flow)
        x = layer.proven(ops.add, self.kernels, body.x, short.x)
        nonnegative = body.spec.nonnegative and short.spec.nonnegative
        return Flow(Spec(body.spec.shape, x.format, nonnegative=nonnegative), x)

    def concatenate(self, layer, flow):
        """All branches, then their channels side by side."""
        ends = [self.visit(branch, flow) for branch in layer.branches]
        x = layer.proven(ops.concatenate, self.kernels, [end.x for end in ends])
        shape = sum(end.spec.shape[0] for end in ends), *ends[0].spec.shape[1:]
        return Flow(Spec(shape, x.format, nonnegative=all(e.spec.nonnegative for e in ends)), x)

    def weighted(self, layer, flow):
        """Weights and bias encoded, then the product by them."""
        weight, bias, offset, factor = self._numbers(layer, flow.spec.is_input)
        name = layer.name
        real = fixed(weight, "HWIO" if weight.ndim == 4 else "IO")
        w = self.scheme.encode_weight(self.kernels, name, real, self._place(layer))
        master = self.scheme.encode_master(self.kernels, name, real, w)
        y = layer.proven(self.run.products.forward, name, flow.x, w, layer.window)
        if isinstance(w.format, Minifloat):
            self.scheme.keep(f"{name}.product", y.format)
        if bias is not None:
            bias = self.scheme.encode_bias(self.kernels, name, fixed(bias, "C"), y.format)
            y = layer.proven(ops.add_channels, self.kernels, y, bias)
        spec = layer.build(flow.spec, self.build)
        fill(layer.weight, master)
        if bias is not None:
            fill(layer.bias, bias)
        return Flow(spec, y, offset, factor)

    def _numbers(self, layer, is_first):
        """(weight, bias or None, offset, factor) of a layer, its filters brought to one range."""
        preprocessing = self.preprocessing if is_first else None
        weight, bias, offset = folded(layer, self.published, preprocessing)
        if not (self.scheme.equalises and layer.name in self.normalised):
            return weight, bias, offset, 1
        weight, factor = equalised(weight, self.scheme.weight_bits_at(self._place(layer)))
        return weight, None if bias is None else bias * factor, offset, factor

    def batch_norm2d(self, layer, flow):
        """Multipliers and biases from statistics, corrected by what reaches the layer here."""
        if self.scheme.batch_norm == "none" or layer.folded_into:
            return self.plain(layer, flow)
        own = dict(self.published[layer.name])
        if self.measured:
            own = corrected(own, moments(flow.x, flow.factor), self.measured[layer.name])
        own["mean"] = own["mean"] - flow.offset
        if self.scheme.batch_norm == "integer":
            return self._with_statistics(layer, flow, own)
        scale, shift = affine(own, layer.epsilon)
        a, b = fixed(scale / flow.factor, "C"), fixed(shift, "C")
        scale, bias = layer.proven(
            self.scheme.encode_affine, self.kernels, layer.name, a, b, flow.x.format)
        spec = layer.build(flow.spec, self.build)
        fill(layer.scale, scale)
        fill(layer.bias, bias)
        y, _ = layer.forward(flow.x, self.run)
        return Flow(spec, y)

    def _with_statistics(self, layer, flow, own):
        """gamma, beta and running statistics as they are, those of flow.factor times the sums."""
        name, epsilon = layer.name, float(layer.epsilon)
        spread = (own["variance"] + epsilon) * flow.factor ** 2
        real = {"scale": own["gamma"], "bias": own["beta"], "mean": own["mean"] * flow.factor,
                "variance": np.maximum(spread - epsilon, 0)}
        wide = {role: fixed(values.astype(np.float64), "C") for role, values in real.items()}
        gamma = format_that_holds(self.kernels, wide["scale"], GAMMA_BITS)
        gamma = replace(gamma, frac_bits=min(gamma.frac_bits, GAMMA_BITS - 2))      # holds 1
        self.scheme.keep(f"{name}.scale", gamma)
        self.scheme.keep(f"{name}.bias", BETA)
        spec = layer.proven(layer.build, flow.spec, self.build)
        for parameter in layer.parameters():
            fill(parameter, ops.requantize(self.kernels, wide[parameter.role],
                                           parameter.master.format, Rounding.HALF_EVEN))
        y, _ = layer.forward(flow.x, self.run)
        return Flow(spec, y)

    def requantize(self, layer, flow):
        """The range of what has come, then the narrowing."""
        self.scheme.fit_activation(
            self.kernels, layer.name, flow.x, flow.spec.nonnegative, self._place(layer))
        return self.plain(layer, flow)

    def _place(self, layer):
        return self.places.get(layer.name, INNER)


class Measurement(Calibration):
    """A walk that notes the mean and variance of what reaches each batch norm, in `moments`."""

    def __init__(self, *settings):
        super().__init__(*settings)
        self.moments = {}

    def batch_norm2d(self, layer, flow):
        """Note, then as ever."""
        self.moments[layer.name] = moments(flow.x)
        return super().batch_norm2d(layer, flow)


VISITS = {
    "sequential": "sequential", "residual": "residual", "concatenate": "concatenate",
    "conv2d": "weighted", "linear": "weighted", "batch_norm2d": "batch_norm2d",
    "requantize": "requantize",
}


def fill(parameter, codes):
    """Put codes into a parameter that was built for them."""
    parameter.master.codes[...] = codes.codes
