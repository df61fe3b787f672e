"""What recurrent layers share: one product for all inputs, then step by step through a window.

Lingo: T time steps of a window, B streams side by side, H units; rows of a tensor are time-major,
row t * B + b. A *sum* is what the products give to a gate of a unit. F are the fraction bits of gates
and cells.

    forward   x (T*B, C) --inputs--> sums;  h' --hidden--> sums;  both --gates--> c, h      T times
    backward  error at h, in 13 bits by the largest of the window: the one unit of all steps
              --gates--> error at the sums, 16 bits --hidden--> error at h'                 T times
              all errors at the sums --[E]--> gradients of both weights, error at x

Back-propagation is truncated: the window before gets no error, but what it left is gone on from.
"""

from dataclasses import replace

import numpy as np

from .. import ops
from ..formats import Fixed, Rounding, Tensor, shiftexp
from ..kernels.buffers import ACTIVATIONS, ERRORS, SUMS, converted, copy_into, empty
from .layer import Layer, Spec
from .linear import Linear

HEAD_ROOM = 3           # bits that an error may grow by on its way through the steps


class Recurrent(Layer):
    """Two Linear layers as children, `inputs` and `hidden`, and the walk through time.

    Subclasses say how many `blocks` of sums a unit has, how many gate values are kept (`kept`) and
    whether there is a cell, and compute one step in `step` and `step_back`.

    Parameters
    ----------
    units : int
    """

    blocks = kept = 1
    has_cell = True

    def __init__(self, units):
        self.units = units
        self.inputs = Linear(self.blocks * units, bias=True)
        self.hidden = Linear(self.blocks * units)

    def children(self):
        return [self.inputs, self.hidden]

    def build(self, spec, build):
        scheme = build.scheme
        scheme.expect_recurrent(self.name)
        if len(spec.shape) != 1:
            self.refuse("(N, C)", spec, "put it behind an Embedding")
        self.format = scheme.activation_format(self.name, spec)
        self.gates, self.step_format = scheme.gates(), scheme.step_format()
        after = Spec((self.units,), self.format, steps=spec.steps)
        self.entering = {self.hidden: after}
        self.sum_formats = [build.note(child, child.build(before, build)).format
                     for child, before in ((self.inputs, spec), (self.hidden, after))]
        self.states = [build.state(f"{self.name}.hidden", self.units, self.format)]
        if self.has_cell:
            self.states.append(build.state(f"{self.name}.cell", self.units, self.gates.cell))
        return after

    def parameters(self):
        return self.states

    def settings(self):
        return dict(units=self.units)

    # forward -------------------------------------------------------------------------------

    def forward(self, x, run):
        y, kept = self.inputs.forward(x, run)
        w = self.hidden.weight.codes or self.hidden.narrowed_weight(run)                  # [W]
        window = Window(self, y.codes, run)
        sums = empty((*y.codes.shape[:1], self.blocks * self.units), np.int64, SUMS)
        for t in range(window.steps):
            h = Tensor(window.hidden[t], self.format, "NC")
            of_h = run.products.forward(self.hidden.name, h, w, self.hidden.window)
            rows = slice(t * run.streams, (t + 1) * run.streams)
            copy_into(sums[rows], of_h.codes)
            self.step(run.kernels, window, t, sums[rows])
        for state, codes in zip(self.states, (window.hidden, window.cell)):
            run.carry(state, codes[-1])
        self._record(run, x, y, window, w, sums)
        return window.output(), (window, w, kept)

    def step(self, kernels, window, t, h):
        """Fill gates[t], cell[t + 1] and hidden[t + 1] of a window; h s64, the sums of hidden[t]."""
        raise NotImplementedError

    def rshifts(self):
        """Places from the steps of both sums to that of the gates."""
        return [fmt.frac_bits - self.gates.frac_bits for fmt in self.sum_formats]

    def _record(self, run, x, y, window, w, sums):
        run.record(self.inputs, input=x, output=y)
        output = Tensor(sums, self.sum_formats[1], "NC")
        run.record(self.hidden, weight=self.hidden.weight.master, weight_q=w, input=window.before(),
                   output=output)

    # backward ------------------------------------------------------------------------------

    def backward(self, e, saved, run):
        window, w, kept = saved
        errors, frac_bits = self.in_one_unit(e, run)
        errors = errors.reshape(window.steps, run.streams, self.units)
        at_x, at_h = (empty(window.sums_shape, np.int32, ERRORS) for _ in range(2))
        carry, below = np.zeros(errors.shape[1:], np.int32), (np.zeros(errors.shape[1:], np.int64), 0)
        for t in reversed(range(window.steps)):
            if t + 1 < window.steps:
                below = self._error_below(self.at_sums(at_h[t + 1], frac_bits), w, run)
            self.step_back(run.kernels, window, t, (at_x[t], at_h[t], carry), errors[t], below)
        self._count_saturated(run, at_h)
        flat = (-1, self.blocks * self.units)
        self._hidden_gradient(window, self.at_sums(at_h.reshape(flat), frac_bits), run)
        e_x = self.at_sums(at_x.reshape(flat), frac_bits)
        below = self.inputs.backward(e_x, kept, run)
        run.record(self.inputs, error_in=e_x, error_out=below)
        return below

    def _error_below(self, e, w, run):
        """(product of the errors at the sums of a step, places from its step to theirs)."""
        narrow = run.scheme.operand(run.kernels, e)                                       # [E]
        shape = len(e.codes), self.units
        product = run.products.error(self.hidden.name, narrow, w, self.hidden.window, shape)
        return converted(product.codes, np.int64, SUMS), product.format.frac_bits - e.format.frac_bits

    def step_back(self, kernels, window, t, out, error, below):
        """Errors of step t.

        out : at_x, at_h, both s32 (B, blocks * H), overwritten; carry s32 (B, H), the error at the cell,
            replaced by that at the cell before.
        error : s32 (B, H). below : (s64 (B, H), places from its step to that of errors).
        """
        raise NotImplementedError

    def in_one_unit(self, e, run):
        """(codes, frac_bits) of the error at the hidden states: s32, HEAD_ROOM bits to spare."""
        largest = run.group.maximum(run.kernels.max_abs(e.codes))
        bits = self.step_format.bits - HEAD_ROOM
        rshift = shiftexp(largest) - (bits - 1) if largest else 0
        fmt = Fixed(bits, e.format.frac_bits - rshift, symmetric=True)
        narrow = ops.requantize(run.kernels, e, fmt, Rounding.HALF_EVEN)
        return converted(narrow.codes, np.int32, ERRORS), fmt.frac_bits

    def at_sums(self, codes, frac_bits):
        """Errors at sums as a Tensor."""
        fmt = replace(self.step_format, frac_bits=frac_bits)
        return Tensor(converted(codes, fmt.dtype, ERRORS), fmt, "NC")

    def _hidden_gradient(self, window, e, run):
        """g = h'^T e over all steps and streams."""
        narrow, weight = run.scheme.operand(run.kernels, e), self.hidden.weight           # [E]
        weight.gradient = run.products.gradient(
            self.hidden.name, window.before(), narrow, self.hidden.window, weight.master.codes.shape)
        run.record(self.hidden, error_in=e, error_q=narrow, gradient=weight.gradient)

    def _count_saturated(self, run, errors):
        """Note how many errors at the sums stand at the ends of their range."""
        if run.saturated is not None:
            most = self.step_format.maximum - 1
            run.report_saturated(self, run.kernels.count_outside(errors, -most, most), errors.size)


class Window:
    """What a layer keeps of T time steps.

    x : s64 (T, B, blocks * H); sums of the inputs. gates : s32 (T, B, kept * H).
    hidden, cell : (T + 1, B, H), from what the window before left; cell s32, or None.
    """

    def __init__(self, layer, sums, run):
        self.format, self.units = layer.format, layer.units
        self.streams, self.steps = run.streams, len(sums) // run.streams
        self.sums_shape = (self.steps, self.streams, layer.blocks * layer.units)
        self.x = converted(sums, np.int64, SUMS).reshape(self.sums_shape)
        self.gates = empty((self.steps, self.streams, layer.kept * layer.units), np.int32, ACTIVATIONS)
        starts = [run.carried_into(state) for state in layer.states]
        self.hidden = self._begun(starts[0])
        self.cell = self._begun(starts[1]) if layer.has_cell else None

    def _begun(self, start):
        codes = empty((self.steps + 1, *start.shape), start.dtype, ACTIVATIONS)
        copy_into(codes[0], start)
        return codes

    def before(self):
        """The hidden states that entered the steps, a Tensor (T*B, H)."""
        return Tensor(self.hidden[:-1].reshape(-1, self.units), self.format, "NC")

    def output(self):
        """The hidden states that the steps left, a Tensor (T*B, H)."""
        return Tensor(self.hidden[1:].reshape(-1, self.units), self.format, "NC")
