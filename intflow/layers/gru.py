"""Gated recurrent units."""

import numpy as np

from ..kernels.buffers import copy_into, empty
from .recurrent import Recurrent


class Gru(Recurrent):
    """r, u = sigmoid(x W + h' U + b);  n = tanh(x W + b + r (h' U));  c = u c' + (1 - u) n.

    x (T*B, C) narrow -> h (T*B, H) narrow: c behind slot A, which the products read; c itself keeps
    the precision of the gates. The arithmetic of a step is that of the kernels gru_forward and
    gru_backward. (This is the form that resets behind the product.)

    Examples
    --------
    Gates in steps of 1/256, hard: sums of 0 and c' = 1 give r = u = 1/2, n = 0, c = h = 1/2.
    """

    kind = "gru"
    blocks, kept = 3, 4

    def step(self, kernels, window, t, h):
        gates, hidden = self.gates, empty(window.cell.shape[1:], np.int32)
        kernels.gru_forward(
            window.gates[t], window.cell[t + 1], hidden, window.x[t], h, window.cell[t],
            *self.rshifts(), gates.frac_bits, gates.limit, gates.frac_bits - self.format.frac_bits,
            self.format.maximum, gates.sigmoids, gates.tanhs)
        copy_into(window.hidden[t + 1], hidden)

    def step_back(self, kernels, window, t, out, error, below):
        gates = self.gates
        kernels.gru_backward(
            *out, error, *below, window.gates[t], window.cell[t], gates.frac_bits,
            self.step_format.maximum, gates.sigmoids, gates.tanhs)
