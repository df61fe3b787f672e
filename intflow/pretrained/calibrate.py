"""One pass over a calibration batch, in integers: layers are built and given their numbers as it goes.

Every layer sees inputs that the layers before it have quantised already, so that ranges are those of
the integer network. Images take part, labels do not.

Lingo: a *flow* is what goes from layer to layer; VISITS says what becomes of it at each kind.
"""

from dataclasses import dataclass

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
    """

    spec: Spec
    x: Tensor
    real: np.ndarray = None
    offset: np.ndarray = None


class Calibration:
    """A walk through layers that are not built yet.

    Parameters
    ----------
    published : {layer name: {role: float32 array}}, as `match` gives them.
    preprocessing : Preprocessing of the images.
    build : Build; its scheme gets the formats, its `parameters` the numbers.
    places : {layer name: END or TRUNK}, as `places_of` gives them.
    """

    def __init__(self, published, preprocessing, build, places):
        self.published, self.preprocessing = published, preprocessing
        self.build, self.places = build, places
        self.scheme, self.kernels = build.scheme, build.kernels
        self.run = Run(build.kernels, build.scheme, Products(build.kernels), keep=False)

    def visit(self, layer, flow):
        """Build `layer` for the flow, fill its parameters, run it; returns the flow behind it."""
        return VISITS.get(layer.kind, Calibration._plain)(self, layer, flow)

    def _plain(self, layer, flow):
        spec = layer.build(flow.spec, self.build)
        y, _ = layer.forward(flow.x, self.run)
        return Flow(spec, y, self._real(layer, flow), flow.offset)

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
        return Flow(Spec(body.spec.shape, x.format, nonnegative=nonnegative), x, real)

    def _concatenate(self, layer, flow):
        ends = [self.visit(branch, flow) for branch in layer.branches]
        x = ops.concatenate(self.kernels, [end.x for end in ends])
        real = None if flow.real is None else np.concatenate([end.real for end in ends], axis=1)
        shape = sum(end.spec.shape[0] for end in ends), *ends[0].spec.shape[1:]
        return Flow(Spec(shape, x.format, nonnegative=all(e.spec.nonnegative for e in ends)), x, real)

    def _weighted(self, layer, flow):
        weight, bias, offset = folded(
            layer, self.published, self.preprocessing if flow.spec.is_input else None)
        name, place = layer.name, self._place(layer)
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
        self.scheme.fit_activation(
            self.kernels, layer.name, flow.x, flow.spec.nonnegative, self._place(layer))
        return self._plain(layer, flow)

    def _place(self, layer):
        return self.places.get(layer.name, INNER)

    def _real(self, layer, flow):
        """What the published layer makes of the same images, where somebody will ask."""
        return None if flow.real is None else float_forward(layer, flow.real, self.published)


VISITS = {
    "sequential": Calibration._sequential, "residual": Calibration._residual,
    "concatenate": Calibration._concatenate, "conv2d": Calibration._weighted,
    "linear": Calibration._weighted, "batch_norm2d": Calibration._batch_norm2d,
    "requantize": Calibration._requantize,
}


def places_of(layers):
    """{layer name: END or TRUNK} of the layers that are not INNER; see quantizers/published.py.

    A residual sum is what a Requantize narrows behind a block, or what the next block adds to.
    """
    walked = list(layers.walk())
    weighted = [i for i, layer in enumerate(walked) if layer.kind in ("conv2d", "linear")]
    if not weighted:
        raise UsageError("this model has no layer with weights to read; choose another")
    trunks = [layer for outer in walked if outer.kind == "sequential" for layer in _sums(outer.layers)]
    before = [layer for layer in walked[:weighted[-1]] if layer.kind == "requantize"]
    ends = [walked[weighted[0]], walked[weighted[-1]], *before[-1:]]
    return {**{layer.name: TRUNK for layer in trunks}, **{layer.name: END for layer in ends}}


def _sums(layers):
    """The Requantize layers of a list that hold a residual sum."""
    behind = False
    for layer, following in zip(layers, [*layers[1:], None]):
        if layer.kind == "requantize":
            if behind or (following and following.kind == "residual"):
                yield layer
        behind = layer.kind == "residual" or (behind and layer.kind == "relu")


def fill(parameter, codes):
    """Put codes into a parameter that was built for them."""
    parameter.master.codes[...] = codes.codes
