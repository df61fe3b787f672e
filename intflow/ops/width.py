"""Formats of wide tensors: as narrow as proven, as wide as their array."""

from ..errors import FormatError
from ..formats import Fixed

WIDEST_OPERAND = 16


def wide(bits, frac_bits):
    """The format of sums that need `bits` bits, sign included.

    17 to 32 bits are stored as s32 and 33 to 64 as s64; fewer than 17 are called 17, so that a
    wide tensor is never taken for an operand.

    Raises
    ------
    FormatError : above 64 bits.
    """
    if bits > 64:
        raise FormatError(
            f"a sum needs {bits} bits and there are 64; use fewer bits, a smaller batch, or a "
            "Requantize before it"
        )
    return Fixed(max(bits, WIDEST_OPERAND + 1), frac_bits, symmetric=True)
