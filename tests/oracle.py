"""WAGE in Python integers and Fractions: what the engine has to equal, bit for bit.

This is the slow and simple version.  It shares no line with the engine, imports none of it,
and refuses to be fast: plain loops over nested lists in the logical order of the axes,

    activations and errors  [n][c][h][w]  or  [n][c]        weights  [o][i][kh][kw]  or  [o][i]

Lingo (papers' letters): kW kA kG kE bits of weight, activation, update, error; sigma(k) = 2**(1-k);
la = log2 alpha; n = shiftexp(max); r = u32 of the random stream; R = its part in [0, D).
A code of frac_bits f means code * 2**-f.  Paddings are (top, bottom, left, right), the rest (h, w).

Sections: nested lists, rounding, random stream, quantisers, products, pooling, elementwise,
losses, update and initialisation, and at the end the training step of a whole net.
"""

from fractions import Fraction
from math import isqrt
from typing import NamedTuple


WIDE = 64  # the declared width of every exact sum


class Tensor(NamedTuple):
    """Codes as nested lists, and the exponent they share: value = code * 2**-frac_bits.

    bits : declared width.  Only the errors' matters: a product takes no operand above 16 bits.
    """

    codes: list
    frac_bits: int
    bits: int = WIDE


# ---------------------------------------------------------------------------- nested lists


def shape_of(nested):
    """(2, 3) of [[1, 2, 3], [4, 5, 6]]."""
    if not isinstance(nested, list):
        return ()
    return (len(nested), *shape_of(nested[0]))


def flat(nested):
    """Elements in row-major order."""
    if not isinstance(nested, list):
        return [nested]
    return [element for part in nested for element in flat(part)]


def filled(shape, element=0):
    """Nested list of this shape, all of one element."""
    if not shape:
        return element
    return [filled(shape[1:], element) for _ in range(shape[0])]


def folded(elements, shape):
    """Inverse of `flat`."""
    if len(shape) == 1:
        return list(elements)
    run = len(elements) // shape[0]
    return [folded(elements[i * run : (i + 1) * run], shape[1:]) for i in range(shape[0])]


def each(function, *nested):
    """Apply a function of scalars to every element (of several lists of one shape)."""
    if not isinstance(nested[0], list):
        return function(*nested)
    return [each(function, *parts) for parts in zip(*nested, strict=True)]


def max_abs(nested):
    """Largest magnitude, 0 for all zeros."""
    return max(abs(element) for element in flat(nested))


# ---------------------------------------------------------------------------- rounding


def floor(x):
    """Largest integer not above the rational x."""
    return x.numerator // x.denominator


def round_fraction(x, rounding, random=None):
    """Nearest integers of a rational, by definition.  `random` is a rational in [0, 1)."""
    x = Fraction(x)
    half = Fraction(1, 2)
    sign = -1 if x < 0 else 1
    if rounding == "floor":
        return floor(x)
    if rounding == "toward_zero":
        return sign * floor(abs(x))
    if rounding == "half_up":
        return floor(x + half)
    if rounding == "half_away":
        return sign * floor(abs(x) + half)
    if rounding == "half_even":
        below = floor(x)
        rest = x - below
        if rest == half:
            return below if below % 2 == 0 else below + 1
        return below if rest < half else below + 1
    if rounding == "stochastic":
        return sign * floor(abs(x) + random)
    raise ValueError(rounding)


def round_shift(s, k, rounding, random=None):
    """s / 2**k rounded, in shifts.   `random` is R, an integer in [0, 2**k).

    Examples: 3 / 2: floor 1, half_even 2; -5 / 2: half_even -2, half_away -3, half_up -2.
    """
    if k <= 0:
        return s << -k
    q, r, h = s >> k, s & ((1 << k) - 1), 1 << (k - 1)
    sign = -1 if s < 0 else 1
    if rounding == "floor":
        return q
    if rounding == "toward_zero":
        return sign * (abs(s) >> k)
    if rounding == "half_up":
        return (s + h) >> k
    if rounding == "half_away":
        return sign * ((abs(s) + h) >> k)
    if rounding == "half_even":
        return q + (r > h or (r == h and q % 2 == 1))
    if rounding == "stochastic":
        return sign * ((abs(s) + random) >> k)
    raise ValueError(rounding)


def round_divide(numerator, denominator, rounding="half_even"):
    """numerator / denominator rounded."""
    return round_fraction(Fraction(numerator, denominator), rounding)


def shiftexp(m):
    """round(log2 m) of an integer m >= 1, exactly; no tie exists.  [WAGE Shift]

    5 -> 2, 6 -> 3.
    """
    f = m.bit_length() - 1
    return f + (m * m > 2 ** (2 * f + 1))


def clip(x, lo, hi):
    """x, or the bound it lies beyond."""
    return lo if x < lo else hi if x > hi else x


def largest(bits):
    """Largest code of a symmetric signed format: 127 of 8 bits, 1 of 2."""
    return 2 ** (bits - 1) - 1


# ---------------------------------------------------------------------------- random stream

PURPOSES = {"init": 1, "shuffle": 2, "augment": 3, "update": 4, "dropout": 5, "binarize": 6,
            "activation": 7, "error": 8, "weight": 9}


def philox4x32(counter, key, rounds=10):
    """Philox 4x32 of Salmon et al. 2011 (Random123): four u32 from four u32 and a key of two."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (right >> 32) ^ c1 ^ k0,
            right & 0xFFFFFFFF,
            (left >> 32) ^ c3 ^ k1,
            left & 0xFFFFFFFF,
        )
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def random_u32(seed, purpose, step, tensor, element):
    """Element of the stream: word (i >> 8) & 3 of block ((i >> 10) << 8) | (i & 255)."""
    block = ((element >> 10) << 8) | (element & 255)
    counter = (block, tensor, step, PURPOSES[purpose])
    key = (seed & 0xFFFFFFFF, seed >> 32)
    return philox4x32(counter, key)[(element >> 8) & 3]


# ---------------------------------------------------------------------------- quantisers


def quantize(x, k, rounding="half_even"):
    """Q(x, k) = clip(sigma * round(x / sigma), -1 + sigma, 1 - sigma) of a rational.  [WAGE Q]"""
    sigma = Fraction(2, 2**k)
    return clip(sigma * round_fraction(x / sigma, rounding), -1 + sigma, 1 - sigma)


def narrow(code, rshift, bits, rounding="half_even"):
    """The same in integers: clip(round(code / 2**rshift)) to a symmetric format of `bits`."""
    return clip(round_shift(code, rshift, rounding), -largest(bits), largest(bits))


def encode_symmetric(u, kA):
    """Pixel 0..255 -> code: u / 127.5 - 1 quantised.  [WAGE input]

    127 -> -1, 128 -> 1 at 8 bits.
    """
    code = round_divide((2 * u - 255) * 2 ** (kA - 1), 255)
    return clip(code, -largest(kA), largest(kA))


def encode_unit(u, kA):
    """Pixel 0..255 -> code: u / 256 quantised.  [WAGE input]   3 -> 2 at 8 bits (a tie)."""
    return min(round_divide(u * 2 ** (kA - 1), 256), largest(kA))


def alpha_exponent(fan_in, kW):
    """la: largest j >= 0 with 3 n >= 2**(2 j + 2 kW - 1), else 0.  [WAGE alpha]   1152, 2 -> 4."""
    la = 0
    while 3 * fan_in >= 2 ** (2 * (la + 1) + 2 * kW - 1):
        la += 1
    return la


def master_bound(kW, kG):
    """Clip of the stored weight: 1 - sigma(kW) in units of sigma(kG).  [WAGE update]

    2, 8 -> 64.

    Where the units are too coarse for it (kG < kW) the largest code of kG bits.
    """
    return narrow(largest(kW), kW - kG, kG)


def quantize_weight(master, kW, kG):
    """Stored weight -> code of kW bits.  [WAGE Q_W]   33 -> 1, 32 -> 0 (tie) for 2, 8."""
    return narrow(master, kG - kW, kW)


# ---------------------------------------------------------------------------- products


def windows(size, kernel, stride, before, after, dilation=1):
    """Per output position of one axis, the list of (tap, input position) that lie inside."""
    span = dilation * (kernel - 1) + 1
    count = (size + before + after - span) // stride + 1
    taps = [
        [(k, o * stride - before + k * dilation) for k in range(kernel)] for o in range(count)
    ]
    return [[(k, i) for k, i in row if 0 <= i < size] for row in taps]


def _conv2d_terms(x_shape, w_shape, stride, padding, dilation, groups):
    """Every (n, o, oh, ow, channel of x, channel of w, h, w, kh, kw) of one convolution."""
    (N, C, H, W), (O, I, KH, KW) = x_shape, w_shape
    top, bottom, left, right = padding
    rows = windows(H, KH, stride[0], top, bottom, dilation[0])
    columns = windows(W, KW, stride[1], left, right, dilation[1])
    for n in range(N):
        for o in range(O):
            first = (o // (O // groups)) * (C // groups)
            for oh, row in enumerate(rows):
                for ow, column in enumerate(columns):
                    for i in range(I):
                        for kh, h in row:
                            for kw, w in column:
                                yield n, o, oh, ow, first + i, i, h, w, kh, kw


def conv2d_shape(x_shape, w_shape, stride, padding, dilation):
    """(N, O, OH, OW)."""
    top, bottom, left, right = padding
    rows = windows(x_shape[2], w_shape[2], stride[0], top, bottom, dilation[0])
    columns = windows(x_shape[3], w_shape[3], stride[1], left, right, dilation[1])
    return x_shape[0], w_shape[0], len(rows), len(columns)


def conv2d(x, w, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """y[n][o][oh][ow] = sum of x * w over the window and the channels of o's group."""
    settings = stride, padding, dilation
    y = filled(conv2d_shape(shape_of(x), shape_of(w), *settings))
    for n, o, oh, ow, c, i, h, v, kh, kw in _conv2d_terms(
        shape_of(x), shape_of(w), *settings, groups
    ):
        y[n][o][oh][ow] += x[n][c][h][v] * w[o][i][kh][kw]
    return y


def conv2d_error(e, w, x_shape, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """dL/dx: every term of the forward sum hands e * w back to its x."""
    d = filled(x_shape)
    for n, o, oh, ow, c, i, h, v, kh, kw in _conv2d_terms(
        x_shape, shape_of(w), stride, padding, dilation, groups
    ):
        d[n][c][h][v] += e[n][o][oh][ow] * w[o][i][kh][kw]
    return d


def conv2d_gradient(x, e, w_shape, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """dL/dw: every term of the forward sum hands e * x back to its w."""
    g = filled(w_shape)
    for n, o, oh, ow, c, i, h, v, kh, kw in _conv2d_terms(
        shape_of(x), w_shape, stride, padding, dilation, groups
    ):
        g[o][i][kh][kw] += e[n][o][oh][ow] * x[n][c][h][v]
    return g


def linear(x, w):
    """y[n][o] = sum_i x[n][i] * w[o][i]."""
    return [[sum(a * b for a, b in zip(row, weights, strict=True)) for weights in w] for row in x]


def linear_error(e, w):
    """dL/dx[n][i] = sum_o e[n][o] * w[o][i]."""
    return linear(e, [list(column) for column in zip(*w, strict=True)])


def linear_gradient(x, e):
    """dL/dw[o][i] = sum_n e[n][o] * x[n][i]."""
    return linear(
        [list(column) for column in zip(*e, strict=True)],
        [list(column) for column in zip(*x, strict=True)],
    )


# ---------------------------------------------------------------------------- pooling


def max_pool2d(x, kernel_size, stride, padding=(0, 0, 0, 0)):
    """(maxima, winners) of all windows; padding never wins.

    A winner is kh * KW + kw of the first maximum, row by row.
    """
    (KH, KW), (N, C, H, W) = kernel_size, shape_of(x)
    rows = windows(H, KH, stride[0], padding[0], padding[1])
    columns = windows(W, KW, stride[1], padding[2], padding[3])
    y = filled((N, C, len(rows), len(columns)))
    winners = filled((N, C, len(rows), len(columns)))
    for n in range(N):
        for c in range(C):
            for oh, row in enumerate(rows):
                for ow, column in enumerate(columns):
                    best = None
                    for kh, h in row:
                        for kw, v in column:
                            if best is None or x[n][c][h][v] > best:
                                best = x[n][c][h][v]
                                winners[n][c][oh][ow] = kh * KW + kw
                    y[n][c][oh][ow] = best
    return y, winners


def max_pool2d_error(e, winners, x_shape, kernel_size, stride, padding=(0, 0, 0, 0)):
    """Each error goes to its window's winner; where windows overlap errors add up."""
    KW = kernel_size[1]
    N, C, OH, OW = shape_of(e)
    d = filled(x_shape)
    for n in range(N):
        for c in range(C):
            for oh in range(OH):
                for ow in range(OW):
                    kh, kw = divmod(winners[n][c][oh][ow], KW)
                    h = oh * stride[0] - padding[0] + kh
                    v = ow * stride[1] - padding[2] + kw
                    d[n][c][h][v] += e[n][c][oh][ow]
    return d


def avg_pool2d(x, kernel_size, stride):
    """half_even(sum / count) of every window."""
    (KH, KW), (N, C, H, W) = kernel_size, shape_of(x)
    rows = windows(H, KH, stride[0], 0, 0)
    columns = windows(W, KW, stride[1], 0, 0)

    def mean(plane, row, column):
        return round_divide(sum(plane[h][v] for _, h in row for _, v in column), KH * KW)

    return [
        [[[mean(plane, row, column) for column in columns] for row in rows] for plane in image]
        for image in x
    ]


def average_lshift(kernel_size):
    """Bits that make a power of two divide exactly, and 8 guard bits (engine rule).

    (2, 2) -> 10.
    """
    count = kernel_size[0] * kernel_size[1]
    return (count - 1).bit_length() + 8


def avg_pool2d_error(e, x_shape, kernel_size, stride, lshift):
    """Each input of a window gets half_even((e << lshift) / count); frac_bits grow by lshift."""
    KH, KW = kernel_size
    N, C, OH, OW = shape_of(e)
    d = filled(x_shape)
    for n in range(N):
        for c in range(C):
            for oh in range(OH):
                for ow in range(OW):
                    share = round_divide(e[n][c][oh][ow] << lshift, KH * KW)
                    for kh in range(KH):
                        for kw in range(KW):
                            d[n][c][oh * stride[0] + kh][ow * stride[1] + kw] += share
    return d


# ---------------------------------------------------------------------------- elementwise


def relu(x):
    """(max(x, 0), mask x > 0)."""
    return each(lambda a: max(a, 0), x), each(lambda a: int(a > 0), x)


def masked(e, mask):
    """e where the mask is set, else 0."""
    return each(lambda a, m: a if m else 0, e, mask)


def requantize(x, kA):
    """[A] (codes of kA bits, mask C).

    Narrow to sigma(kA); C where the unrounded value lies within the clip.

    [WAGE Q_A]   x of frac_bits f has step 2**-f; the output has frac_bits kA - 1.
    """
    rshift = x.frac_bits - (kA - 1)
    bound = Fraction(2) ** rshift * largest(kA)
    codes = each(lambda a: narrow(a, rshift, kA), x.codes)
    return Tensor(codes, kA - 1, kA), each(lambda a: int(-bound <= a <= bound), x.codes)


def quantize_error(e, kE):
    """[E] e / Shift(max abs e) to kE bits, max over the whole tensor.  [WAGE Q_E]

    The value is kept: the codes' step is 2**(n - (kE - 1)) incoming steps.
    All zeros stay as they are.
    """
    largest_error = max_abs(e.codes)
    rshift = shiftexp(largest_error) - (kE - 1) if largest_error else 0
    return Tensor(each(lambda a: narrow(a, rshift, kE), e.codes), e.frac_bits - rshift, kE)


def requantize_error(e, mask, kE):
    """Requantize.backward: mask C, then [E].  [WAGE Q_A, Q_E]"""
    return quantize_error(Tensor(masked(e.codes, mask), e.frac_bits), kE)


def error_operand(e, kE):
    """Errors that layers widened above 16 bits pass [E] again before a product (engine rule)."""
    return e if e.bits <= 16 else quantize_error(e, kE)


def aligned(tensors):
    """The same values at the finest of the exponents: coarser codes shift left, exactly."""
    frac_bits = max(t.frac_bits for t in tensors)
    return [
        Tensor(each(lambda a, k=frac_bits - t.frac_bits: a << k, t.codes), frac_bits)
        for t in tensors
    ]


def add(*tensors):
    """Sum of values: exponents aligned, codes added."""
    tensors = aligned(tensors)
    codes = each(lambda *terms: sum(terms), *(t.codes for t in tensors))
    return Tensor(codes, tensors[0].frac_bits)


def concatenate(tensors):
    """Channels of all tensors one after the other, exponents aligned."""
    tensors = aligned(tensors)
    codes = [sum(images, []) for images in zip(*(t.codes for t in tensors), strict=True)]
    return Tensor(codes, tensors[0].frac_bits)


def split(e, channels):
    """Inverse of `concatenate` for errors: runs of channels."""
    parts, first = [], 0
    for count in channels:
        run = [image[first : first + count] for image in e.codes]
        parts.append(Tensor(run, e.frac_bits, e.bits))
        first += count
    return parts


def flatten(codes):
    """[n][c][h][w] -> [n][c * h * w] in CHW order."""
    return [flat(image) for image in codes]


# ---------------------------------------------------------------------------- losses


def one_hot(labels, classes):
    """Targets 0 and 1."""
    return [[int(c == label) for c in range(classes)] for label in labels]


def sse_error(output, labels):
    """e = out - onehot, at the output's exponent (frac_bits >= 0).  [WAGE SSE]"""
    targets = one_hot(labels, len(output.codes[0]))
    codes = each(lambda o, t: o - (t << output.frac_bits), output.codes, targets)
    return Tensor(codes, output.frac_bits)


def sse_loss(output, labels):
    """Half the squared error, summed over the batch: an exact rational."""
    e = sse_error(output, labels)
    return Fraction(sum(a * a for a in flat(e.codes)), 2) / Fraction(4) ** e.frac_bits


PROBABILITY_BITS = 15


def power_of_two(t):
    """round(2**15 * 2**(-t / 256)), by eight square roots: floor of a root of a floor is exact."""
    twice = 2 ** (16 * 256 - t)
    for _ in range(8):
        twice = isqrt(twice)
    return (twice + 1) // 2


EXPONENTIALS = [power_of_two(t) for t in range(256)]


def exponential(u, frac_bits):
    """2**15 * 2**-(u 2**-frac_bits), u cut to 8 fraction bits.

    A table entry of the fraction, shifted by the integer.
    """
    whole, fraction = divmod(floor(Fraction(u) / Fraction(2) ** (frac_bits - 8)), 256)
    return EXPONENTIALS[fraction] >> whole


def softmax_error(output, labels):
    """e = p - onehot in Q0.15, p = 2**-u / sum, u = (max - z) log2 e in integers.

    u = (max - z) * 1477 >> 10 at the step of z; p rounds half up.
    """

    def probabilities(z):
        powers = [exponential((max(z) - a) * 1477 >> 10, output.frac_bits) for a in z]
        unit = 2**PROBABILITY_BITS
        return [round_divide(power * unit, sum(powers), "half_up") for power in powers]

    targets = one_hot(labels, len(output.codes[0]))
    p = [probabilities(z) for z in output.codes]
    codes = each(lambda a, t: a - (t << PROBABILITY_BITS), p, targets)
    return Tensor(codes, PROBABILITY_BITS)


LOSSES = {"sse": sse_error, "softmax": softmax_error}


# ---------------------------------------------------------------------------- update, start


def memory_order(w_shape):
    """Logical positions of a weight in the order of the random stream: kh, kw, i, o (o fastest)."""
    if len(w_shape) == 2:
        O, I = w_shape
        return [(o, i) for i in range(I) for o in range(O)]
    O, I, KH, KW = w_shape
    return [
        (o, i, kh, kw)
        for kh in range(KH)
        for kw in range(KW)
        for i in range(I)
        for o in range(O)
    ]


def at(nested, position):
    """Element at a tuple of indices."""
    for index in position:
        nested = nested[index]
    return nested


def put(nested, position, element):
    """Store an element at a tuple of indices."""
    at(nested, position[:-1])[position[-1]] = element


def stochastic_quotient(g, p, q, rshift, r):
    """sign(g) * floor((|g| p + R) / D), D = q 2**rshift, R = r D / 2**32 in [0, D).

    [WAGE Q_G]
    """
    x, D = abs(g) * p, q << max(rshift, 0)
    x <<= max(-rshift, 0)
    t = max(0, (D - 1).bit_length() - 32)
    R = ((r * (D >> t)) >> 32) << t
    return (-1 if g < 0 else 1) * ((x + R) // D)


def update(master, gradient, kW, kG, lr, seed, step, tensor):
    """[G] (new master, applied step d).

    d = lr g / Shift(max abs g), stochastically rounded.  [WAGE Q_G, update]

    `lr` is a Fraction; units of master and d are sigma(kG).  A zero gradient changes nothing.
    """
    new, steps = filled(shape_of(master)), filled(shape_of(master))
    m = max_abs(gradient)
    bound = master_bound(kW, kG)
    for element, position in enumerate(memory_order(shape_of(master))):
        d = 0
        if m:
            r = random_u32(seed, "update", step, tensor, element)
            g = at(gradient, position)
            d = stochastic_quotient(g, lr.numerator, lr.denominator, shiftexp(m), r)
        put(steps, position, d)
        put(new, position, clip(at(master, position) - d, -bound, bound))
    return new, steps


def init_limit(fan_in, kW):
    """max(sqrt(3 / n), 3 * 2**-kW) in units of 2**-30.  [WAGE L]"""
    return max(isqrt(3 * 2**60 // fan_in), 3 * 2 ** (30 - kW))


def initialize(w_shape, fan_in, kW, kG, seed, tensor):
    """Master weights: uniform in +-limit, quantised once to kW bits.  [WAGE L, Q_W]"""
    limit = init_limit(fan_in, kW)
    master = filled(w_shape)
    for element, position in enumerate(memory_order(w_shape)):
        s = 2 * random_u32(seed, "init", 0, tensor, element) + 1 - 2**32
        code = narrow(s * limit, 62 - (kW - 1), kW)
        put(master, position, narrow(code, kW - kG, kG))
    return master


# ---------------------------------------------------------------------------- whole nets
#
# A net is a list of dicts, each with "kind" and its settings:
#
#   conv2d       out_channels, kernel_size, stride, padding (or "same"), dilation, groups
#   linear       out_features
#   max_pool2d   kernel_size, stride, padding          avg_pool2d   kernel_size (None: all), stride
#   relu, flatten, requantize
#   sequential   body            residual   body, shortcut            concatenate   branches
#
# `build` walks it once: it fills in what was left out and makes the master weights.  `forward`
# leaves in a layer what its backward pass needs, `backward` leaves "gradient"; both leave "input",
# "output", "error_in" and "error_out" for the tests to look at.


def copied(layers):
    """A net of its own dicts: one description may stand for many layers."""
    inner = "body", "shortcut", "branches"
    return [
        copied(layer)
        if isinstance(layer, list)
        else layer | {name: copied(layer[name]) for name in inner if name in layer}
        for layer in layers
    ]


def same_padding(size, kernel, stride, dilation=1):
    """(before, after): zeros that give ceil(size / stride) outputs, the odd one after.

    6, 3, 2 -> 0, 1.
    """
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


def build_window(layer, shape):
    """Settings left out, and "same" turned into four numbers."""
    if layer["kernel_size"] is None:
        layer["kernel_size"] = shape[1:]
    pool = layer["kind"] != "conv2d"
    layer.setdefault("stride", layer["kernel_size"] if pool else (1, 1))
    layer.setdefault("dilation", (1, 1))
    layer.setdefault("groups", 1)
    if layer.setdefault("padding", (0, 0, 0, 0)) == "same":
        layer["padding"] = sum(
            map(same_padding, shape[1:], layer["kernel_size"], layer["stride"], layer["dilation"]),
            (),
        )


def build_weight(layer, w_shape, bits, seed, made):
    """Master weight of a layer; tensors of the random stream are numbered as they are made."""
    kW, _, kG, _ = bits
    layer["tensor"] = len(made)
    layer["master"] = initialize(w_shape, fan_in(w_shape), kW, kG, seed, layer["tensor"])
    made.append(layer)


def build(layers, shape, bits, seed, made=None):
    """Give every layer its missing settings and its weight; returns the shape behind the last.

    shape : (C, H, W) or (C,) of one image.  made : layers with weights so far, depth first,
    a residual's body before its shortcut.
    """
    made = [] if made is None else made
    for layer in layers:
        kind = layer["kind"]
        if kind in ("conv2d", "max_pool2d", "avg_pool2d"):
            build_window(layer, shape)
            channels = layer.get("out_channels", shape[0])
            w_shape = (channels, shape[0] // layer["groups"], *layer["kernel_size"])
            if kind == "conv2d":
                build_weight(layer, w_shape, bits, seed, made)
            settings = layer["stride"], layer["padding"], layer["dilation"]
            shape = conv2d_shape((1, *shape), w_shape, *settings)[1:]
        elif kind == "linear":
            build_weight(layer, (layer["out_features"], shape[0]), bits, seed, made)
            shape = (layer["out_features"],)
        elif kind == "flatten":
            shape = (shape[0] * shape[1] * shape[2],)
        elif kind == "sequential":
            shape = build(layer["body"], shape, bits, seed, made)
        elif kind == "residual":
            behind = build(layer["body"], shape, bits, seed, made)
            build(layer.setdefault("shortcut", []), shape, bits, seed, made)
            shape = behind
        elif kind == "concatenate":
            ends = [build(branch, shape, bits, seed, made) for branch in layer["branches"]]
            layer["channels"] = [end[0] for end in ends]
            shape = (sum(layer["channels"]), *ends[0][1:])
    return shape


def fan_in(w_shape):
    """Inputs of one output: i * kh * kw."""
    size = 1
    for extent in w_shape[1:]:
        size *= extent
    return size


def weight_of(layer, bits):
    """[W] The quantised weight with its exponent: code * 2**-(kW - 1) / alpha."""
    kW, _, kG, _ = bits
    codes = each(lambda m: quantize_weight(m, kW, kG), layer["master"])
    return Tensor(codes, kW - 1 + alpha_exponent(fan_in(shape_of(codes)), kW), kW)


def forward(layers, x, bits):
    """Run a list of layers."""
    for layer in layers:
        layer["input"] = x
        x = FORWARD[layer["kind"]](layer, x, bits)
        layer["output"] = x
    return x


def backward(layers, e, bits):
    """Run it back: errors downwards, gradients stay in their layers."""
    for layer in reversed(layers):
        layer["error_in"] = e
        e = BACKWARD[layer["kind"]](layer, e, bits)
        layer["error_out"] = e
    return e


def settings_of(layer, *names):
    """The named settings."""
    return {name: layer[name] for name in names}


CONV = "stride", "padding", "dilation", "groups"
POOL = "kernel_size", "stride", "padding"


def conv2d_forward(layer, x, bits):
    w = layer["weight"] = weight_of(layer, bits)
    y = conv2d(x.codes, w.codes, **settings_of(layer, *CONV))
    return Tensor(y, x.frac_bits + w.frac_bits)


def conv2d_backward(layer, e, bits):
    x, w, settings = layer["input"], layer["weight"], settings_of(layer, *CONV)
    e = error_operand(e, bits[3])
    layer["gradient"] = conv2d_gradient(x.codes, e.codes, shape_of(w.codes), **settings)
    d = conv2d_error(e.codes, w.codes, shape_of(x.codes), **settings)
    return Tensor(d, e.frac_bits + w.frac_bits)


def linear_forward(layer, x, bits):
    w = layer["weight"] = weight_of(layer, bits)
    return Tensor(linear(x.codes, w.codes), x.frac_bits + w.frac_bits)


def linear_backward(layer, e, bits):
    x, w = layer["input"], layer["weight"]
    e = error_operand(e, bits[3])
    layer["gradient"] = linear_gradient(x.codes, e.codes)
    return Tensor(linear_error(e.codes, w.codes), e.frac_bits + w.frac_bits)


def max_pool2d_forward(layer, x, bits):
    y, layer["saved"] = max_pool2d(x.codes, **settings_of(layer, *POOL))
    return Tensor(y, x.frac_bits, x.bits)


def max_pool2d_backward(layer, e, bits):
    """An input lies in at most ceil(k / stride)**2 windows; the declared width grows by that."""
    x_shape = shape_of(layer["input"].codes)
    d = max_pool2d_error(e.codes, layer["saved"], x_shape, **settings_of(layer, *POOL))
    overlap = 1
    for kernel, stride in zip(layer["kernel_size"], layer["stride"], strict=True):
        overlap *= -(-kernel // stride)
    return Tensor(d, e.frac_bits, (overlap * largest(e.bits)).bit_length() + 1)


def avg_pool2d_forward(layer, x, bits):
    y = avg_pool2d(x.codes, layer["kernel_size"], layer["stride"])
    return Tensor(y, x.frac_bits, x.bits)


def avg_pool2d_backward(layer, e, bits):
    x_shape, lshift = shape_of(layer["input"].codes), average_lshift(layer["kernel_size"])
    d = avg_pool2d_error(e.codes, x_shape, layer["kernel_size"], layer["stride"], lshift)
    return Tensor(d, e.frac_bits + lshift)


def relu_forward(layer, x, bits):
    y, layer["saved"] = relu(x.codes)
    return Tensor(y, x.frac_bits, x.bits)


def relu_backward(layer, e, bits):
    return Tensor(masked(e.codes, layer["saved"]), e.frac_bits, e.bits)


def flatten_forward(layer, x, bits):
    return Tensor(flatten(x.codes), x.frac_bits, x.bits)


def flatten_backward(layer, e, bits):
    x_shape = shape_of(layer["input"].codes)
    return Tensor(folded(flat(e.codes), x_shape), e.frac_bits, e.bits)


def requantize_forward(layer, x, bits):
    y, layer["saved"] = requantize(x, bits[1])
    return y


def requantize_backward(layer, e, bits):
    return requantize_error(e, layer["saved"], bits[3])


def sequential_forward(layer, x, bits):
    return forward(layer["body"], x, bits)


def sequential_backward(layer, e, bits):
    return backward(layer["body"], e, bits)


def residual_forward(layer, x, bits):
    return add(forward(layer["body"], x, bits), forward(layer["shortcut"], x, bits))


def residual_backward(layer, e, bits):
    return add(backward(layer["body"], e, bits), backward(layer["shortcut"], e, bits))


def concatenate_forward(layer, x, bits):
    return concatenate([forward(branch, x, bits) for branch in layer["branches"]])


def concatenate_backward(layer, e, bits):
    parts = zip(layer["branches"], split(e, layer["channels"]), strict=True)
    return add(*(backward(branch, part, bits) for branch, part in parts))


FORWARD = {
    "conv2d": conv2d_forward,
    "linear": linear_forward,
    "max_pool2d": max_pool2d_forward,
    "avg_pool2d": avg_pool2d_forward,
    "relu": relu_forward,
    "flatten": flatten_forward,
    "requantize": requantize_forward,
    "sequential": sequential_forward,
    "residual": residual_forward,
    "concatenate": concatenate_forward,
}
BACKWARD = {
    "conv2d": conv2d_backward,
    "linear": linear_backward,
    "max_pool2d": max_pool2d_backward,
    "avg_pool2d": avg_pool2d_backward,
    "relu": relu_backward,
    "flatten": flatten_backward,
    "requantize": requantize_backward,
    "sequential": sequential_backward,
    "residual": residual_backward,
    "concatenate": concatenate_backward,
}


def parameters(layers):
    """Layers with weights, depth first, a residual's body before its shortcut."""
    found = []
    for layer in layers:
        inner = layer.get("body", []), layer.get("shortcut", []), *layer.get("branches", [])
        found += [layer] if "master" in layer else []
        found += [deep for part in inner for deep in parameters(part)]
    return found


def encode(images, kA, encoding):
    """Pixels [n][c][h][w] -> activation codes."""
    code = {"symmetric": encode_symmetric, "unit": encode_unit}[encoding]
    return Tensor(each(lambda u: code(u, kA), images), kA - 1, kA)


def train_step(layers, images, labels, bits, lr, seed, step, encoding="symmetric", loss="sse"):
    """One step, in place: encode, forward, loss, narrow, backward, update.

    Returns (output, loss's error).

    bits : (kW, kA, kG, kE).  lr : Fraction.
    """
    kW, kA, kG, kE = bits
    output = forward(layers, encode(images, kA, encoding), bits)
    error = LOSSES[loss](output, labels)
    backward(layers, quantize_error(error, kE), bits)
    for layer in parameters(layers):
        layer["master"], layer["update"] = update(
            layer["master"], layer["gradient"], kW, kG, lr, seed, step, layer["tensor"]
        )
    return output, error
