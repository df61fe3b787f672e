"""A training step that counts itself: every kernel as a scalar loop that notes each operation.

The loops state the kernels once more, number by number, and their results are held against the
reference kernels by equality. Nothing here knows the predictions of intflow/costs.

Lingo: `t` the tally; a primitive computes and notes one operation of a width, "32" for a container
of 32 bits, "8x2+32" for a product of 8 and 2 bits added into 32.
"""

from collections import Counter, defaultdict

import numpy as np

from intflow import ops
from intflow.kernels import KERNELS, load
from intflow.kernels.reference.random import random_u32

FORWARD, ERROR, GRADIENT, UPDATE = "forward", "error", "gradient", "update"


def width_of(array):
    return str(8 * array.dtype.itemsize)


class Tally:
    """Operations and bytes by (layer, pass); `at` says whose turn it is."""

    def __init__(self):
        self.at = ("images", FORWARD)
        self.kinds = {}
        self.operations, self.read, self.written = (defaultdict(Counter) for _ in range(3))

    def note(self, name, width, number=1):
        self.operations[self.at][name, width] += number

    def add(self, a, b, width):
        self.note("add", width)
        return a + b

    def multiply(self, a, b, width):
        self.note("multiply", width)
        return a * b

    def mac(self, total, a, b, width):
        self.note("mac", width)
        return total + a * b

    def shift(self, value, left, width):
        """value * 2**left, rounded down where left < 0."""
        self.note("shift", width)
        return value << left if left >= 0 else value >> -left

    def divide(self, a, b, width):
        self.note("divide", width)
        return a // b

    def less(self, a, b, width):
        self.note("compare", width)
        return a < b

    def clip(self, value, lo, hi, width):
        below, above = self.less(value, lo, width), self.less(hi, value, width)
        return lo if below else hi if above else value

    def reads(self, role, *arrays):
        self.read[self.at][role] += sum(array.nbytes for array in arrays)

    def writes(self, role, *arrays):
        self.written[self.at][role] += sum(array.nbytes for array in arrays)

    def role(self):
        """What a tensor is that is being narrowed or searched."""
        layer, passed = self.at
        if passed != FORWARD:
            return {ERROR: "errors", UPDATE: "gradients"}[passed]
        return "weights" if self.kinds.get(layer) in ("conv2d", "linear") else "activations"


def half_even(t, value, rshift, width):
    """One shift and one carry; what was shifted out decides by logic alone."""
    if rshift <= 0:
        return t.add(t.shift(value, -rshift, width), 0, width)
    quotient = t.shift(value, -rshift, width)
    rest, half = value & ((1 << rshift) - 1), 1 << (rshift - 1)
    return t.add(quotient, int(rest > half or rest == half and quotient & 1), width)


def divided(t, value, count, width):
    """half_even(value / count)."""
    if count & (count - 1) == 0:
        return half_even(t, value, count.bit_length() - 1, width)
    quotient = t.divide(value, count, width)
    twice = 2 * (value - quotient * count)
    return t.add(quotient, int(twice > count or twice == count and quotient & 1), width)


def windows(shape, out_shape, kernel_size, stride, padding):
    """(output pixel, number of the tap, input pixel or None in the padding)."""
    for oh, ow in np.ndindex(*out_shape[:2]):
        for number, (kh, kw) in enumerate(np.ndindex(*kernel_size)):
            h, w = oh * stride[0] - padding[0] + kh, ow * stride[1] - padding[2] + kw
            yield (oh, ow), number, (h, w) if 0 <= h < shape[0] and 0 <= w < shape[1] else None


def terms(x_shape, w_shape, y_shape, stride, padding, dilation, groups):
    """Every product of a convolution as (index in x or None, index in w, index in y)."""
    inputs, outputs = w_shape[2], w_shape[3]
    for oh, ow, kh, kw in np.ndindex(*y_shape[:2], *w_shape[:2]):
        h = oh * stride[0] - padding[0] + kh * dilation[0]
        w = ow * stride[1] - padding[2] + kw * dilation[1]
        inside = 0 <= h < x_shape[0] and 0 <= w < x_shape[1]
        for n, i, o in np.ndindex(y_shape[2], inputs, outputs):
            channel = o // (outputs // groups) * inputs + i
            yield (h, w, n, channel) if inside else None, (kh, kw, i, o), (oh, ow, n, o)


class Loops:
    """The kernels as scalar loops. Arguments are those of the reference; results are returned as
    arrays of Python integers, one for each output."""

    def __init__(self, tally):
        self.t, self.operands = tally, None

    def _product(self, out, index, a, b, arguments, shapes):
        t, width = self.t, "x".join(self.operands) + "+" + width_of(out)
        total = np.zeros(out.shape, object)
        for x, w, y in terms(*shapes, **arguments):
            where = index(x, w, y)
            if x is None:
                t.note("padding", width)
                t.note("mac", width)
            else:
                total[where[0]] = t.mac(total[where[0]], int(a[where[1]]), int(b[where[2]]), width)
        return [total]

    def conv2d_forward(self, out, x, w, w_max=None, **window):
        self.t.reads("activations", x)
        self.t.reads("weights", w)
        self.t.writes("activations", out)
        return self._product(out, lambda x, w, y: (y, x, w), x, w, window,
                             (x.shape, w.shape, out.shape))

    def conv2d_error(self, out, e, w, w_max=None, **window):
        self.t.reads("errors", e)
        self.t.reads("weights", w)
        self.t.writes("errors", out)
        return self._product(out, lambda x, w, y: (x, y, w), e, w, window,
                             (out.shape, w.shape, e.shape))

    def conv2d_gradient(self, out, x, e, **window):
        self.t.reads("activations", x)
        self.t.reads("errors", e)
        self.t.writes("gradients", out)
        return self._product(out, lambda x, w, y: (w, x, y), x, e, window,
                             (x.shape, out.shape, e.shape))

    def encode_images(self, out, images, table):
        self.t.note("lookup", width_of(out), out.size)
        self.t.reads("activations", images)
        self.t.writes("activations", out)
        return [table.astype(object)[images].transpose(2, 3, 0, 1)]

    def centre_images(self, out, images, centres):
        self.t.reads("activations", images)
        self.t.writes("activations", out)
        pixels = images.transpose(2, 3, 0, 1)
        minus = np.broadcast_to(-centres, pixels.shape)
        return [_each(pixels, lambda v, m: self.t.add(v, m, width_of(out)), minus)]

    def scale_channels(self, out, x, a, b):
        """A bias comes as factors that are powers of two: its layer's numbers are shifted."""
        t, width = self.t, width_of(out)
        t.reads("activations", x)
        t.writes("activations", out)
        factors, terms = (np.broadcast_to(v, x.shape) for v in (a, b))
        if t.kinds[t.at[0]] == "batch_norm2d":
            width = "x".join(self.operands) + "+" + width
            return [_each(x, lambda v, f, c: t.mac(c, v, f, width), factors, terms)]
        return [_each(x, lambda v, f, c: t.add(t.shift(v, f.bit_length() - 1, width), c, width),
                      factors, terms)]

    def local_response_norm(self, out, x, table, size, factor, rshift, offset, first):
        t, channels = self.t, x.shape[-1]
        t.reads("activations", x)
        t.writes("activations", out)
        squares, result = _each(x, lambda v: t.multiply(v, v, "64")), np.zeros(x.shape, object)
        for index in np.ndindex(*x.shape):
            c = index[-1]
            first_near, behind = max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1)
            near = squares[index[:-1]][first_near:behind]
            total = near[0]
            for square in near[1:]:
                total = t.add(total, square, "64")
            scaled = t.multiply(total, factor, "64")
            half = (1 << rshift >> 1) if rshift else 0
            value = t.add(offset, t.add(t.shift(scaled + half, -rshift, "64"), 0, "64"), "64")
            lead = value.bit_length() - 1
            i, j = divmod(t.shift(value, 16 - lead, "64") & 0xffff, 256)
            t.note("lookup", "32", 2)
            a, b = (int(v) for v in table[lead - first, i:i + 2])
            between = t.multiply(t.add(a, -b, "64"), j, "64")
            r = t.add(a, -t.add(t.shift(between + 128, -8, "64"), 0, "64"), "64")
            result[index] = t.multiply(int(x[index]), r, width_of(out))
        return [result]

    def relu(self, out, mask, x):
        self.t.reads("activations", x)
        self.t.writes("activations", out)
        self.t.writes("masks", mask)
        above = _each(x, lambda v: int(self.t.less(0, v, width_of(x))))
        return [np.where(above, x, 0), above]

    def apply_mask(self, out, e, mask):
        self.t.reads("errors", e)
        self.t.reads("masks", mask)
        self.t.writes("errors", out)
        return [e * (mask != 0)]

    def add_aligned(self, out, a, a_lshift, b, b_lshift):
        role = self.t.role()
        self.t.reads(role, a, b)
        self.t.writes(role, out)
        assert a_lshift == 0 or b_lshift == 0
        width, by = width_of(out), a_lshift + b_lshift
        coarse, fine = (a, b) if b_lshift == 0 else (b, a)
        return [_each(coarse, lambda v, w: self.t.add(self.t.shift(v, by, width), w, width), fine)]

    def requantize(self, out, acc, rshift, rounding, lo, hi):
        self.t.reads(self.t.role(), acc)
        self.t.writes(self.t.role(), out)
        width = width_of(acc)
        return [_each(
            acc, lambda v: self.t.clip(half_even(self.t, v, rshift, width), lo, hi, width))]

    def requantize_masked(self, out, mask, acc, rshift, rounding, lo, hi):
        narrow = self.requantize(out, acc, rshift, rounding, lo, hi)
        self.t.writes("masks", mask)
        left, right, width = max(-rshift, 0), max(rshift, 0), width_of(acc)

        def inside(v):
            below = self.t.less(v << left, lo << right, width)
            return int(not self.t.less(hi << right, v << left, width) and not below)

        return [*narrow, _each(acc, inside)]

    def requantize_to_power(self, out, x, rshift, largest):
        """An exponent from a table, brought to the step of out; 0 for what is too small."""
        self.t.reads(self.t.role(), x)
        self.t.writes(self.t.role(), out)

        def one(value):
            exponent = next(k for k in range(64) if value * value < 1 << 2 * k + 1)
            self.t.note("lookup", width_of(x))
            place = self.t.add(exponent, -rshift, "8")
            small, large = self.t.less(place, 0, "8"), self.t.less(largest, place, "8")
            size = 0 if small or value == 0 else 1 << (largest if large else place)
            return size if value > 0 else -size

        return [_each(x, one)]

    def max_abs(self, x):
        self.t.reads(self.t.role(), x)
        smallest = largest = 0
        for v in map(int, x.flat):
            smallest = v if self.t.less(v, smallest, width_of(x)) else smallest
            largest = v if self.t.less(largest, v, width_of(x)) else largest
        return max(largest, -smallest)

    def sum_squares(self, x):
        self.t.reads(self.t.role(), x)
        width, total = f"{width_of(x)}x{width_of(x)}+{width_of(x)}", 0
        for v in map(int, x.flat):
            total = self.t.mac(total, v, v, width)
        return total

    def max_pool2d(self, out, winner, x, kernel_size, stride, padding):
        self.t.reads("activations", x)
        self.t.writes("activations", out)
        self.t.writes("masks", winner)
        best, first = np.full(out.shape, None, object), np.zeros(out.shape, object)
        for pixel, number, inside in windows(x.shape, out.shape, kernel_size, stride, padding):
            for n in np.ndindex(*out.shape[2:]) if inside else ():
                old, new = best[pixel + n], int(x[inside + n])
                if old is None or self.t.less(old, new, width_of(x)):
                    best[pixel + n], first[pixel + n] = new, number
        return [best, first]

    def max_pool2d_backward(self, out, e, winner, kernel_size, stride, padding):
        self.t.reads("errors", e)
        self.t.reads("masks", winner)
        self.t.writes("errors", out)
        total = np.zeros(out.shape, object)
        for pixel, number, inside in windows(out.shape, e.shape, kernel_size, stride, padding):
            for n in np.ndindex(*out.shape[2:]) if inside else ():
                if winner[pixel + n] == number:
                    old, new = total[inside + n], int(e[pixel + n])
                    total[inside + n] = self.t.add(old, new, width_of(out))
        return [total]

    def avg_pool2d(self, out, x, kernel_size, stride, padding, lshift):
        self.t.reads("activations", x)
        self.t.writes("activations", out)
        total = np.full(out.shape, None, object)
        for pixel, _, inside in windows(x.shape, out.shape, kernel_size, stride, padding):
            for n in np.ndindex(*out.shape[2:]) if inside else ():
                old, new = total[pixel + n], int(x[inside + n])
                total[pixel + n] = new if old is None else self.t.add(old, new, width_of(out))
        count = kernel_size[0] * kernel_size[1]         # the guard bits are in its shift
        return [_each(total, lambda v: divided(self.t, v << lshift, count, width_of(out)))]

    def avg_pool2d_backward(self, out, e, kernel_size, stride, padding, lshift):
        self.t.reads("errors", e)
        self.t.writes("errors", out)
        count, total = kernel_size[0] * kernel_size[1], np.zeros(out.shape, object)
        share = _each(e, lambda v: divided(self.t, v << lshift, count, width_of(out)))
        for pixel, _, inside in windows(out.shape, e.shape, kernel_size, stride, padding):
            for n in np.ndindex(*out.shape[2:]) if inside else ():
                total[inside + n] = self.t.add(total[inside + n], share[pixel + n], width_of(out))
        return [total]

    def stochastic_update(self, w, update, g, p, q, rshift, lo, hi, seed, step, tensor):
        t, width = self.t, width_of(g)
        t.reads("weights", w)
        t.reads("gradients", g)
        t.writes("weights", w)
        t.writes("gradients", update)
        random = np.empty(w.size, np.uint32)
        random_u32(random, seed, "update", step, tensor)
        t.note("random", "32", w.size)
        right, left = max(rshift, 0), max(-rshift, 0)
        drop = max(0, ((q << right) - 1).bit_length() - 32)
        new, steps = [], []
        for v, g_one, r in zip(w.flat, g.flat, random.tolist()):
            size = abs(int(g_one)) << left
            size = t.multiply(size, p, width) if p != 1 else size
            if q == 1:
                total = t.add(size, t.shift(r << right, -32, width) >> drop << drop, width)
                size = t.shift(total, -right, width)
            else:
                below = (t.multiply(r, (q << right) >> drop, width) >> 32) << drop
                size = t.divide(t.add(size, below, width), q << right, width)
            steps.append(size if g_one > 0 else -size if g_one < 0 else 0)
            new.append(t.clip(t.add(int(v), -steps[-1], width), lo, hi, width))
        kept = steps if update.size else []             # where nobody looks it has no room
        return [np.array(a, object).reshape(o.shape) for a, o in ((new, w), (kept, update))]


def _each(x, function, *others):
    """function of every number, and of those at its place in the others, as Python integers."""
    flat = [function(*map(int, values)) for values in zip(x.flat, *(o.flat for o in others))]
    return np.array(flat, object).reshape(x.shape)


OUTPUTS = {"relu": 2, "requantize_masked": 2, "max_pool2d": 2, "stochastic_update": 2}


class CountedKernels:
    """The reference kernels, each call counted by its loop and held against it.

    uncounted : names of kernels that run as they are; of layers that nobody compares.
    """

    backend, threads = "reference", 1

    def __init__(self, tally, uncounted=()):
        self.loops, self.reference, self.called = Loops(tally), load("reference"), set()
        # Where they are used counts the first two: slots, losses.
        self.uncounted = {"random_u32", "softmax", *uncounted}

    def __getattr__(self, name):
        if name not in KERNELS:
            raise AttributeError(name)
        reference = getattr(self.reference, name)
        if name in self.uncounted:
            return reference
        loop = getattr(self.loops, name)

        def kernel(*arguments, **keywords):
            self.called.add(name)
            expected = loop(*arguments, **keywords)
            result = reference(*arguments, **keywords)
            if result is not None:
                assert result == expected, name
                return result
            outputs = arguments[:OUTPUTS.get(name, 1)]
            for output, values in zip(outputs, expected, strict=True):
                assert output.tolist() == values.tolist(), name

        return kernel


class CountedProducts(ops.Products):
    """The seam under the weighted layers: it knows the formats of the operands."""

    def __init__(self, kernels, tally):
        super().__init__(kernels)
        self.tally = tally

    def _named(self, a, b):
        self.kernels.loops.operands = str(a.format.bits), str(b.format.bits)

    def forward(self, layer, x, w, window):
        self._named(x, w)
        return super().forward(layer, x, w, window)

    def error(self, layer, e, w, window, input_shape):
        self._named(e, w)
        return super().error(layer, e, w, window, input_shape)

    def gradient(self, layer, x, e, window, weight_shape):
        self._named(x, e)
        around, self.tally.at = self.tally.at, (layer, GRADIENT)
        result = super().gradient(layer, x, e, window, weight_shape)
        self.tally.at = around
        return result


def turn(tally, function, at):
    """`function`, and whose turn it is while it runs."""
    def called(*arguments, **keywords):
        around, tally.at = tally.at, at
        try:
            return function(*arguments, **keywords)
        finally:
            tally.at = around
    return called


def moved(tally, function, taken):
    """An ops function that moves codes; taken(input, output) are the codes it reads and writes."""
    def called(*arguments):
        result = function(*arguments)
        read, written = taken(arguments, result)
        tally.reads(tally.role(), read)
        tally.writes(tally.role(), written)
        return result
    return called


def counted_trainer(trainer_of, monkeypatch, products=CountedProducts, uncounted=()):
    """(trainer, tally, kernels) of trainer_of(kernels), which counts what it does from here on."""
    tally = Tally()
    kernels = CountedKernels(tally, uncounted)
    trainer = trainer_of(load("reference"))
    trainer.kernels = trainer.network.kernels = kernels
    trainer.network.products = products(kernels, tally)
    for layer in trainer.network.layers.walk():
        tally.kinds[layer.name] = layer.kind
        backward = layer.backward
        if layer.kind == "concatenate":
            backward = _copies(tally, backward)
        layer.forward = turn(tally, layer.forward, (layer.name, FORWARD))
        layer.backward = turn(tally, backward, (layer.name, ERROR))
    _count_the_rest(trainer, tally)
    _count_moves(tally, monkeypatch)
    _count_vectors(tally, kernels.loops, monkeypatch)
    return trainer, tally, kernels


def _copies(tally, backward):
    """Concatenate hands every branch a copy of its channels."""
    def called(e, saved, run):
        tally.reads("errors", e.codes)
        tally.writes("errors", e.codes)
        return backward(e, saved, run)
    return called


def _count_the_rest(trainer, tally):
    """Encoding comes first, by default; then the loss and its [E]; updates in the end, where the
    scheme makes them."""
    loss, update = trainer.loss, getattr(trainer.scheme, "update", None)

    def lose(*arguments):
        tally.at = ("loss", ERROR)
        return loss(*arguments)

    def updating(kernels, parameter, *arguments):
        layer = parameter.name.removesuffix(".weight")
        return turn(tally, update, (layer, UPDATE))(kernels, parameter, *arguments)

    trainer.loss = lose
    if update is not None:
        trainer.scheme.update = updating


def _count_moves(tally, monkeypatch):
    whole = {
        "flatten_bits": lambda a, y: (a[1].codes, y.codes),
        "unflatten": lambda a, y: (a[0].codes, y.codes),
        "concatenate": lambda a, y: (y.codes, y.codes),
    }
    strided = {
        "subsample": lambda a, y: (a[0].codes[::a[1][0], ::a[1][1]], y.codes),
        "subsample_error": lambda a, x: (x.codes[::a[1][0], ::a[1][1]], x.codes),
    }
    for name, taken in {**whole, **strided}.items():
        monkeypatch.setattr(ops, name, moved(tally, getattr(ops, name), taken))


def _count_vectors(tally, loops, monkeypatch):
    """Biases and multipliers are read as they are stored; kernels get them widened."""
    scale, add = ops.scale_channels, ops.add_channels

    def scaling(kernels, x, a, b):
        tally.reads("weights", a.codes, b.codes)
        loops.operands = str(x.format.bits), str(a.format.bits)
        return scale(kernels, x, a, b)

    def adding(kernels, x, b):
        tally.reads("weights", b.codes)
        return add(kernels, x, b)

    monkeypatch.setattr(ops, "scale_channels", scaling)
    monkeypatch.setattr(ops, "add_channels", adding)
