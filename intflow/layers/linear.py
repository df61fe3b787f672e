"""Fully connected layer."""

from .weighted import Weighted


class Linear(Weighted):
    """y = x . W^T + b.   x (N, I) narrow, W (O, I) narrow -> y (N, O) s32 or s64, exact.

    Parameters
    ----------
    out_features : int
    bias : whether the layer has one, under schemes that keep biases.
    """

    kind = "linear"

    def __init__(self, out_features, bias=False):
        self.out_features, self.has_bias = out_features, bias

    def build(self, spec, build):
        if len(spec.shape) != 1:
            self.refuse("(N, I)", spec, "put Flatten before it")
        inputs, outputs = spec.shape[0], self.out_features
        return self.finish_build(spec, build, (inputs, outputs), inputs, outputs, 1, (outputs,))

    def settings(self):
        return dict(out_features=self.out_features)
