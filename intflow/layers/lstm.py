"""Long short-term memory."""

import numpy as np

from ..kernels.buffers import copy_into, empty
from .recurrent import Recurrent


class Lstm(Recurrent):
    """i, f, g, o = gates of x W + h' U + b;  c = f c' + i g;  h = o tanh(c).  [QNN LSTM]

    x (T*B, C) narrow -> h (T*B, H) narrow, codes of slot A. The arithmetic of a step is that of the
    kernels lstm_forward and lstm_backward; the forget gate's bias begins at 1.

    Examples
    --------
    Gates in steps of 1/256, hard: sums of 0 and c' = 1 give i = f = o = 1/2, g = 0, c = 1/2, h = 1/4.
    """

    kind = "lstm"
    blocks = kept = 4

    def build(self, spec, build):
        after = super().build(spec, build)
        bias = self.inputs.bias.master
        bias.codes[self.units:2 * self.units] = 1 << bias.format.frac_bits
        return after

    def step(self, kernels, window, t, h):
        gates, hidden = self.gates, empty(window.cell.shape[1:], np.int32)
        kernels.lstm_forward(
            window.gates[t], window.cell[t + 1], hidden, window.x[t], h, window.cell[t],
            *self.rshifts(), gates.frac_bits, gates.limit, 2 * gates.frac_bits - self.format.frac_bits,
            self.format.maximum, gates.sigmoids, gates.tanhs)
        copy_into(window.hidden[t + 1], hidden)

    def step_back(self, kernels, window, t, out, error, below):
        at_x, at_h, carry = out
        gates = self.gates
        kernels.lstm_backward(
            at_x, carry, error, *below, window.gates[t], window.cell[t + 1], window.cell[t],
            gates.frac_bits, gates.limit, self.step_format.maximum, gates.sigmoids, gates.tanhs)
        copy_into(at_h, at_x)
