"""Integers as the text that Verilog's $readmemh reads and $writememh writes.

One value a line, two's complement of the stated bits, in hexadecimal digits, most significant
first: -3 of 6 bits is 3d. Reading also takes what a simulator writes: comments, upper case,
underscores, several values a line, and addresses that only say where the file is anyhow.
"""

import re

import numpy as np

from ..errors import TraceError

DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
CHUNK = 1 << 20
COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.S)


def write_hex(file, codes, bits):
    """Write integers to a binary file, one a line.

    Parameters
    ----------
    codes : integer array, any shape; written in row-major order.
    bits : int, 1..64; higher bits of a code are dropped, so that the width is exact.

    Examples
    --------
    codes [5, -3], bits 6: the lines 05 and 3d.
    """
    flat, digits = codes.reshape(-1), -(-bits // 4)
    shifts = np.arange(4 * digits - 4, -1, -4, dtype=np.uint64)
    for first in range(0, flat.size, CHUNK):
        words = flat[first:first + CHUNK].astype(np.int64).view(np.uint64)
        words &= np.uint64((1 << bits) - 1)
        lines = np.full((len(words), digits + 1), ord("\n"), np.uint8)
        lines[:, :digits] = DIGITS[(words[:, None] >> shifts) & np.uint64(15)]
        file.write(lines.tobytes())


def read_hex(data, bits, signed, where):
    """The integers of a text, int64 (uint64 for 64 unsigned bits), one axis.

    Parameters
    ----------
    data : bytes of the whole file.
    bits, signed : the width a value has, and whether its highest bit is a sign.
    where : str; named in errors.

    Raises
    ------
    TraceError : for what is no hexadecimal number, has unknown bits (x or z), or is too wide.

    Examples
    --------
    b"05 // five" and b"3d" of 6 signed bits: 5 and -3.
    """
    words = _own_lines(data, bits)
    if words is None:
        words = _any_words(data, where)
    if bits < 64 and words.size and int(words.max()) >> bits:
        raise TraceError(f"{where} holds {int(words.max()):x}, more than its {bits} bits; write "
                         "two's complement of that width")
    if not signed:
        return words if bits == 64 else words.view(np.int64)
    sign = np.uint64(1 << (bits - 1))
    return ((words ^ sign) - sign).view(np.int64)        # wraps modulo 2**64, as it should


def _own_lines(data, bits):
    """The words of a file made by `write_hex`, or None for any other."""
    digits = -(-bits // 4)
    if len(data) % (digits + 1):
        return None
    lines = np.frombuffer(data, np.uint8).reshape(-1, digits + 1)
    values = _VALUES[lines[:, :digits]]
    if (lines[:, digits] != ord("\n")).any() or (values > 15).any():
        return None
    words = np.zeros(len(lines), np.uint64)
    for digit in range(digits):
        words = (words << np.uint64(4)) | values[:, digit]
    return words


def _any_words(data, where):
    words = []
    for token in COMMENT.sub(b" ", data).split():
        text = token.decode("ascii", "replace")
        try:
            value = int(text.removeprefix("@"), 16)
        except ValueError:
            raise TraceError(f"{where}: value {len(words)} is {text[:20]!r}, not hexadecimal; a "
                             "simulator writes x where it never set a bit")
        if value < 0 or value >> 64:
            raise TraceError(f"{where}: value {len(words)} is {text[:20]!r}; write at most 64 "
                             "bits, two's complement")
        if not text.startswith("@"):
            words.append(value)
        elif value != len(words):
            raise TraceError(f"{where} goes to address {text} after {len(words)} values; write "
                             "all values from address 0 on")
    return np.array(words, np.uint64)


_VALUES = np.full(256, 255, np.uint8)
_VALUES[DIGITS] = np.arange(16)
