"""SGD with momentum in Python integers; shares no code with intflow.

A tensor is a flat list in memory order; see kernels/reference/momentum.py for the formula.
"""

from fractions import Fraction

from oracle import clip, philox4x32, shiftexp, stochastic_quotient

UPDATE, MOMENTUM, GRADIENT = 4, 10, 11      # purposes of the random stream
LIMIT, FINER = 2**30, 8


def draw(seed, purpose, step, tensor, element):
    """A number of the stream, u32."""
    block = ((element >> 10) << 8) | (element & 255)
    words = philox4x32((block, tensor, step, purpose), (seed & 0xFFFFFFFF, seed >> 32))
    return words[(element >> 8) & 3]


def odd_parts(factor):
    """(p, q, n): factor = p / q / 2**n, p and q odd; 0 is 0 / 1."""
    p, q, n = factor.numerator, factor.denominator, 0
    while p and p % 2 == 0:
        p, n = p // 2, n - 1
    while q % 2 == 0:
        q, n = q // 2, n + 1
    return p, q, n


def times(values, factor, seed, purpose, step, tensor, first=0):
    """Every value times a factor, stochastically rounded by the elements from `first` on."""
    p, q, n = odd_parts(Fraction(factor))
    return [stochastic_quotient(v, p, q, n, draw(seed, purpose, step, tensor, first + i))
            for i, v in enumerate(values)]


def narrowed(gradient, bits, seed, step, tensor):
    """(codes of `bits`, shift): by the largest value, each rounded up where its draw lies below."""
    largest = max(map(abs, gradient), default=0)
    rshift = shiftexp(largest) - (bits - 1) if largest else 0
    top = 2 ** (bits - 1) - 1
    if rshift <= 0:
        return [clip(v * 2**-rshift, -top, top) for v in gradient], rshift

    def rounded(i, v):
        whole, rest = divmod(abs(v), 2**rshift)
        up = draw(seed, GRADIENT, step, tensor, i) < rest * 2**32 // 2**rshift
        return clip((whole + up) * (1 if v >= 0 else -1), -top, top)

    return [rounded(i, v) for i, v in enumerate(gradient)], rshift


def step_of(w, v, g, gain, momentum, decay, limit, seed, step, tensor):
    """(new w, new v, update); gain and decay: factors of g and w in units of v."""
    padded = -(-len(w) // 1024) * 1024
    stream = seed, MOMENTUM, step, tensor
    terms = zip(v, times(g, gain, *stream), times(v, 1 - Fraction(momentum), *stream, padded),
                times(w, decay, *stream, 2 * padded))
    v = [clip(old + up - lost + pull, -LIMIT, LIMIT) for old, up, lost, pull in terms]
    d = times(v, Fraction(1, 2**FINER), seed, UPDATE, step, tensor)
    return [clip(a - b, -limit, limit) for a, b in zip(w, d)], v, d
