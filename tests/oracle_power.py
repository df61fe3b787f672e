"""Powers of two in Python integers: words of a sign and an exponent, nested loops over a convolution.

Shares no code with the engine. A word of n bits is a sign above a field f of n - 1 bits: 0, or
+-2**(f - 1) units.
"""

from fractions import Fraction


def value(word, bits):
    """The integer of a word."""
    sign, field = divmod(word, 2 ** (bits - 1))
    return (-1) ** sign * (2 ** (field - 1) if field else 0)


def log2(square):
    """round(log2 x) of the Fraction x * x > 0: the k with 2**(2k - 1) < x * x < 2**(2k + 1)."""
    k = 0
    while square > 2 * Fraction(4) ** k:
        k += 1
    while 2 * square < Fraction(4) ** k:
        k -= 1
    return k


def ap2(real, lowest, highest):
    """The power of two nearest to a Fraction by its logarithm, as a code in units of 2**lowest."""
    if real == 0 or log2(real * real) < lowest:
        return 0
    size = 2 ** (min(log2(real * real), highest) - lowest)
    return size if real > 0 else -size


def terms(x_shape, w_shape, y_shape, stride, padding, dilation, groups):
    """(place in x HWNC, in w HWIO, in y HWNC) of every product that is not on the padding."""
    height, width = x_shape[:2]
    kh, kw, inputs, outputs = w_shape
    for y in [(oh, ow, n, o) for oh in range(y_shape[0]) for ow in range(y_shape[1])
              for n in range(y_shape[2]) for o in range(outputs)]:  # fmt: skip
        oh, ow, n, o = y
        for a in range(kh):
            for b in range(kw):
                h = oh * stride[0] - padding[0] + a * dilation[0]
                w = ow * stride[1] - padding[2] + b * dilation[1]
                for i in range(inputs if 0 <= h < height and 0 <= w < width else 0):
                    yield (h, w, n, o // (outputs // groups) * inputs + i), (a, b, i, o), y

