"""A time step of recurrent cells: one pass, one stream after the other."""

import numpy as np
from numba import njit

from .primitives import SERIAL, launch, maximum, minimum, share
from .shift_exponent import rounded

HALF_TABLE = 128


@njit(inline="always", **SERIAL)
def cut(x, most):
    """x between -most and most."""
    return minimum(maximum(x, -most), most)


@njit(inline="always", **SERIAL)
def looked_up(table, z, rshift):
    """The entry of z."""
    index = minimum(maximum(rounded(z, rshift), -HALF_TABLE), HALF_TABLE - 1)
    return np.int64(table[index + HALF_TABLE])


@njit(inline="always", **SERIAL)
def sigmoid(z, frac, table):
    """Hard, or from the table where it has entries."""
    if table.size:
        return looked_up(table, z, frac - 4)
    one = np.int64(1) << frac
    return minimum(maximum(rounded(z, 2) + (one >> 1), 0), one)


@njit(inline="always", **SERIAL)
def tanh(z, frac, table):
    """Hard, or from the table where it has entries."""
    if table.size:
        return looked_up(table, z, frac - 5)
    return cut(z, np.int64(1) << frac)


@njit(inline="always", **SERIAL)
def sigmoid_slope(s, frac, table):
    """Where the sigmoid is s."""
    one = np.int64(1) << frac
    if table.size:
        return rounded(s * (one - s), frac)
    return one >> 2 if 0 < s < one else np.int64(0)


@njit(inline="always", **SERIAL)
def tanh_slope(t, frac, table):
    """Where tanh is t."""
    one = np.int64(1) << frac
    if table.size:
        return one - rounded(t * t, frac)
    return one if -one < t < one else np.int64(0)


@njit(**SERIAL)
def _lstm_forward_part(gates, cell, hidden, x, h, before, xs, hs, frac, limit, rs, top, sig, tan,
                       task, ntask):
    start, stop = share(cell.shape[0], task, ntask)
    units = cell.shape[1]
    for b in range(start, stop):
        for j in range(units):
            k, l, m = j + units, j + 2 * units, j + 3 * units
            i = sigmoid(rounded(x[b, j], xs) + rounded(h[b, j], hs), frac, sig)
            f = sigmoid(rounded(x[b, k], xs) + rounded(h[b, k], hs), frac, sig)
            g = tanh(rounded(x[b, l], xs) + rounded(h[b, l], hs), frac, tan)
            o = sigmoid(rounded(x[b, m], xs) + rounded(h[b, m], hs), frac, sig)
            c = cut(rounded(f * before[b, j], frac) + rounded(i * g, frac), limit)
            gates[b, j], gates[b, k], gates[b, l], gates[b, m] = i, f, g, o
            cell[b, j] = c
            hidden[b, j] = cut(rounded(o * tanh(c, frac, tan), rs), top)


@njit(**SERIAL)
def _lstm_backward_part(dz, carry, error, below, shift, gates, cell, before, frac, limit, most, sig,
                        tan, task, ntask):
    start, stop = share(cell.shape[0], task, ntask)
    units, twice = cell.shape[1], 2 * frac
    for b in range(start, stop):
        for j in range(units):
            k, l, m = j + units, j + 2 * units, j + 3 * units
            i, f = np.int64(gates[b, j]), np.int64(gates[b, k])
            g, o = np.int64(gates[b, l]), np.int64(gates[b, m])
            c = np.int64(cell[b, j])
            t = tanh(c, frac, tan)
            d = cut(error[b, j] + rounded(below[b, j], shift), most)
            dc = cut(carry[b, j] + rounded(d * o * tanh_slope(t, frac, tan), twice), most)
            dc = dc if -limit < c < limit else np.int64(0)
            di = dc * g * sigmoid_slope(i, frac, sig)
            df = dc * before[b, j] * sigmoid_slope(f, frac, sig)
            dg = dc * i * tanh_slope(g, frac, tan)
            do = d * t * sigmoid_slope(o, frac, sig)
            dz[b, j], dz[b, k] = cut(rounded(di, twice), most), cut(rounded(df, twice), most)
            dz[b, l], dz[b, m] = cut(rounded(dg, twice), most), cut(rounded(do, twice), most)
            carry[b, j] = cut(rounded(dc * f, frac), most)


@njit(**SERIAL)
def _gru_forward_part(gates, cell, hidden, x, h, before, xs, hs, frac, limit, rs, top, sig, tan,
                      task, ntask):
    start, stop = share(cell.shape[0], task, ntask)
    units, one = cell.shape[1], np.int64(1) << frac
    for b in range(start, stop):
        for j in range(units):
            k, l = j + units, j + 2 * units
            r = sigmoid(rounded(x[b, j], xs) + rounded(h[b, j], hs), frac, sig)
            u = sigmoid(rounded(x[b, k], xs) + rounded(h[b, k], hs), frac, sig)
            m = cut(rounded(h[b, l], hs), limit)
            n = tanh(rounded(x[b, l], xs) + rounded(r * m, frac), frac, tan)
            c = rounded(u * before[b, j] + (one - u) * n, frac)
            gates[b, j], gates[b, k], gates[b, l], gates[b, l + units] = r, u, n, m
            cell[b, j] = c
            hidden[b, j] = cut(rounded(c, rs), top)


@njit(**SERIAL)
def _gru_backward_part(dx, dh, carry, error, below, shift, gates, before, frac, most, sig, tan,
                       task, ntask):
    start, stop = share(carry.shape[0], task, ntask)
    units, twice, one = carry.shape[1], 2 * frac, np.int64(1) << frac
    for b in range(start, stop):
        for j in range(units):
            k, l = j + units, j + 2 * units
            r, u = np.int64(gates[b, j]), np.int64(gates[b, k])
            n, m = np.int64(gates[b, l]), np.int64(gates[b, l + units])
            d = cut(error[b, j] + rounded(below[b, j], shift) + carry[b, j], most)
            dn = cut(rounded(d * (one - u) * tanh_slope(n, frac, tan), twice), most)
            dr = cut(rounded(dn * m * sigmoid_slope(r, frac, sig), twice), most)
            du = cut(rounded(d * (before[b, j] - n) * sigmoid_slope(u, frac, sig), twice), most)
            dx[b, j], dx[b, k], dx[b, l] = dr, du, dn
            dh[b, j], dh[b, k], dh[b, l] = dr, du, rounded(dn * r, frac)
            carry[b, j] = cut(rounded(d * u, frac), most)


@njit(**SERIAL)
def _rnn_forward_part(gates, hidden, x, h, xs, hs, frac, rs, top, tan, task, ntask):
    start, stop = share(gates.shape[0], task, ntask)
    for b in range(start, stop):
        for j in range(gates.shape[1]):
            t = tanh(rounded(x[b, j], xs) + rounded(h[b, j], hs), frac, tan)
            gates[b, j], hidden[b, j] = t, cut(rounded(t, rs), top)


@njit(**SERIAL)
def _rnn_backward_part(dz, error, below, shift, gates, frac, most, tan, task, ntask):
    start, stop = share(dz.shape[0], task, ntask)
    for b in range(start, stop):
        for j in range(dz.shape[1]):
            d = cut(error[b, j] + rounded(below[b, j], shift), most)
            slope = tanh_slope(np.int64(gates[b, j]), frac, tan)
            dz[b, j] = cut(rounded(d * slope, frac), most)


def lstm_forward(gates, cell, hidden, x, h, before, x_rshift, h_rshift, frac_bits, limit, rshift,
                 top, sigmoids, tanhs, ntask):
    """Gates, cell and hidden state."""
    launch(_lstm_forward_part, gates.size, ntask, gates, cell, hidden, x, h, before,
           x_rshift, h_rshift, frac_bits, limit, rshift, top, sigmoids, tanhs)


def lstm_backward(dz, carry, error, below, rshift, gates, cell, before, frac_bits, limit, most,
                  sigmoids, tanhs, ntask):
    """Errors at the sums and at the cell before."""
    launch(_lstm_backward_part, dz.size, ntask, dz, carry, error, below, rshift,
           gates, cell, before, frac_bits, limit, most, sigmoids, tanhs)


def gru_forward(gates, cell, hidden, x, h, before, x_rshift, h_rshift, frac_bits, limit, rshift,
                top, sigmoids, tanhs, ntask):
    """Gates, cell and hidden state."""
    launch(_gru_forward_part, gates.size, ntask, gates, cell, hidden, x, h, before,
           x_rshift, h_rshift, frac_bits, limit, rshift, top, sigmoids, tanhs)


def gru_backward(dx, dh, carry, error, below, rshift, gates, before, frac_bits, most, sigmoids,
                 tanhs, ntask):
    """Errors at both sums and at the cell before."""
    launch(_gru_backward_part, dx.size, ntask, dx, dh, carry, error, below, rshift,
           gates, before, frac_bits, most, sigmoids, tanhs)


def rnn_forward(gates, hidden, x, h, x_rshift, h_rshift, frac_bits, rshift, top, tanhs, ntask):
    """Tanh and hidden state."""
    launch(_rnn_forward_part, gates.size, ntask, gates, hidden, x, h, x_rshift,
           h_rshift, frac_bits, rshift, top, tanhs)


def rnn_backward(dz, error, below, rshift, gates, frac_bits, most, tanhs, ntask):
    """Errors at the sums."""
    launch(_rnn_backward_part, dz.size, ntask, dz, error, below, rshift, gates,
           frac_bits, most, tanhs)
