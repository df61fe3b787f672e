"""Recurrent nets of QNN in Python integers, one unit at a time. Shares no code with the engine.

A net is Embedding, one of rnn, gru, lstm, Linear; trained by gradient descent through windows. All
weights are lists [in][out] of master codes. A number with an exponent is worth code * 2**-f.
"""

from decimal import Decimal, getcontext
from fractions import Fraction

import oracle
from oracle_qnn import clip, half_even, half_up, log2

BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}
MOST = 2**15 - 1




class Net:
    """kind: rnn, gru or lstm. widths: (W, A, G, E). masters: {"embedding", "inputs", "bias", "hidden",
    "output", "output_bias"}, nested lists of codes. table: whether gates are looked up. smaller: n of
    weights that are 2**-n times the usual, {"inputs": n, "hidden": n, "output": n}."""

    def __init__(self, kind, widths, units, streams, masters, table=False, smaller=None):
        self.kind, self.units, self.masters, self.table = kind, units, masters, table
        self.W, self.A, self.G, self.E = widths
        self.F = 8 if self.A <= 6 else 12
        self.one, self.limit = 2**self.F, 8 * 2**self.F
        self.smaller = {"inputs": 0, "hidden": 0, "output": 0, **(smaller or {})}
        self.places = {name: self.W + n for name, n in self.smaller.items()}
        self.fine = {"embedding": max(15, self.A + 6)}
        self.fine |= dict.fromkeys(("bias", "output_bias"), max(15, self.W + 7))
        self.fine |= {name: max(15, places + 7) for name, places in self.places.items()}
        self.h = [[0] * units for _ in range(streams)]
        self.c = [[0] * units for _ in range(streams)]

    # gates

    def sigmoid(self, z):
        if self.table:
            return entry(z, self.F, 4, lambda e: 1 / (1 + (-e).exp()))
        return max(0, min(self.one, half_up(z, 2) + self.one // 2))

    def tanh(self, z):
        if self.table:
            return entry(z, self.F, 5, lambda e: 1 - 2 / ((2 * e).exp() + 1))
        return clip(z, self.one)

    def d_sigmoid(self, s):
        if self.table:
            return half_up(s * (self.one - s), self.F)
        return self.one // 4 if 0 < s < self.one else 0

    def d_tanh(self, t):
        if self.table:
            return self.one - half_up(t * t, self.F)
        return self.one if abs(t) < self.one else 0

    # parameters as products read them

    def codes(self, name):
        """Narrowed: the embedding to A bits of 2**(1-A), weights to W bits of 2**-W or less."""
        bits, step = (self.A, self.A - 1) if name == "embedding" else (self.W, self.places[name])
        places = self.fine[name] - step
        return [[clip(half_even(w, places), 2 ** (bits - 1) - 1) for w in row] for row in self.masters[name]]

    # one step of time

    def cell(self, zx, zh, c):
        """(kept values, c, h) of one unit; zx, zh: its sums in steps of 2**-F, z of both added apart."""
        F, one, top = self.F, self.one, 2 ** (self.A - 1) - 1
        if self.kind == "rnn":
            t = self.tanh(zx[0] + zh[0])
            return (t,), 0, clip(half_up(t, F - (self.A - 1)), top)
        if self.kind == "gru":
            r, u = self.sigmoid(zx[0] + zh[0]), self.sigmoid(zx[1] + zh[1])
            m = clip(zh[2], self.limit)
            n = self.tanh(zx[2] + half_up(r * m, F))
            new = half_up(u * c + (one - u) * n, F)
            return (r, u, n, m), new, clip(half_up(new, F - (self.A - 1)), top)
        i, f, g, o = (gate(x + h) for gate, x, h in
                      zip((self.sigmoid, self.sigmoid, self.tanh, self.sigmoid), zx, zh))
        new = clip(half_up(f * c, F) + half_up(i * g, F), self.limit)
        return (i, f, g, o), new, clip(half_up(o * self.tanh(new), 2 * F - (self.A - 1)), top)

    def cell_back(self, d, carry, kept, before, c):
        """(errors at the sums of x, at those of h, carry) of one unit; d from above and from later."""
        F, one = self.F, self.one

        def sat(value, places):
            return clip(half_up(value, places), MOST)

        if self.kind == "rnn":
            dz = (sat(clip(d, MOST) * self.d_tanh(kept[0]), F),)
            return dz, dz, 0
        if self.kind == "gru":
            r, u, n, m = kept
            d = clip(d + carry, MOST)
            dn = sat(d * (one - u) * self.d_tanh(n), 2 * F)
            dr = sat(dn * m * self.d_sigmoid(r), 2 * F)
            du = sat(d * (before - n) * self.d_sigmoid(u), 2 * F)
            return (dr, du, dn), (dr, du, half_up(dn * r, F)), sat(d * u, F)
        i, f, g, o = kept
        d, t = clip(d, MOST), self.tanh(c)
        dc = clip(carry + half_up(d * o * self.d_tanh(t), 2 * F), MOST) if abs(c) < self.limit else 0
        dz = tuple(sat(p, 2 * F) for p in (
            dc * g * self.d_sigmoid(i), dc * before * self.d_sigmoid(f), dc * i * self.d_tanh(g),
            d * t * self.d_sigmoid(o)))
        return dz, dz, sat(dc * f, F)

    # a window

    def step(self, tokens, labels, rate):
        """Forward, backward, update. tokens, labels: [t][b]. Returns {name: gradient (rows, f)}."""
        T, B, H, blocks = len(tokens), len(tokens[0]), self.units, BLOCKS[self.kind]
        q = {name: self.codes(name) for name in ("embedding", "inputs", "hidden", "output")}
        bias, out_bias = self.masters["bias"], self.masters["output_bias"]
        low = {name: places + self.A - 1 for name, places in self.places.items()}   # of products
        fine = {name: max(places, self.fine["bias"]) for name, places in low.items()}   # with a bias
        hs, cs, kept = [self.h], [self.c], []
        for t in range(T):
            rows, cells, hidden = [], [], []
            for b in range(B):
                x, h = q["embedding"][tokens[t][b]], hs[t][b]
                zx = [half_up(self.biased(dot(x, q["inputs"], k), bias[k], low["inputs"]),
                              fine["inputs"] - self.F) for k in range(blocks * H)]
                zh = [half_up(dot(h, q["hidden"], k), low["hidden"] - self.F) for k in range(blocks * H)]
                units = [self.cell(zx[j::H], zh[j::H], cs[t][b][j]) for j in range(H)]
                rows.append([u[0] for u in units])
                cells.append([u[1] for u in units])
                hidden.append([u[2] for u in units])
            kept.append(rows)
            cs.append(cells)
            hs.append(hidden)
        outputs = [[self.biased(dot(h, q["output"], k), out_bias[k], low["output"])
                    for k in range(len(out_bias))] for row in hs[1:] for h in row]
        flat = [label for row in labels for label in row]
        e, f = self.narrow(oracle.softmax_error(oracle.Tensor(outputs, fine["output"]), flat).codes, 15)
        gradients = {"output": (gradient([h for row in hs[1:] for h in row], e), f + self.A - 1),
                     "output_bias": ([sum(column) for column in zip(*e)], f)}
        top = [[sum(a * w for a, w in zip(row, weights)) for weights in q["output"]] for row in e]
        top, unit = by_largest(top, f + self.places["output"], 13)
        at_x, at_h = self.through_time(top, unit, q, hs, cs, kept)
        e_h, f_h = self.narrow(at_h, unit)
        before = [h for row in hs[:-1] for h in row]
        gradients["hidden"] = gradient(before, e_h), f_h + self.A - 1
        gradients["bias"] = [sum(column) for column in zip(*at_x)], unit
        e_x, f_x = self.narrow(at_x, unit)
        flat_tokens = [token for row in tokens for token in row]
        gradients["inputs"] = gradient([q["embedding"][i] for i in flat_tokens], e_x), f_x + self.A - 1
        below = [[sum(a * w for a, w in zip(row, weights)) for weights in q["inputs"]] for row in e_x]
        total = [[0] * len(row) for row in q["embedding"]]
        for token, row in zip(flat_tokens, below):
            total[token] = [a + b for a, b in zip(total[token], row)]
        gradients["embedding"] = total, f_x + self.places["inputs"]
        self.update(gradients, rate, B)
        self.h, self.c = hs[-1], cs[-1]
        return gradients

    def biased(self, product, bias, low):
        """The sum of both, in steps of the finer."""
        fine = max(low, self.fine["bias"])
        return (product << fine - low) + (bias << fine - self.fine["bias"])

    def through_time(self, top, unit, q, hs, cs, kept):
        """([t * B + b] errors at the sums of x, and of h)."""
        T, B, H = len(kept), len(kept[0]), self.units
        carry = [[0] * H for _ in range(B)]
        later, at_x, at_h = None, [], []
        for t in reversed(range(T)):
            if later is None:
                below = [[0] * H for _ in range(B)]
            else:
                e, f = self.narrow(later, unit)
                below = [[half_up(sum(a * w for a, w in zip(row, weights)), f + self.places["hidden"] - unit)
                          for weights in q["hidden"]] for row in e]
            units = [[self.cell_back(top[t * B + b][j] + below[b][j], carry[b][j], kept[t][b][j],
                                     cs[t][b][j], cs[t + 1][b][j]) for j in range(H)] for b in range(B)]
            blocks = range(BLOCKS[self.kind])
            later = [[u[1][k] for k in blocks for u in row] for row in units]
            at_x = [[u[0][k] for k in blocks for u in row] for row in units], *at_x
            at_h = later, *at_h
            carry = [[u[2] for u in row] for row in units]
        return [row for step in at_x for row in step], [row for step in at_h for row in step]

    def narrow(self, rows, f):
        """Slot E: as it is in 16 bits."""
        limit = 2 ** (self.E - 1) - 1
        if self.E == 16:
            return ([[clip(a, limit) for a in row] for row in rows], f) if max_abs(rows) <= 2**15 else \
                by_largest(rows, f, 16)
        return by_largest(rows, f, self.E)

    def update(self, gradients, rate, streams):
        """W -= rate * g / streams, shorter where the norm of all gradients is above 4."""
        square, narrow = Fraction(0), {}
        for name, (g, f) in gradients.items():
            rows = g if isinstance(g[0], list) else [g]
            if self.G < 32 and "bias" not in name:
                rows, f = by_largest(rows, f, self.G)
            drop = max(0, max_abs(rows).bit_length() - 20)
            square += Fraction(sum((a >> drop) ** 2 for row in rows for a in row)) * Fraction(4) ** (drop - f)
            narrow[name] = rows, f
        square /= streams**2
        excess = max(0, exponent(square) - 2)
        for name, (rows, f) in narrow.items():
            masters, fine = self.masters[name], self.fine[name]
            gain = Fraction(rate) / streams / 2**excess * Fraction(2) ** (fine - f)
            limit = {"embedding": 2**fine - 1, "bias": 2 ** (fine + 8) - 1, "output_bias": 2 ** (fine + 8) - 1}
            most = limit.get(name, 2 ** (fine - 1 - self.smaller.get(name, 0)))
            for out, row in zip(masters if isinstance(masters[0], list) else [masters], rows):
                out[:] = [clip(w - round(g * gain), most) for w, g in zip(out, row)]


def entry(z, F, places, function):
    """The table's entry for z: function at the nearest of 256 points, rounded half up."""
    getcontext().prec = 40
    index = max(-128, min(127, half_up(z, F - places)))
    value = function(Decimal(index) / 2**places) * 2**F
    return int((value + Decimal("0.5")).to_integral_value("ROUND_FLOOR"))


def exponent(square):
    """round(log2(sqrt(square))), 0 for 0."""
    if not square:
        return 0
    n = 0
    while square >= Fraction(2) ** (2 * n + 1):
        n += 1
    while square < Fraction(2) ** (2 * n - 1):
        n -= 1
    return n


def max_abs(rows):
    return max(abs(a) for row in rows for a in row)


def by_largest(rows, f, bits):
    """Narrowed by the largest of all, half even."""
    largest = max_abs(rows)
    places = log2(largest) - (bits - 1) if largest else 0
    limit = 2 ** (bits - 1) - 1
    return [[clip(half_even(a, places), limit) for a in row] for row in rows], f - places


def dot(x, w, k):
    return sum(a * row[k] for a, row in zip(x, w))


def gradient(x, e):
    """[in][out]: sum over rows of x * e."""
    return [[sum(a[i] * b[o] for a, b in zip(x, e)) for o in range(len(e[0]))] for i in range(len(x[0]))]
