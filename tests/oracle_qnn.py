"""QNN in Python integers: nested lists and dictionaries, one loop an index. Shares no code with the engine.

A net is a list of dictionaries, {"kind": "conv", "w": [o][i][ky][kx], "pad": n}, {"kind": "linear",
"w": [o][i]}, {"kind": "pool"} (2x2), {"kind": "norm", "beta", "mean", "variance"}, {"kind": "act"},
{"kind": "flatten"}. Tensors are dictionaries {(n, c, y, x): code} with an exponent: value = code *
2**-f. Rows have y = x = 0.
"""

FRAC, GUARD, MASTER, BETA = 8, 4, 12, 16
LIMIT, BETA_LIMIT, OUTPUT_LIMIT = 2**12, 2**23 - 1, 2**23 - 1


class Grid:
    """Codes and their exponent. `bits` as a proof from formats gives them, sign included."""

    def __init__(self, codes, f, bits):
        self.codes, self.f, self.bits = codes, f, bits


def half_up(value, places):
    """value / 2**places."""
    return (value + 2 ** (places - 1)) // 2**places if places > 0 else value * 2**-places


def half_even(value, places):
    if places <= 0:
        return value * 2**-places
    low, rest = divmod(value, 2**places)
    return low + (2 * rest > 2**places or (2 * rest == 2**places and low % 2))


def quotient(value, count):
    """value / count, half up."""
    return (2 * value + count) // (2 * count)


def log2(m):
    """round(log2 m): the k with 2**(2k - 1) < m * m < 2**(2k + 1)."""
    k = 0
    while m * m > 2 ** (2 * k + 1):
        k += 1
    return k


def ap2(c):
    return 0 if c == 0 else (1 if c > 0 else -1) * 2 ** log2(abs(c))


def clip(value, limit):
    return max(-limit, min(limit, value))


def narrowed(codes, f, bits):
    """By the largest of all, half even: (codes, exponent)."""
    largest = max(map(abs, codes.values()))
    places = log2(largest) - (bits - 1) if largest else 0
    limit = 2 ** (bits - 1) - 1
    return {at: clip(half_even(v, places), limit) for at, v in codes.items()}, f - places


# products ------------------------------------------------------------------------------------


def terms(layer, shape):
    """(output place, input place, weight place) of every product of one image; shape (C, H, W)."""
    w = layer["q"]
    if layer["kind"] == "linear":
        return [((o, 0, 0), (i, 0, 0), (o, i)) for o in range(len(w)) for i in range(len(w[0]))]
    _, height, width = shape
    pad, size = layer["pad"], len(w[0][0])
    rows, columns = height + 2 * pad - size + 1, width + 2 * pad - size + 1
    return [
        ((o, y, x), (i, y + ky - pad, x + kx - pad), (o, i, ky, kx))
        for o in range(len(w)) for y in range(rows) for x in range(columns)
        for i in range(len(w[0])) for ky in range(size) for kx in range(size)
        if 0 <= y + ky - pad < height and 0 <= x + kx - pad < width
    ]  # fmt: skip


def at(w, place):
    for index in place:
        w = w[index]
    return w


def mapped(w, function):
    return [mapped(v, function) for v in w] if isinstance(w, list) else function(w)


def places(w, before=()):
    if not isinstance(w, list):
        return [before]
    return [place for i, v in enumerate(w) for place in places(v, (*before, i))]


def quantized_weight(w, bits, log):
    if bits == 1:
        return mapped(w, lambda v: 1 if v >= 0 else -1), 0, 1
    if log:
        top = 2 ** (bits - 1) - 2
        return mapped(w, lambda v: power(v, MASTER, top)), top, 2**top
    most = 2 ** (bits - 1) - 1
    return mapped(w, lambda v: clip(half_even(v, MASTER - bits + 1), most)), bits - 1, most


def power(value, f, top):
    """AP2 at the step 2**-top, at most 1."""
    if value == 0 or log2(abs(value)) < f - top:
        return 0
    return (1 if value > 0 else -1) * 2 ** min(log2(abs(value)) - (f - top), top)


def activated(x, bits, log):
    """(Grid, mask)."""
    mask = {at: abs(v) <= 2**x.f for at, v in x.codes.items()}
    if bits == 1:
        codes, f, most = {at: 1 if v >= 0 else -1 for at, v in x.codes.items()}, 0, 1
    elif log:
        f = 2 ** (bits - 1) - 2
        codes, most = {at: power(v, x.f, f) for at, v in x.codes.items()}, 2**f
    else:
        f, most = bits - 1, 2 ** (bits - 1) - 1
        codes = {at: clip(half_even(v, x.f - f), most) for at, v in x.codes.items()}
    return Grid(codes, f, most.bit_length() + 1), mask


# batch norm ----------------------------------------------------------------------------------


def channels(codes):
    found = {}
    for place in codes:
        found.setdefault(place[1], []).append(place)
    return found


def centring(x, batch):
    """Places to the left of the centred input: what the proof leaves, at most 4."""
    pixels = len({place[2:] for place in x.codes})
    return min(4, (61 - (batch * pixels).bit_length()) // 2 - x.bits)


def shifted_input(v, places):
    return v * 2**places if places >= 0 else v // 2**-places


def norm(layer, x, batch, training):
    lshift = centring(x, batch)
    out, saved = {}, {}
    for c, members in channels(x.codes).items():
        if training:
            total, count = sum(x.codes[p] for p in members), len(members)
            mean = quotient(total * 2 ** max(lshift, 0), count * 2 ** max(-lshift, 0))
            centred = {p: shifted_input(x.codes[p], lshift) - mean for p in members}
            moment = sum(v * ap2(v) for v in centred.values())
            variance = quotient(moment, count) + 1
            saved[c] = centred, variance.bit_length() // 2, moment
            later = layer.setdefault("later", {})
            running, spread = layer["mean"][c], layer["variance"][c]
            later[c] = running + (mean * 16 - running) // 8, spread + (variance - spread) // 8
        else:
            mean, variance = half_up(layer["mean"][c], 4), layer["variance"][c]
            centred = {p: shifted_input(x.codes[p], lshift) - mean for p in members}
        deviation, bias = variance.bit_length() // 2, half_up(layer["beta"][c], BETA - FRAC)
        for p, v in centred.items():
            out[p] = clip(half_up(v, deviation - FRAC) + bias, OUTPUT_LIMIT)
    return Grid(out, FRAC, 24), (saved, lshift, x.f)


def norm_error(layer, e, f, saved, projection):
    saved, lshift, x_f = saved
    count = len(next(iter(saved.values()))[0])
    reach = {c: (3 * moment).bit_length() // 2 for c, (_, _, moment) in saved.items()}
    largest = max(map(abs, e.values()))
    room = min(31, 60 - max(reach.values()) - count.bit_length())
    drop = max(0, largest.bit_length() - room)
    if drop:
        e, f, largest = {p: half_even(v, drop) for p, v in e.items()}, f - drop, largest // 2**drop + 1
    factors, layer["gradient"] = {}, {}
    for c, (centred, deviation, _) in saved.items():
        layer["gradient"][c] = sum(e[p] for p in centred)
        mean_e = quotient(layer["gradient"][c] * 2**GUARD, count)
        along = sum(ap2(v) * e[p] for p, v in centred.items())
        if projection == "published":
            factor, places = quotient(along, count), 2 * deviation - GUARD
        else:
            places = max(0, 58 - abs(along).bit_length())
            squares = sum(ap2(v) ** 2 for v in centred.values())
            factor, places = along * 2**places // max(squares, 1), places - GUARD
        n = reach[c] - places
        size = largest * 2**GUARD + abs(mean_e) + (abs(factor) * 2 ** max(n, 0) >> max(-n, 0)) + 1
        factors[c] = mean_e, factor, places, size.bit_length()
    layer["gradient_f"] = f
    top = min(max(d for _, d, _ in saved.values()),
              min(30 - factors[c][3] + saved[c][1] for c in saved))
    below = {}
    for c, (centred, deviation, _) in saved.items():
        mean_e, factor, places, _ = factors[c]
        for p, v in centred.items():
            term = 0 if v == 0 else (1 if v > 0 else -1) * half_up(factor, places - log2(abs(v)))
            below[p] = half_up(e[p] * 2**GUARD - mean_e - term, deviation - top)
    return below, f + GUARD + top - lshift - x_f


# the step ------------------------------------------------------------------------------------


def forward(net, images, bits, log=False, training=True, batch=None):
    """(outputs as Grid, trail). images {(n, c, y, x): code of 9 bits}, steps of 1/256."""
    x, trail, batch = Grid(images, 8, 9), [], batch or len({place[0] for place in images})
    for layer in net:
        kind, saved = layer["kind"], None
        if kind in ("conv", "linear"):
            layer["q"], w_f, most = quantized_weight(layer["w"], bits[0], log)
            shape = [max(place[k] for place in x.codes) + 1 for k in (1, 2, 3)]
            products, out = terms(layer, shape), {}
            for n in range(max(place[0] for place in x.codes) + 1):
                for o, i, w in products:
                    out[n, *o] = out.get((n, *o), 0) + x.codes[n, *i] * at(layer["q"], w)
            fan_in = len(places(layer["q"][0]))
            largest = (2 ** (x.bits - 1) - 1) * most * fan_in
            saved, y = (x, products, w_f), Grid(out, x.f + w_f, max(largest.bit_length() + 1, 17))
        elif kind == "norm":
            y, saved = norm(layer, x, batch, training)
        elif kind == "act":
            y, saved = activated(x, bits[1], log)
        elif kind == "pool":
            y, saved = pooled(x)
        else:
            y, saved = flattened(x)
        trail.append(saved)
        x = y
    return x, trail


def pooled(x):
    out, winners = {}, {}
    for n, c, y, z in x.codes:
        if y % 2 == z % 2 == 0 and (n, c, y + 1, z + 1) in x.codes:
            window = [(n, c, y + dy, z + dz) for dy in (0, 1) for dz in (0, 1)]
            best = max(window, key=lambda place: x.codes[place])        # the first of equals
            out[n, c, y // 2, z // 2], winners[n, c, y // 2, z // 2] = x.codes[best], best
    return Grid(out, x.f, x.bits), (winners, list(x.codes))


def flattened(x):
    height, width = (max(place[k] for place in x.codes) + 1 for k in (2, 3))
    moves = {(n, (c * height + y) * width + z, 0, 0): (n, c, y, z) for n, c, y, z in x.codes}
    return Grid({to: x.codes[place] for to, place in moves.items()}, x.f, x.bits), moves


def hinge(y, labels):
    """Errors and twice the loss, in y's units."""
    margin, error = 2**y.f, {}
    for n, o, *_ in y.codes:
        t = 1 if labels[n] == o else -1
        error[n, o, 0, 0] = -t * max(0, margin - t * y.codes[n, o, 0, 0])
    return error, sum(v * v for v in error.values())


def backward(net, e, f, trail, bits, projection):
    kE = 16 if bits[3] == 32 else bits[3]
    e, f = narrowed(e, f, kE)
    wide = False
    for number, (layer, saved) in reversed(list(enumerate(zip(net, trail)))):
        kind = layer["kind"]
        if kind in ("conv", "linear"):
            if wide:
                e, f = narrowed(e, f, kE)
            x, products, w_f = saved
            layer["g"] = gradient(x, e, products)
            layer["g_f"] = x.f + f
            below = dict.fromkeys(x.codes, 0)
            for n in {place[0] for place in e}:
                for o, i, w in products:
                    below[n, *i] += e[n, *o] * at(layer["q"], w)
            e, f, wide = below, f + w_f, True
        elif kind == "norm":
            (e, f), wide = norm_error(layer, e, f, saved, projection), True
        elif kind == "act":
            e = {p: v if saved[p] else 0 for p, v in e.items()}
        elif kind == "pool":
            winners, all_places = saved
            below = dict.fromkeys(all_places, 0)
            for place, winner in winners.items():
                below[winner] += e[place]
            e = below
        else:
            e = {saved[p]: v for p, v in e.items()}


def gradient(x, e, products):
    g = {}
    for n in {place[0] for place in e}:
        for o, i, w in products:
            g[w] = g.get(w, 0) + x.codes[n, *i] * e[n, *o]
    return g


def moved(w, g, f, state, exponent, limit, frac_bits, overwrites):
    """AdaMax on a dictionary of codes, in place. state: {"m", "v", "unit"}."""
    largest = max(map(abs, g.values()))
    if largest and "unit" not in state:
        state["unit"] = f + 18 - log2(largest)
    places = f - state["unit"] if largest else 0
    for place, value in w.items():
        near = clip(half_up(g[place], places), 2**30 - 1)
        m, v = state["m"].get(place, 0), state["v"].get(place, 0)
        m += half_up(near - m, 3)
        v = max(v - v // 1024, abs(near))
        step = half_up(m, log2(v) - exponent - frac_bits) if v else 0
        state["m"][place], state["v"][place] = m, 2 ** log2(v) if overwrites and v else v
        w[place] = clip(value - step, limit)


def glorot(w):
    """round(log2 sqrt((inputs + outputs) * area / 1.5))."""
    area = len(places(w[0][0])) if isinstance(w[0][0], list) else 1
    square, j = (len(w) + len(w[0])) * area * 2, 0           # 3 times what stands under the root
    while square >= 3 * 2 ** (2 * j + 1):
        j += 1
    return j


def train_step(net, images, labels, bits, exponent, log=False, projection="published",
               overwrites=False, batch=None):
    """One whole step; the net is changed. Returns (outputs, twice the loss)."""
    y, trail = forward(net, images, bits, log, True, batch)
    e, loss = hinge(y, labels)
    backward(net, e, y.f, trail, bits, projection)
    for layer in net:
        state = layer.setdefault("state", {"m": {}, "v": {}})
        if layer["kind"] in ("conv", "linear"):
            g, f = layer["g"], layer["g_f"]
            if bits[2] != 32:
                g, f = narrowed(g, f, bits[2])
            w = {place: at(layer["w"], place) for place in places(layer["w"])}
            for place in w:
                g.setdefault(place, 0)
            factor = exponent + glorot(layer["w"])
            moved(w, g, f, state, factor, LIMIT, MASTER, overwrites)
            for place, value in w.items():
                at(layer["w"], place[:-1])[place[-1]] = value
        elif layer["kind"] == "norm":
            beta = dict(enumerate(layer["beta"]))
            moved(beta, layer["gradient"], layer["gradient_f"], state, exponent, BETA_LIMIT, BETA,
                  overwrites)
            layer["beta"] = [beta[c] for c in range(len(beta))]
            for c, (mean, variance) in layer["later"].items():
                layer["mean"][c], layer["variance"][c] = mean, variance
    return y, loss
