"""The two narrowings of a block: [A] on the way up, [E] on the way down."""

from .. import ops
from ..formats import Binary
from .batch_norm2d import BatchNorm2d
from .layer import Layer, after
from .relu import ReLU
from .thresholds import thresholds


class Requantize(Layer):
    """y = Q_A(x): wide activations to the scheme's A format; errors back through Q_E.

    forward : x (any width) -> y narrow, rounded and saturated by the scheme's slot A.
    backward: error zeroed where x lay outside the range of A (the unrounded x decides), then
    narrowed by slot E. The mask comes first, the maximum of Q_E second.   [WAGE Q_A, Q_E]

    Where one bit stands right behind a batch norm, an evaluation compares what comes into the batch
    norm with a threshold a channel instead, with the same result.
    """

    kind = "requantize"

    before = norm = None        # the layer in front, and the norm that is compared with
    _latest = None              # ([what thresholds depend on], thresholds)
    turns = None                # its thresholds, where nothing else is kept of it (`compact`)

    def prepare(self, before, build):
        while isinstance(before, ReLU) and not before.rectifies:
            before = before.before
        self.before = before

    def build(self, spec, build):
        self.format = build.scheme.activation_format(self.name, spec)
        if isinstance(self.format, Binary) and isinstance(self.before, BatchNorm2d):
            self.norm = self.before.compared_by(self)
        return after(spec, fmt=self.format)

    def forward(self, x, run):
        if self.turns or (self.norm and run.compares):
            turns = self.turns or self.thresholds(x.format, run)
            return ops.binarize_above(run.kernels, x, *turns), None
        address = run.address("activation", self)
        slot = run.scheme.activation if run.keep else run.scheme.evaluated
        y, mask = slot(run.kernels, x, self.format, address)                          # [A]
        run.count_saturated(self, mask)
        return y, mask

    def thresholds(self, fmt, run):
        """Where the sign of the batch norm in front turns, x of the format fmt.

        The latest are kept: an evaluation of many batches finds them once.
        """
        kept = [fmt, *(p.master.codes.tobytes() for p in self.before.parameters())]
        if self._latest is None or self._latest[0] != kept:
            self._latest = kept, thresholds(self.norm, self.before.channels, fmt, run)
        return self._latest[1]

    def compact(self, run):
        """Keep the thresholds and nothing else of the batch norm in front."""
        if self.norm:
            self.turns, self._latest = self.thresholds(self.before.input_format, run), None
            for parameter in self.before.parameters():
                parameter.empty()

    def backward(self, e, saved, run):
        if saved is not None:
            e = ops.mask_error(run.kernels, e, saved)
        e = ops.slope_error(run.kernels, e, self.format)
        return run.scheme.activation_error(run.kernels, e, run.address("error", self))    # [E]

    def settings(self):
        return dict(bits=self.format.bits, frac_bits=self.format.frac_bits)
