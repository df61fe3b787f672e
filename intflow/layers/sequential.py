"""One layer after the other: back-propagation as eight lines."""

from .fused import Fused
from .layer import Layer


class Sequential(Layer):
    """y = f_n(...f_2(f_1(x))); the errors run the same way back."""

    kind = "sequential"

    def __init__(self, *layers):
        self.layers = list(layers)

    def children(self):
        return self.layers

    def build(self, spec, build):
        for before, layer in zip([None, *self.layers], self.layers):
            layer.prepare(before, build)
        for layer in self.layers:
            spec = build.note(layer, layer.build(spec, build))
        self.fused = Fused(self.layers)
        return spec

    def forward(self, x, run):
        if run.fuses:
            return self.fused.forward(x, run)
        trail = []
        for layer in self.layers:
            y, saved = layer.forward(x, run)
            run.record(layer, input=x, output=y)
            trail.append(saved if run.keep else None)
            x = y
        return x, trail

    def backward(self, e, saved, run):
        if run.fuses:
            return self.fused.backward(e, saved, run)
        for layer, kept in zip(reversed(self.layers), reversed(saved)):
            below = layer.backward(e, kept, run)
            run.record(layer, error_in=e, error_out=below)
            if below is None:
                return None
            e = below
        return e
