"""One pass over a calibration batch, in integers: layers are built and given their numbers as it goes.

Every layer sees inputs that the layers before it have quantised already, so that ranges are those of
the integer network. Images take part, labels do not.

Lingo: a *flow* is what goes from layer to layer; VISITS says what becomes of it at each kind.
"""

from dataclasses import dataclass, replace

import numpy as np

from .. import ops
from ..errors import UsageError
from ..formats import Minifloat, Tensor
from ..layers import Run, Spec
from ..ops import Products
from ..quantizers.published import END, INNER, TRUNK
from .float_forward import affine, float_forward
from .fold import fixed, folded
from .statistics import corrected


@dataclass(frozen=True)
class Flow:
    """What reaches a layer.

    spec : Spec; x : Tensor of the calibration batch; its format is the Spec's.
    real : float32 array, the published network's values, or None where nobody asks for them.
    offset : float64 (C,); what x lacks of the published values, or None.
    is_trunk : whether x is the sum of a residual block.
    """

    spec: Spec
    x: Tensor
    real: np.ndarray = None
    offset: np.ndarray = None
    is_trunk: bool = False


class Calibration:
    """A walk through layers that are not built yet.

    Parameters
    ----------
    published : {layer name: {role: float32 array}}, as `match` gives them.
    preprocessing : Preprocessing of the images.
    build : Build; its scheme gets the formats, its `parameters` the numbers.
    ends : {layer name: END} of the layers at both ends; see `ends_of`.
    """

    def __init__(self, published, preprocessing, build, ends):
        self.published, self.preprocessing = published, preprocessing
        self.build, self.ends = build, ends
        self.scheme, self.kernels = build.scheme, build.kernels
        self.run = Run(build.kernels, build.scheme, Products(build.kernels), keep=False)

    def visit(self, layer, flow):
        """Build `layer` for the flow, fill its parameters, run it; returns the flow behind it."""
        return VISITS.get(layer.kind, Calibration._plain)(self, layer, flow)

    def _plain(self, layer, flow):
        spec = layer.build(flow.spec, self.build)
        y, _ = layer.forward(flow.x, self.run)
        trunk = flow.is_trunk and layer.kind == "relu"
        return Flow(spec, y, self._real(layer, flow), flow.offset, trunk)

    def _sequential(self, layer, flow):
        for before, inner in zip([None, *layer.layers], layer.layers):
            inner.prepare(before, self.build)
        for inner in layer.layers:
            flow = self.visit(inner, flow)
        return flow

    def _residual(self, layer, flow):
        body, short = self.visit(layer.body, flow), self.visit(layer.shortcut, flow)
        x = ops.add(self.kernels, body.x, short.x)
        real = None if flow.real is None else body.real + short.real
        nonnegative = body.spec.nonnegative and short.spec.nonnegative
        return Flow(Spec(body.spec.shape, x.format, nonnegative=nonnegative), x, real, is_trunk=True)

    def _concatenate(self, layer, flow):
        ends = [self.visit(branch, flow) for branch in layer.branches]
        x = ops.concatenate(self.kernels, [end.x for end in ends])
        real = None if flow.real is None else np.concatenate([end.real for end in ends], axis=1)
        shape = sum(end.spec.shape[0] for end in ends), *ends[0].spec.shape[1:]
        return Flow(Spec(shape, x.format, nonnegative=all(e.spec.nonnegative for e in ends)), x, real)

    def _weighted(self, layer, flow):
        weight, bias, offset = folded(
            layer, self.published, self.preprocessing if flow.spec.is_input else None)
        name, place = layer.name, self.ends.get(layer.name, INNER)
        w = fixed(weight, "HWIO" if weight.ndim == 4 else "IO")
        w = self.scheme.encode_weight(self.kernels, name, w, place)
        y = self.run.products.forward(name, flow.x, w, layer.window)
        if isinstance(w.format, Minifloat):
            self.scheme.keep(f"{name}.product", y.format)
        if bias is not None:
            bias = self.scheme.encode_bias(self.kernels, name, fixed(bias, "C"), y.format)
            y = ops.add_channels(self.kernels, y, bias)
        spec = layer.build(flow.spec, self.build)
        fill(layer.weight, w)
        if bias is not None:
            fill(layer.bias, bias)
        return Flow(spec, y, self._real(layer, flow), offset)

    def _batch_norm2d(self, layer, flow):
        if self.scheme.batch_norm == "none" or layer.folded_into:
            return self._plain(layer, flow)
        own = self.published[layer.name]
        if flow.real is not None:
            own = corrected(own, flow.x, flow.real)
        elif flow.offset is not None:
            own = {**own, "mean": own["mean"] - flow.offset}
        scale, shift = affine(own, layer.epsilon)
        scale = self.scheme.encode_scale(self.kernels, layer.name, fixed(scale, "C"))
        product = ops.accumulator(flow.x.format, scale.format, 1)
        bias = self.scheme.encode_bias(self.kernels, layer.name, fixed(shift, "C"), product)
        spec = layer.build(flow.spec, self.build)
        fill(layer.scale, scale)
        fill(layer.bias, bias)
        y, _ = layer.forward(flow.x, self.run)
        return Flow(spec, y, self._real(layer, flow))

    def _requantize(self, layer, flow):
        place = TRUNK if flow.is_trunk else self.ends.get(layer.name, INNER)
        self.scheme.fit_activation(
            self.kernels, layer.name, flow.x, flow.spec.nonnegative, place)
        return self._plain(layer, replace(flow, is_trunk=False))

    def _real(self, layer, flow):
        """What the published layer makes of the same images, where somebody will ask."""
        return None if flow.real is None else float_forward(layer, flow.real, self.published)


VISITS = {
    "sequential": Calibration._sequential, "residual": Calibration._residual,
    "concatenate": Calibration._concatenate, "conv2d": Calibration._weighted,
    "linear": Calibration._weighted, "batch_norm2d": Calibration._batch_norm2d,
    "requantize": Calibration._requantize,
}


def ends_of(layers):
    """{name: END} of the first and the last layer with weights, and of what narrows its input."""
    walked = list(layers.walk())
    places = [i for i, layer in enumerate(walked) if layer.kind in ("conv2d", "linear")]
    if not places:
        raise UsageError("this model has no layer with weights to read; choose another")
    before = [layer for layer in walked[:places[-1]] if layer.kind == "requantize"]
    ends = [walked[places[0]], walked[places[-1]], *before[-1:]]
    return {layer.name: END for layer in ends}


def fill(parameter, codes):
    """Put codes into a parameter that was built for them."""
    parameter.master.codes[...] = codes.codes
