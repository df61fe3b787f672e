"""A time step of recurrent cells, forwards and backwards: all that is no product.

Lingo: B streams, H units; F fraction bits of gates and cells, one = 2**F; a *sum* is what the
products give to a unit's gate. rs(x, n) is x * 2**-n rounded half up. Gates are hard or from tables:

                sigmoid(z)                              tanh(z)
    hard        clip(rs(z, 2) + one / 2, 0, one)        clip(z, -one, one)
    tables      S[clip(rs(z, F - 4), -128, 127) + 128]  T[clip(rs(z, F - 5), -128, 127) + 128]
    slope hard  one / 4 where 0 < s < one, else 0       one where |t| < one, else 0
    slope       rs(s * (one - s), F)                    one - rs(t * t, F)

Errors lie in one unit through all steps and are cut to +-most, where sat() stands.
"""

import numpy as np

from .primitives import clip, exact, store


class Gates:
    """Sigmoid, tanh and their slopes at F fraction bits; tables of length 0 for hard ones."""

    def __init__(self, frac_bits, sigmoids, tanhs):
        self.frac_bits, self.one = frac_bits, 1 << frac_bits
        self.sigmoids, self.tanhs = sigmoids.astype(np.int64), tanhs.astype(np.int64)

    def sigmoid(self, z):
        """0 to one."""
        if self.sigmoids.size:
            return _looked_up(self.sigmoids, z, self.frac_bits - 4)
        return clip(rs(z, 2) + self.one // 2, 0, self.one)

    def tangent(self, z):
        """-one to one."""
        if self.tanhs.size:
            return _looked_up(self.tanhs, z, self.frac_bits - 5)
        return clip(z, -self.one, self.one)

    def sigmoid_slope(self, s):
        """Derivative where the sigmoid is s."""
        if self.sigmoids.size:
            return rs(s * (self.one - s), self.frac_bits)
        return np.where((s > 0) & (s < self.one), self.one // 4, 0)

    def tanh_slope(self, t):
        """Derivative where tanh is t."""
        if self.tanhs.size:
            return self.one - rs(t * t, self.frac_bits)
        return np.where(abs(t) < self.one, self.one, 0)


def lstm_forward(gates, cell, hidden, x, h, before, x_rshift, h_rshift, frac_bits, limit, rshift,
                 top, sigmoids, tanhs):
    """i, f, o = sigmoid(z), g = tanh(z); c = f * c' + i * g; hidden = o * tanh(c).

        z      = rs(x, x_rshift) + rs(h, h_rshift)
        c      = clip(rs(f * c', F) + rs(i * g, F), -limit, limit)
        hidden = clip(rs(o * tanh(c), rshift), -top, top)

    Parameters
    ----------
    gates : s32 (B, 4H), receives i, f, g, o. cell, hidden : s32 (B, H), overwritten.
    x, h : s64 (B, 4H); sums of the products with the input and with the hidden state before.
    before : s32 (B, H); the cell before.
    x_rshift, h_rshift : int; from the steps of the sums to 2**-F, negative to the left.
    frac_bits : F. limit : largest |c|. rshift : from 2**-2F to the step of hidden. top : its largest.
    sigmoids, tanhs : s32 (256,) at 2**-F, or length 0.

    Examples
    --------
    F = 8, hard, all sums 0, c' = 256: i = f = o = 128, g = 0, c = 128; to steps of 1/8 (rshift 13)
    hidden = rs(128 * 128, 13) = 2.
    """
    table, z = Gates(frac_bits, sigmoids, tanhs), _sums(x, h, x_rshift, h_rshift)
    i, f, g, o = _blocks(z, 4)
    i, f, g, o = table.sigmoid(i), table.sigmoid(f), table.tangent(g), table.sigmoid(o)
    c = clip(rs(f * exact(before, frac_bits), frac_bits) + rs(i * g, frac_bits), -limit, limit)
    store("lstm_forward", gates, np.concatenate((i, f, g, o), axis=1))
    store("lstm_forward", cell, c)
    store("lstm_forward", hidden, clip(rs(o * table.tangent(c), rshift), -top, top))


def lstm_backward(dz, carry, error, below, rshift, gates, cell, before, frac_bits, limit, most,
                  sigmoids, tanhs):
    """Errors at the sums of an LSTM, and at the cell before.

        d  = sat(error + rs(below, rshift))                     at hidden
        dc = sat(carry + rs(d * o * tanh'(c), 2F))              at c; 0 where |c| = limit
        dz = sat(rs(dc * g * i', 2F)), sat(rs(dc * c' * f', 2F)), sat(rs(dc * i * g', 2F)),
             sat(rs(d * tanh(c) * o', 2F));  carry = sat(rs(dc * f, F))

    Parameters
    ----------
    dz : s32 (B, 4H), overwritten. carry : s32 (B, H); error at c, replaced by that at c'.
    error : s32 (B, H), from above. below : s64 (B, H); the product of the later step's dz.
    gates, cell, before : as `lstm_forward` left and took them. most : largest error.

    Examples
    --------
    F = 8, hard, i = f = o = 128, g = 0, c = 128, c' = 256, error 64, the rest 0: dc = 32, so dz of f
    = rs(32 * 256 * 64, 16) = 8, of g 16, of o rs(64 * 128 * 64, 16) = 8, of i 0; carry 16.
    """
    table, twice = Gates(frac_bits, sigmoids, tanhs), 2 * frac_bits
    i, f, g, o = _blocks(gates.astype(np.int64), 4)
    c = cell.astype(np.int64)
    t = table.tangent(c)
    d = _sat(error + rs(below, rshift), most)
    dc = _sat(carry + rs(d * o * table.tanh_slope(t), twice), most)
    dc = np.where(abs(c) < limit, dc, 0)
    parts = (dc * g * table.sigmoid_slope(i), dc * before * table.sigmoid_slope(f),
             dc * i * table.tanh_slope(g), d * t * table.sigmoid_slope(o))
    store("lstm_backward", dz, np.concatenate([_sat(rs(p, twice), most) for p in parts], axis=1))
    store("lstm_backward", carry, _sat(rs(dc * f, frac_bits), most))


def gru_forward(gates, cell, hidden, x, h, before, x_rshift, h_rshift, frac_bits, limit, rshift,
                top, sigmoids, tanhs):
    """r, u = sigmoid(z); n = tanh(x + r * m), m the hidden sum; c = u * c' + (1 - u) * n.

        m      = clip(rs(h, h_rshift), -limit, limit)           of the third block
        c      = rs(u * c' + (one - u) * n, F)
        hidden = clip(rs(c, rshift), -top, top)

    gates : s32 (B, 4H), receives r, u, n, m. x, h : s64 (B, 3H). Others as `lstm_forward`; rshift is
    from 2**-F to the step of hidden.

    Examples
    --------
    F = 8, hard, all sums 0, c' = 256: r = u = 128, n = 0, c = 128; rshift 5: hidden 4.
    """
    table = Gates(frac_bits, sigmoids, tanhs)
    r, u, _ = _blocks(_sums(x, h, x_rshift, h_rshift), 3)
    r, u = table.sigmoid(r), table.sigmoid(u)
    m = clip(rs(_blocks(h, 3)[2], h_rshift), -limit, limit)
    n = table.tangent(rs(_blocks(x, 3)[2], x_rshift) + rs(r * m, frac_bits))
    c = rs(u * before.astype(np.int64) + (table.one - u) * n, frac_bits)
    store("gru_forward", gates, np.concatenate((r, u, n, m), axis=1))
    store("gru_forward", cell, c)
    store("gru_forward", hidden, clip(rs(c, rshift), -top, top))


def gru_backward(dx, dh, carry, error, below, rshift, gates, before, frac_bits, most, sigmoids,
                 tanhs):
    """Errors at the two sums of a GRU, and at the cell before.

        d  = sat(error + rs(below, rshift) + carry)
        dn = sat(rs(d * (one - u) * n', 2F)), dr = sat(rs(dn * m * r', 2F))
        du = sat(rs(d * (c' - n) * u', 2F));  carry = sat(rs(d * u, F))

    dx : s32 (B, 3H), receives dr, du, dn. dh : s32 (B, 3H), receives dr, du, rs(dn * r, F).
    Others as `lstm_backward`.

    Examples
    --------
    F = 8, hard, r = u = 128, n = m = 0, c' = 256, error 64: dn = 32, dr = 0, du = rs(64 * 256 * 64,
    16) = 16, carry 32; dh: 0, 16, 16.
    """
    table, twice = Gates(frac_bits, sigmoids, tanhs), 2 * frac_bits
    r, u, n, m = _blocks(gates.astype(np.int64), 4)
    d = _sat(error + rs(below, rshift) + carry, most)
    dn = _sat(rs(d * (table.one - u) * table.tanh_slope(n), twice), most)
    dr = _sat(rs(dn * m * table.sigmoid_slope(r), twice), most)
    du = _sat(rs(d * (before - n) * table.sigmoid_slope(u), twice), most)
    store("gru_backward", dx, np.concatenate((dr, du, dn), axis=1))
    store("gru_backward", dh, np.concatenate((dr, du, rs(dn * r, frac_bits)), axis=1))
    store("gru_backward", carry, _sat(rs(d * u, frac_bits), most))


def rnn_forward(gates, hidden, x, h, x_rshift, h_rshift, frac_bits, rshift, top, tanhs):
    """hidden = tanh(z): gates = tanh(rs(x, x_rshift) + rs(h, h_rshift)), narrowed to hidden.

    gates, hidden : s32 (B, H), overwritten. x, h : s64 (B, H). Others as `gru_forward`.

    Examples
    --------
    F = 8, hard, x = 200, h = 100, no shifts: gates 256; rshift 5, top 7: hidden 7.
    """
    t = Gates(frac_bits, tanhs[:0], tanhs).tangent(_sums(x, h, x_rshift, h_rshift))
    store("rnn_forward", gates, t)
    store("rnn_forward", hidden, clip(rs(t, rshift), -top, top))


def rnn_backward(dz, error, below, rshift, gates, frac_bits, most, tanhs):
    """dz = sat(rs(sat(error + rs(below, rshift)) * tanh', F)), s32 (B, H).

    Examples
    --------
    F = 8, hard, gates 100, error 5, below 6, rshift 1: dz = 8; gates 256: 0.
    """
    d = _sat(error + rs(below, rshift), most)
    slope = Gates(frac_bits, tanhs[:0], tanhs).tanh_slope(gates.astype(np.int64))
    store("rnn_backward", dz, _sat(rs(d * slope, frac_bits), most))


def rs(x, rshift):
    """x * 2**-rshift, half up; a left shift where rshift < 0."""
    x = exact(x, max(-rshift, 1))
    return (x + (1 << rshift >> 1)) >> rshift if rshift > 0 else x << -rshift


def _sums(x, h, x_rshift, h_rshift):
    return rs(x, x_rshift) + rs(h, h_rshift)


def _looked_up(table, z, rshift):
    return table[clip(rs(z, rshift), -128, 127).astype(np.int64) + 128]


def _blocks(x, count):
    """The columns of a (B, count * H) in `count` blocks."""
    return np.split(x, count, axis=1)


def _sat(x, most):
    return clip(x, -most, most)
