"""A whole step of a small residual network under WRPN, in Python integers.

Shares no code with intflow. Every layer is a function (x, ...) -> (y, back), and back(e) gives the
error at x; what it finds for parameters goes into their dictionaries.
"""

from fractions import Fraction
from math import isqrt

import oracle
import oracle_layers
import oracle_momentum
import oracle_norm
from oracle import Tensor, each

UNIT = 2**14
VECTORS = 2**31
IMAGE_FRAC, SUM_FRAC, END_FRAC, NORM_FRAC = 7, 4, 6, 12


def half_even(x):
    return round(Fraction(x))


def prescale(fan_in):
    """p: 2**p next to 1/2 over the deviation of the initial weights, from 0 up."""
    p = 0
    while 4 ** (p + 1) * 4 <= fan_in:
        p += 1
    return p


def grid(levels):
    """n: L levels are taken for steps of 2**-n."""
    return 0 if levels == 1 else len(bin(levels)) - 2


def short_fraction(x, bits):
    """(p, n): p / 2**n next to x, p of at most `bits` bits and n as large as that allows."""
    n = 0
    while oracle_norm.half_up(x * 2 ** (n + 1)) < 2**bits:
        n += 1
    return oracle_norm.half_up(x * 2**n), n


def initial(shape, seed, tensor):
    """N(0, 2 / fan_in) times 2**p as the sum of eight bytes of two random words."""
    fan_in = oracle.fan_in(shape)
    unit = isqrt((2 << 2 * (14 + prescale(fan_in)) + 32) // (fan_in * 174760))
    codes = oracle.filled(shape)
    for i, position in enumerate(oracle.memory_order(shape)):
        words = [oracle.random_u32(seed, "init", 0, tensor, 2 * i + j) for j in (0, 1)]
        total = sum(word >> 8 * k & 255 for word in words for k in range(4))
        code = oracle_norm.half_up(Fraction((2 * total - 2040) * unit, 2**16))
        oracle.put(codes, position, oracle.clip(code, -UNIT, UNIT))
    return codes


class Network:
    """Stem, one residual block, average, classifier: parameters by name, and a step.

    bits : (kW, kA, kG, kE).
    """

    def __init__(self, channels, classes, bits, seed):
        self.bits, self.seed, self.weights, self.vectors = bits, seed, 0, 0
        self.parameters = {}
        for i, inputs in enumerate((3, channels, channels), 1):
            self._add(f"conv2d_{i}.weight", (channels, inputs, 3, 3))
            for role, code in (("scale", 2**12), ("bias", 0), ("mean", 0), ("variance", None)):
                self._vector(f"batch_norm2d_{i}.{role}", channels, code)
        self._add("linear_1.weight", (classes, channels))
        self._vector("linear_1.bias", classes, 0)

    def _add(self, name, shape):
        master = initial(shape, self.seed, self.weights)
        self.parameters[name] = dict(master=master, index=self.weights, shape=shape)
        self.weights += 1

    def _vector(self, name, channels, code):
        self.parameters[name] = dict(master=[code] * channels, index=VECTORS + self.vectors,
                                     shape=(channels,))
        self.vectors += 1

    # layers --------------------------------------------------------------------------------

    def _weight(self, name, k):
        p = self.parameters[name]
        levels, scale = 2 ** (k - 1) - 1, prescale(oracle.fan_in(p["shape"]))
        p["frac"], p["slope"] = 14 + scale, Fraction(levels, 2 ** grid(levels))
        codes = each(lambda w: half_even(Fraction(w * levels, UNIT)), p["master"])
        return Tensor(codes, grid(levels) + scale), p

    def conv(self, x, number, k, largest):
        """The sums and the largest code of their format; largest: of x's codes."""
        w, p = self._weight(f"conv2d_{number}.weight", k)
        settings = dict(padding=(1, 1, 1, 1))
        y = Tensor(oracle.conv2d(x.codes, w.codes, **settings), x.frac_bits + w.frac_bits)

        def back(e):
            e = oracle.error_operand(e, self.bits[3])
            p["gradient"] = Tensor(oracle.conv2d_gradient(x.codes, e.codes, p["shape"], **settings),
                                   e.frac_bits + x.frac_bits)
            below = oracle.conv2d_error(e.codes, w.codes, oracle.shape_of(x.codes), **settings)
            return Tensor(below, e.frac_bits + w.frac_bits)

        bound = oracle.fan_in(p["shape"]) * largest * (2 ** (k - 1) - 1)
        return y, back, 2 ** max(oracle_norm.bits(bound), 16) - 1

    def norm(self, x, number, largest):
        p = [self.parameters[f"batch_norm2d_{number}.{role}"]
             for role in ("scale", "bias", "mean", "variance")]
        gamma, beta = (q["master"] for q in p[:2])
        xs = by_channel(x.codes)
        statistics = [oracle_norm.of_batch(c, "1/100000", x.frac_bits) for c in xs]
        for q, new in zip(p[2:], ([oracle_norm.half_up(s.mean * 2**8) for s in statistics],
                                  [s.variance for s in statistics])):
            start = [4 ** (x.frac_bits + 8) if old is None else old for old in q["master"]]
            q["later"] = [oracle_norm.moved(a, b, Fraction(1, 8)) for a, b in zip(start, new)]
        ys = [oracle_norm.forward(c, s, g, b, NORM_FRAC)
              for c, s, g, b in zip(xs, statistics, gamma, beta)]

        def back(e):
            es, top = by_channel(e.codes), 2 ** (self.bits[3] - 1) - 1
            below, T = oracle_norm.backward(es, xs, statistics, gamma, NORM_FRAC, top, largest)
            pairs = [oracle_norm.gradients(*c) for c in zip(es, xs, statistics)]
            for q, values, frac in zip(p, zip(*pairs), (e.frac_bits + 8, e.frac_bits)):
                q["gradient"], q["frac"], q["slope"] = Tensor(list(values), frac), NORM_FRAC, 1
            return Tensor(from_channels(below, e.codes), e.frac_bits - x.frac_bits + T)

        return Tensor(from_channels(ys, x.codes), NORM_FRAC), back

    def relu(self, x):
        y, mask = oracle.relu(x.codes)
        return Tensor(y, x.frac_bits), lambda e: Tensor(oracle.masked(e.codes, mask), e.frac_bits, e.bits)

    def narrow(self, x, step, most, frac, slope=(1, 0), unit=1):
        """Codes 0..most of a step; x's are worth `unit` steps of 2**-frac_bits. slope = (L, n)."""
        ratio = Fraction(unit) * Fraction(2) ** -x.frac_bits / step
        codes = each(lambda v: oracle.clip(half_even(v * ratio), 0, most), x.codes)
        mask = each(lambda v: int(0 <= v * ratio <= most), x.codes)

        def back(e):
            e = each(lambda v, m: v * slope[0] if m else 0, e.codes, mask), e.frac_bits + slope[1]
            return oracle.quantize_error(Tensor(*e), self.bits[3])

        return Tensor(codes, frac), back

    def grid(self, x, top):
        """2**kA - 1 levels up to 2**top."""
        levels = 2 ** self.bits[1] - 1
        n = grid(levels)
        return self.narrow(x, Fraction(2**top, levels), levels, n - top, (levels, n))

    def sum(self, x):
        """8 bits of range 16."""
        return self.narrow(x, Fraction(1, 2**SUM_FRAC), 255, SUM_FRAC)

    def average(self, x):
        kernel = oracle.shape_of(x.codes)[2:]
        fold = oracle_layers.average(kernel[0] * kernel[1], 6)
        y = oracle_layers.pool(x.codes, kernel, kernel, (0, 0, 0, 0), False, fold)
        lshift = oracle.average_lshift(kernel)

        def back(e):
            below = oracle.avg_pool2d_error(e.codes, oracle.shape_of(x.codes), kernel, kernel, lshift)
            return Tensor(below, e.frac_bits + lshift)

        return Tensor(y, x.frac_bits + 6), back

    def classify(self, x):
        """8-bit weights; the sums times 128/127 in 8 bits; the bias at their step."""
        w, p = self._weight("linear_1.weight", 8)
        a, n = short_fraction(Fraction(128, 127), 8)
        b = self.parameters["linear_1.bias"]
        rows, shape = oracle.flatten(x.codes), oracle.shape_of(x.codes)
        y = [[v * a + c for v, c in zip(row, b["master"])] for row in oracle.linear(rows, w.codes)]
        b["frac"] = x.frac_bits + w.frac_bits + n

        def back(e):
            b["gradient"], b["slope"] = Tensor([sum(c) for c in zip(*e.codes)], e.frac_bits), 1
            e = oracle.quantize_error(Tensor(each(lambda v: v * a, e.codes), e.frac_bits + n),
                                      self.bits[3])
            p["gradient"] = Tensor(oracle.linear_gradient(rows, e.codes), e.frac_bits + x.frac_bits)
            below = oracle.linear_error(e.codes, w.codes)
            return Tensor(oracle.folded(oracle.flat(below), shape), e.frac_bits + w.frac_bits)

        return Tensor(y, b["frac"]), back

    # the step ------------------------------------------------------------------------------

    def step(self, images, labels, lr, momentum, decay, number):
        """The logits; all parameters move."""
        levels = 2 ** self.bits[1] - 1
        x = Tensor(each(lambda u: oracle.encode_symmetric(u, 8), images), IMAGE_FRAC)
        backs = []

        def run(function, x, *arguments):
            y, back, *rest = function(x, *arguments)
            backs.append(back)
            return (y, *rest) if rest else y

        def normalised(x, number, k, largest):
            y, top = run(self.conv, x, number, k, largest)
            return run(self.norm, y, number, top)

        x = trunk = run(self.sum, run(self.relu, normalised(x, 1, 8, 127)))
        stem, backs = backs, []
        x = run(self.grid, x, 1)
        x = run(self.grid, run(self.relu, normalised(x, 2, self.bits[0], levels)), 0)
        x = normalised(x, 3, self.bits[0], levels)
        branch, backs = backs, []
        x = run(self.sum, run(self.relu, oracle.add(x, trunk)))
        x = run(self.average, x)
        x = run(self.narrow, x, Fraction(1, 2**END_FRAC), 255, END_FRAC)
        logits = run(self.classify, x)
        e = oracle.quantize_error(oracle.softmax_error(logits, labels), self.bits[3])
        e = beside = down(backs, e)
        e = down(stem, oracle.add(down(branch, e), beside))
        for name, p in self.parameters.items():
            self._move(name, p, Fraction(lr) / len(images), momentum, Fraction(decay) * lr, number)
        return logits

    def _move(self, name, p, rate, momentum, decay, number):
        if "later" in p:
            p["master"] = p["later"]
            return
        is_weight = name.endswith("weight")
        order = oracle.memory_order(p["shape"]) if is_weight else [(i,) for i in range(p["shape"][0])]
        w, g = ([oracle.at(t, i) for i in order] for t in (p["master"], p["gradient"].codes))
        frac, at = p["gradient"].frac_bits, (self.seed, number, p["index"])
        if self.bits[2] < 32:
            g, rshift = oracle_momentum.narrowed(g, self.bits[2], *at)
            frac -= rshift
        gain = rate * p["slope"] * Fraction(2) ** (p["frac"] + 8 - frac)
        limit = UNIT if is_weight else 2 ** (30 if name == "linear_1.bias" else 15) - 1
        v = p.setdefault("velocity", [0] * len(w))
        w, p["velocity"], _ = oracle_momentum.step_of(
            w, v, g, gain, momentum, decay * 2**8 if is_weight else 0, limit, *at)
        for position, code in zip(order, w):
            oracle.put(p["master"], position, code)


def down(backs, e):
    """Through the layers, last to first; nobody needs the error at the images."""
    for back in reversed(backs):
        e = back(e)
    return e


def by_channel(codes):
    """[channel][image, row, column]."""
    return [[v for image in codes for row in image[c] for v in row] for c in range(len(codes[0]))]


def from_channels(channels, like):
    """The inverse."""
    streams = [iter(channel) for channel in channels]
    return [[[[next(streams[c]) for _ in row] for row in plane] for c, plane in enumerate(image)]
            for image in like]
