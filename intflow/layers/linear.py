"""Fully connected layer."""

from .weighted import Weighted


class Linear(Weighted):
    """y = x . W^T.   x (N, I) narrow, W (O, I) narrow -> y (N, O) s32 or s64, exact."""

    kind = "linear"

    def __init__(self, out_features):
        self.out_features = out_features

    def build(self, spec, build):
        if len(spec.shape) != 1:
            self.refuse("(N, I)", spec, "put Flatten before it")
        inputs, outputs = spec.shape[0], self.out_features
        return self.finish_build(spec, build, (inputs, outputs), inputs, outputs, 1, (outputs,))

    def settings(self):
        return dict(out_features=self.out_features)
