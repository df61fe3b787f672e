"""How a byte of an image becomes an activation: one table of 256 codes, or centred.  [WAGE input]

    u    pixel, 0 .. 255
    k    bits of an activation; its unit is 2**(1-k), its codes are -(2**(k-1)-1) .. 2**(k-1)-1

The tables are built from Python integers; a kernel looks pixels up in them. Published networks
are centred instead: a pixel becomes its distance from the mean of its channel (preprocessing.py).
"""

import numpy as np

from ..errors import FormatError, UnknownNameError

MIN_BITS, MAX_BITS = 2, 16
CENTRED = "centred"


def symmetric_table(bits):
    """-1 .. 1: the byte u stands for u / 127.5 - 1.

    Returns
    -------
    s16 (256,), code = half_even((2u - 255) * 2**(bits-1) / 255), clipped to the codes.

    Exactness
    ---------
    At 8 bits equal to clip(u - 128 + [u >= 128], -127, 127): 0 is no code.

    Examples
    --------
    8 bits: 0 -> -127 (from -128), 127 -> -1, 128 -> 1, 255 -> 127.
    """
    top = _top(bits)
    codes = [_half_even((2 * u - 255) << (bits - 1), 255) for u in range(256)]
    return np.array([min(max(code, -top), top) for code in codes], np.int16)


def unit_table(bits):
    """0 .. 1: the byte u stands for u / 256 (the MNIST kind).

    Returns
    -------
    s16 (256,), code = min(half_even(u * 2**(bits-1) / 256), 2**(bits-1) - 1).

    Examples
    --------
    8 bits: 1 -> 0 (tie of 0.5 to even), 3 -> 2 (tie of 1.5), 255 -> 127 (from 128).
    """
    top = _top(bits)
    return np.array([min(_half_even(u << (bits - 1), 256), top) for u in range(256)], np.int16)


ENCODINGS = {"symmetric": symmetric_table, "unit": unit_table}


# Pixels as they are, for networks whose first layer is normalised: nothing is rounded, in 9 bits.
EXACT = {
    "symmetric": np.arange(-255, 256, 2, dtype=np.int16),       # 2u - 255
    "unit": np.arange(256, dtype=np.int16),                     # u
}


def encode_table(encoding, bits, exact=False):
    """The table of a data set's encoding, s16 (256,); one of EXACT where that is asked for."""
    if encoding not in ENCODINGS:
        raise UnknownNameError("encoding", encoding, ENCODINGS)
    if exact:
        return EXACT[encoding]
    return ENCODINGS[encoding](bits)


def centres_of(encoding):
    """The centres that "centred:124,116,104" names, s16 (C,); None for any other encoding.

    Raises
    ------
    FormatError : what follows the colon are not integers from 0 to 255.
    """
    word, _, numbers = encoding.partition(":")
    if word != CENTRED:
        return None
    texts = numbers.split(",")
    if not all(text.isascii() and text.isdigit() and len(text) < 4 and int(text) < 256
               for text in texts):
        raise FormatError(f'a centred encoding names one pixel from 0 to 255 a channel, such as '
                          f'"centred:124,116,104", got {encoding!r}')
    return np.array([int(text) for text in texts], np.int16)


def _top(bits):
    if not MIN_BITS <= bits <= MAX_BITS:
        raise FormatError(
            f"images are encoded in {MIN_BITS} to {MAX_BITS} bits, got {bits}; choose the "
            f"activations' bits in that range"
        )
    return 2 ** (bits - 1) - 1


def _half_even(numerator, denominator):
    quotient, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
    return quotient + up
