"""Layers of published networks in Python integers, in logical order: (N, C, H, W) as nested lists.

Shares no code with intflow. Where a layer rounds, the formula stands here a second time, from the
text of its docstring alone.
"""

from fractions import Fraction


def each(x, change):
    """Nested lists of x's shape: change(n, c, h, w, value) for every number."""
    return [[[[change(n, c, h, w, v) for w, v in enumerate(row)] for h, row in enumerate(plane)]
             for c, plane in enumerate(image)] for n, image in enumerate(x)]


def affine(x, scale, bias):
    """x * scale[c] + bias[c]."""
    return each(x, lambda n, c, h, w, v: v * scale[c] + bias[c])


def half_up(fraction):
    """floor(fraction + 1/2)."""
    return (fraction + Fraction(1, 2)).__floor__()


def power(t, beta):
    """half_up(2**20 * t**-beta): the largest v with v - 1/2 <= 2**20 * t**-beta, by bisection."""
    p, q = beta.numerator, beta.denominator
    low, high = 0, 1 << 40
    while high - low > 1:
        v = (low + high) // 2
        if (Fraction(2 * v - 1, 2 << 20)) ** q <= Fraction(t) ** -p:
            low = v
        else:
            high = v
    return low


def response(total, frac_bits, size, alpha, beta, k, known={}):
    """2**20 * (k + alpha / size * sum)**-beta as the layer reckons it; `total` in squared codes."""
    ratio, places = Fraction(alpha, size), 0
    while ratio * 2**places < 2**15:
        places += 1
    while ratio * 2**places >= 2**16:
        places -= 1
    factor = half_up(ratio * Fraction(2) ** places)
    value = half_up(k * 2**24) + half_up(total * factor * Fraction(2) ** (24 - 2 * frac_bits - places))
    lead = len(bin(value)) - 3
    below = value * 2**16 // 2**lead - 2**16
    ends = []
    for i in (below // 256, below // 256 + 1):
        t = Fraction(256 + i, 256) * Fraction(2) ** (lead - 24)
        if (t, beta) not in known:
            known[t, beta] = power(t, beta)
        ends.append(known[t, beta])
    return ends[0] - half_up(Fraction((ends[0] - ends[1]) * (below % 256), 256))


def local_response_norm(x, frac_bits, size, alpha, beta, k):
    """x times the response of the channels around it."""
    channels = len(x[0])

    def normalised(n, c, h, w, v):
        near = range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))
        total = sum(x[n][j][h][w] ** 2 for j in near)
        return v * response(total, frac_bits, size, alpha, beta, k)

    return each(x, normalised)


def subsample(x, stride, before, after):
    """Every stride-th pixel, channels of zeros around."""
    taken = [[[row[::stride[1]] for row in plane[::stride[0]]] for plane in image] for image in x]
    zeros = [[0] * len(taken[0][0][0]) for _ in taken[0][0]]
    return [[zeros] * before + image + [zeros] * after for image in taken]


def subsample_error(e, stride, before, shape):
    """Each error back to its pixel."""
    N, C, H, W = shape

    def taken(n, c, h, w):
        inside = h % stride[0] == 0 and w % stride[1] == 0
        return e[n][c + before][h // stride[0]][w // stride[1]] if inside else 0

    return [[[[taken(n, c, h, w) for w in range(W)] for h in range(H)] for c in range(C)]
            for n in range(N)]


def windows(size, kernel, stride, before, after, ceil):
    """First pixels of the windows along one axis, by trying: pixels before 0 are padding."""
    firsts, first = [], -before
    while first + kernel <= size + after or (ceil and first + kernel - stride < size + after
                                             and first < size):
        firsts.append(first)
        first += stride
    return firsts


def pool(x, kernel, stride, padding, ceil, fold):
    """fold(values inside) of every window."""
    rows = windows(len(x[0][0]), kernel[0], stride[0], padding[0], padding[1], ceil)
    columns = windows(len(x[0][0][0]), kernel[1], stride[1], padding[2], padding[3], ceil)

    def inside(plane, top, left):
        return [plane[h][w] for h in range(top, top + kernel[0]) for w in range(left, left + kernel[1])
                if 0 <= h < len(plane) and 0 <= w < len(plane[0])]

    return [[[[fold(inside(plane, top, left)) for left in columns] for top in rows]
             for plane in image] for image in x]


def average(count, guard_bits):
    """The fold of an average pool: half even, guard bits below the step; padding counts as zeros."""
    return lambda values: round(Fraction(sum(values) << guard_bits, count))
