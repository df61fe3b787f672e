"""The simple recurrent layer."""

import numpy as np

from ..kernels.buffers import copy_into, empty
from .recurrent import Recurrent


class Rnn(Recurrent):
    """h = tanh(x W + h' U + b).  [QNN RNN]

    x (T*B, C) narrow -> h (T*B, H) narrow, codes of slot A. The arithmetic of a step is that of the
    kernels rnn_forward and rnn_backward.

    Examples
    --------
    Gates in steps of 1/256, hard: a sum of 3/8 gives tanh = 3/8, the code 3 in steps of 1/8.
    """

    kind = "rnn"
    has_cell = False

    def step(self, kernels, window, t, h):
        gates, hidden = self.gates, empty(h.shape, np.int32)
        kernels.rnn_forward(
            window.gates[t], hidden, window.x[t], h, *self.rshifts(), gates.frac_bits,
            gates.frac_bits - self.format.frac_bits, self.format.maximum, gates.tanhs)
        copy_into(window.hidden[t + 1], hidden)

    def step_back(self, kernels, window, t, out, error, below):
        at_x, at_h, _ = out
        kernels.rnn_backward(
            at_x, error, *below, window.gates[t], self.gates.frac_bits, self.step_format.maximum,
            self.gates.tanhs)
        copy_into(at_h, at_x)
