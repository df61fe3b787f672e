"""Batch normalisation: every channel brought to one mean and one variance."""

from fractions import Fraction

from .layer import Layer
from .max_pool2d import MaxPool2d
from .norms import NORMS
from .weighted import Weighted


class BatchNorm2d(Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, channel by channel.

    Takes pixels (N, C, H, W) and rows (N, C). How it is computed the scheme says, in
    `scheme.batch_norm`: "none", the identity (WAGE scales by a constant instead); "folded", the
    identity where it stands right behind a Conv2d or Linear, whose weights and bias then hold it,
    and else as "affine"; or a name of `norms.NORMS`.

    Parameters
    ----------
    epsilon : str or Fraction; added to the variance.

    Attributes
    ----------
    scale, bias : Parameter or None; gamma and beta, or what a norm makes of them.
    running_mean, running_variance : Parameter or None; running statistics, which no optimiser moves.
    norm : who computes; None where the layer is left out.
    """

    kind = "batch_norm2d"
    is_compared = False

    def __init__(self, epsilon="1/100000"):
        self.epsilon = Fraction(epsilon)
        self.channels = self.norm = self.folded_into = None
        self.scale = self.bias = self.running_mean = self.running_variance = None

    def prepare(self, before, build):
        name = build.scheme.batch_norm
        if name == "folded" and isinstance(before, Weighted):
            self.folded_into, before.folds = before, self
        # The largest of a window stays the largest when all are multiplied by a positive factor.
        product = before.pooled if isinstance(before, MaxPool2d) else before
        if isinstance(product, Weighted):
            product.normalised = name in NORMS and NORMS[name].is_scale_free

    def build(self, spec, build):
        if len(spec.shape) not in (1, 3):
            self.refuse("(N, C, H, W) or (N, C)", spec, "put it behind a Conv2d or a Linear")
        self.channels, self.input_format = spec.shape[0], spec.format
        name = build.scheme.batch_norm
        if name == "none" or self.folded_into:
            return spec
        self.norm = NORMS["affine" if name == "folded" else name](self)
        return self.norm.build(spec, build)

    @property
    def is_identity(self):
        return self.scale is None

    def parameters(self):
        kept = self.scale, self.bias, self.running_mean, self.running_variance
        return [p for p in kept if p is not None]

    def compared_by(self, sign):
        """Told that a sign follows, which in an evaluation compares x itself; returns the norm."""
        self.is_compared = self.norm is not None
        return self.norm

    def forward(self, x, run):
        if self.norm is None or (self.is_compared and run.compares):
            return x, None
        run.record(self, **{p.role: p.master for p in self.parameters()})
        return self.norm.forward(x, run)

    def backward(self, e, saved, run):
        return e if self.norm is None else self.norm.backward(e, saved, run)

    def settings(self):
        return dict(epsilon=str(self.epsilon))
