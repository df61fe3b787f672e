"""Bits and binary products in Python integers; shares no code with the engine.

Codes are nested lists, words Python integers of 64 bits.
"""


def words(bits):
    """A row of 0 and 1 as words, the first bit lowest.

    Examples
    --------
    [1, 0, 1]: [5]; 65 ones: [2**64 - 1, 1].
    """
    return [sum(bit << j for j, bit in enumerate(bits[k:k + 64])) for k in range(0, len(bits), 64)]


def sign(x):
    """+1 from 0 up."""
    return 1 if x >= 0 else -1


def planes(codes, bits):
    """Bits 0 .. bits - 1 of a row of codes in two's complement, one row a plane."""
    return [[code % (1 << bits) >> bit & 1 for code in codes] for bit in range(bits)]


def convolve(x, w, size, stride, padding, dilation, groups):
    """y[h][w][n][o] of x [h][w][n][i] and w [kh][kw][i][o]; outside the image nothing is added.

    size : (OH, OW).
    """
    top, _, left, _ = padding
    inputs, outputs = len(w[0][0]), len(w[0][0][0])
    images = len(x[0][0])

    def one(h, v, n, o):
        first, total = o // (outputs // groups) * inputs, 0
        for kh, row in enumerate(w):
            for kw, tap in enumerate(row):
                i = h * stride[0] - top + kh * dilation[0]
                j = v * stride[1] - left + kw * dilation[1]
                if 0 <= i < len(x) and 0 <= j < len(x[0]):
                    codes = x[i][j][n]
                    total += sum(codes[first + c] * tap[c][o] for c in range(inputs))
        return total

    return [[[[one(h, v, n, o) for o in range(outputs)] for n in range(images)]
             for v in range(size[1])] for h in range(size[0])]
