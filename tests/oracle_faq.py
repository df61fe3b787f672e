"""One FAQ step of a small residual network in Python integers, written out layer by layer.

    conv 3x3 - bn - relu - A - residual(A - conv 3x3/2 - bn, every second pixel) - relu - A
    - mean (6 guard bits) - A - linear

Tensors are those of oracle.py: nested lists in logical order with one exponent. `state` maps the
names of the engine's parameters to (codes, frac_bits), `formats` its names of narrowings to
(bits, frac_bits, signed); both as conversion made them.
"""

from fractions import Fraction

from oracle import (
    Tensor, add, avg_pool2d_error, average_lshift, clip, conv2d, conv2d_error, conv2d_gradient,
    each, flat, flatten, folded, linear, linear_error, linear_gradient, masked, max_abs,
    memory_order, philox4x32, put, at, relu, round_divide, round_shift, shape_of, shiftexp,
    softmax_error, stochastic_quotient,
)

PURPOSES = {"update": 4, "error": 8, "momentum": 10, "gradient": 11}
NUMBERS = {"loss": 0, "conv2d_1": 1, "requantize_1": 4, "requantize_2": 6, "conv2d_2": 7,
           "requantize_3": 11, "requantize_4": 13}
ORDER = ["conv2d_1.weight", "batch_norm2d_1.scale", "batch_norm2d_1.bias", "conv2d_2.weight",
         "batch_norm2d_2.scale", "batch_norm2d_2.bias", "linear_1.weight", "linear_1.bias"]
PAD, FINER, VELOCITY_FINER = (1, 1, 1, 1), 8, 8


def random(seed, purpose, step, tensor, element):
    """Element of a stream of random words."""
    block = ((element >> 10) << 8) | (element & 255)
    counter = block, tensor, step, PURPOSES[purpose]
    return philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32))[(element >> 8) & 3]


def by_maximum(x, bits, draw):
    """x at the power-of-two step that its largest code asks for, rounded by draw(element)."""
    rshift = shiftexp(max_abs(x.codes)) - (bits - 1) if max_abs(x.codes) else 0
    limit = 2 ** (bits - 1) - 1
    codes = []
    for element, code in enumerate(flat(x.codes)):
        if rshift > 0:
            whole, rest = divmod(abs(code), 1 << rshift)
            up = draw(element) < (rest << 32) >> rshift
            code = (whole + up) * (-1 if code < 0 else 1)
        else:
            code <<= -rshift
        codes.append(clip(code, -limit, limit))
    return Tensor(folded(codes, shape_of(x.codes)), x.frac_bits - rshift, bits)


class Step:
    """A step; `run` gives the new masters and velocities."""

    def __init__(self, state, formats, bits, seed, step, rate, momentum, decay, velocities):
        self.state, self.formats, self.velocities = state, formats, velocities
        self.gradient_bits, self.error_bits = bits
        self.seed, self.step = seed, step
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.gradients = {}

    def error(self, e, name):
        """[E] at a layer."""
        return by_maximum(e, self.error_bits,
                          lambda i: random(self.seed, "error", self.step, NUMBERS[name], i))

    def weight(self, name):
        """[W] half_even(master / 2**8) at the step of the codes."""
        codes, frac_bits = self.state[f"{name}.weight"]
        return Tensor(each(lambda c: round_shift(c, FINER, "half_even"), codes), frac_bits - FINER)

    def narrow(self, x, name):
        """[A] and its mask: inside the range before rounding."""
        bits, frac_bits, signed = self.formats[name]
        high = 2 ** (bits - signed) - 1
        low = -high if signed else 0
        rshift = x.frac_bits - frac_bits
        scale = Fraction(2) ** rshift
        codes = each(lambda c: clip(round_shift(c, rshift, "half_even"), low, high), x.codes)
        return Tensor(codes, frac_bits), each(lambda c: int(low * scale <= c <= high * scale), x.codes)

    def affine(self, x, name):
        """x * A + B a channel."""
        a, a_bits = self.state[f"{name}.scale"]
        b, b_bits = self.state[f"{name}.bias"]
        y = Tensor([[each(lambda c, f=f: c * f, plane) for plane, f in zip(image, a)]
                    for image in x.codes], x.frac_bits + a_bits)
        b = Tensor([[each(lambda _, v=v: v, plane) for plane, v in zip(image, b)]
                    for image in x.codes], b_bits)
        return add(y, b)

    def affine_error(self, e, name):
        """e * A; the gradient of B."""
        a, a_bits = self.state[f"{name}.scale"]
        self.gradients[f"{name}.bias"] = Tensor(channel_sums(e.codes), e.frac_bits)
        return Tensor([[each(lambda c, f=f: c * f, plane) for plane, f in zip(image, a)]
                       for image in e.codes], e.frac_bits + a_bits)

    def run(self, x, labels):
        """x : Tensor of the encoded images. Returns (outputs, {name: codes}, {name: velocities})."""
        w1, w2, w3 = (self.weight(n) for n in ("conv2d_1", "conv2d_2", "linear_1"))
        y = Tensor(conv2d(x.codes, w1.codes, (1, 1), PAD), x.frac_bits + w1.frac_bits)
        y, relu1 = relu_of(self.affine(y, "batch_norm2d_1"))
        trunk, mask1 = self.narrow(y, "requantize_1")
        inner, mask2 = self.narrow(trunk, "requantize_2")
        y = Tensor(conv2d(inner.codes, w2.codes, (2, 2), PAD), inner.frac_bits + w2.frac_bits)
        y = add(self.affine(y, "batch_norm2d_2"), Tensor(halved(trunk.codes), trunk.frac_bits))
        y, relu2 = relu_of(y)
        trunk2, mask3 = self.narrow(y, "requantize_3")
        size = shape_of(trunk2.codes)[2:]
        count = size[0] * size[1]
        y = [[[[round_divide(sum(flat(plane)) << 6, count)]] for plane in image]
             for image in trunk2.codes]
        mean, mask4 = self.narrow(Tensor(y, trunk2.frac_bits + 6), "requantize_4")
        rows = flatten(mean.codes)
        outputs = Tensor(linear(rows, w3.codes), mean.frac_bits + w3.frac_bits)
        bias, bias_bits = self.state["linear_1.bias"]
        outputs = add(outputs, Tensor([bias for _ in rows], bias_bits))

        e = self.error(softmax_error(outputs, labels), "loss")
        self.gradients["linear_1.bias"] = Tensor([sum(c) for c in zip(*e.codes)], e.frac_bits)
        self.gradients["linear_1.weight"] = Tensor(
            linear_gradient(rows, e.codes), mean.frac_bits + e.frac_bits)
        below = linear_error(e.codes, w3.codes)
        e = Tensor([[[[c]] for c in row] for row in below], e.frac_bits + w3.frac_bits)
        e = self.error(Tensor(masked(e.codes, mask4), e.frac_bits), "requantize_4")
        lshift = average_lshift(size)
        e = Tensor(avg_pool2d_error(e.codes, shape_of(trunk2.codes), size, size, lshift),
                   e.frac_bits + lshift)
        e = self.error(Tensor(masked(e.codes, mask3), e.frac_bits), "requantize_3")
        e = Tensor(masked(e.codes, relu2), e.frac_bits)
        beside = Tensor(spread(e.codes, shape_of(trunk.codes)), e.frac_bits)
        e = self.error(self.affine_error(e, "batch_norm2d_2"), "conv2d_2")
        shape = shape_of(w2.codes)
        self.gradients["conv2d_2.weight"] = Tensor(
            conv2d_gradient(inner.codes, e.codes, shape, (2, 2), PAD), inner.frac_bits + e.frac_bits)
        e = Tensor(conv2d_error(e.codes, w2.codes, shape_of(inner.codes), (2, 2), PAD),
                   e.frac_bits + w2.frac_bits)
        e = self.error(Tensor(masked(e.codes, mask2), e.frac_bits), "requantize_2")
        e = add(e, beside)
        e = self.error(Tensor(masked(e.codes, mask1), e.frac_bits), "requantize_1")
        e = Tensor(masked(e.codes, relu1), e.frac_bits)
        e = self.error(self.affine_error(e, "batch_norm2d_1"), "conv2d_1")
        self.gradients["conv2d_1.weight"] = Tensor(
            conv2d_gradient(x.codes, e.codes, shape_of(w1.codes), (1, 1), PAD),
            x.frac_bits + e.frac_bits)
        return outputs, *self.updates(len(labels))

    def updates(self, images):
        """({name: master codes}, {name: velocities}) after the step."""
        weights = vectors = 0
        masters, velocities = {}, {}
        for name in ORDER:
            tensor = weights if name.endswith("weight") else 2**31 + vectors
            weights += name.endswith("weight")
            vectors += not name.endswith("weight")
            masters[name], velocities[name] = self.state[name][0], None
            if name in self.gradients:
                masters[name], velocities[name] = self.update(name, tensor, images)
        return masters, velocities

    def update(self, name, tensor, images):
        """v <- v m + lr (g / N + d w); w <- clip(w - v / 2**8), every product rounded by itself."""
        master, frac_bits = self.state[name]
        is_weight = name.endswith("weight")
        order = memory_order(shape_of(master)) if is_weight else [(i,) for i in range(len(master))]
        row = [at(self.gradients[name].codes, position) for position in order]
        g = by_maximum(Tensor(row, self.gradients[name].frac_bits), self.gradient_bits,
                       lambda i: random(self.seed, "gradient", self.step, tensor, i))
        old = self.velocities.get(name) or [0] * len(order)
        gain = self.rate / images * Fraction(2) ** (frac_bits + VELOCITY_FINER - g.frac_bits)
        decay = self.rate * self.decay * 2**VELOCITY_FINER if is_weight else Fraction(0)
        limit = self.limit(name, master, is_weight)
        padded = -(-len(order) // 1024) * 1024

        def drawn(a, factor, purpose, element):
            return multiplied(a, factor, random(self.seed, purpose, self.step, tensor, element))

        new, velocity = copied(master), []
        for i, position in enumerate(order):
            v = (old[i] + drawn(g.codes[i], gain, "momentum", i)
                 - drawn(old[i], 1 - self.momentum, "momentum", padded + i)
                 + drawn(at(master, position), decay, "momentum", 2 * padded + i))
            velocity.append(clip(v, -(2**30), 2**30))
            d = drawn(velocity[-1], Fraction(1, 2**VELOCITY_FINER), "update", i)
            put(new, position, clip(at(master, position) - d, -limit, limit))
        return new, velocity

    def limit(self, name, master, is_weight):
        """The largest code of a weight, 2**8 finer; for others the largest of 31 or 32 bits."""
        return (2 ** (self.formats[name][0] - 1) - 1) << FINER if is_weight else self.formats[name][1]


def multiplied(a, factor, word):
    """a * factor, rounded stochastically by a random word."""
    p, q = factor.numerator, factor.denominator
    if not p:
        return 0
    up, down = (p & -p).bit_length() - 1, (q & -q).bit_length() - 1
    return stochastic_quotient(a, p >> up, q >> down, down - up, word)


def copied(nested):
    return [copied(part) for part in nested] if isinstance(nested, list) else nested


def relu_of(x):
    codes, mask = relu(x.codes)
    return Tensor(codes, x.frac_bits), mask


def channel_sums(codes):
    """Sum over images and pixels."""
    return [sum(sum(flat(image[c])) for image in codes) for c in range(len(codes[0]))]


def halved(codes):
    """Every second pixel, one channel of zeros on each side."""
    planes = [[[row[::2] for row in plane[::2]] for plane in image] for image in codes]
    return [[each(lambda _: 0, image[0]), *image, each(lambda _: 0, image[0])] for image in planes]


def spread(codes, shape):
    """The inverse: errors of the inner channels back to the pixels that were taken."""
    N, C, H, W = shape
    return [[[[codes[n][c + 1][h // 2][v // 2] if h % 2 == v % 2 == 0 else 0 for v in range(W)]
              for h in range(H)] for c in range(C)] for n in range(N)]
