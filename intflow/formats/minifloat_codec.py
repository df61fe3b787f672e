"""Minifloat codes from numbers and back, whole arrays at a time, on the bits alone.

Lingo: a number is +-magnitude * 2**exponent with an integer magnitude; *top* is floor(log2) of it,
the *quantum* the exponent of one unit of the mantissa. With r = magnitude in quanta, rounded half to
even, the code without its sign is one addition:

    code = ((top - lowest_exponent) << mantissa_bits) + r          (- 2**mantissa_bits without zero)

A normal number has r in [2**M, 2**(M+1)], so r carries the hidden one into the exponent field, and a
mantissa that rounds up to 2**(M+1) carries once more. A subnormal number has top held at
lowest_exponent and r below 2**M.
"""

import numpy as np

from intflow.errors import FormatError

FLOAT32_MANTISSA, FLOAT32_BIAS = 23, 127
WIDEST = 62             # bits of a significand shifted to its place


def encode_float32(values, format):
    """Codes of fp32 numbers: nearest, ties to even; too large saturates.  [FLOAT encode]

    Parameters
    ----------
    values : float32 array. Read as bits; no arithmetic in float.
    format : Minifloat.

    Returns
    -------
    Array of format.dtype. Too small becomes a subnormal or zero; without subnormals what rounds
    (to mantissa_bits) below the smallest normal is flushed to zero; without zero it becomes the
    smallest number of its sign. Zeros of both signs become code 0.

    Raises
    ------
    FormatError : an infinity or not-a-number.

    Examples
    --------
    e4m3: 1.5 -> 60; 1.0625 = 1 + 1/16 is a tie and goes to the even 56; 1000 -> 127 (480).
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.int64)
    field = bits >> FLOAT32_MANTISSA & 0xFF
    if np.any(field == 0xFF):
        raise FormatError("a weight is infinite or not a number; use finite weights")
    mantissa = bits & (1 << FLOAT32_MANTISSA) - 1
    magnitude = np.where(field > 0, mantissa | 1 << FLOAT32_MANTISSA, mantissa)
    exponent = np.maximum(field, 1) - FLOAT32_BIAS - FLOAT32_MANTISSA
    return encode(magnitude, exponent, bits >> 31 != 0, format)


def encode_integers(codes, frac_bits, format):
    """Codes of fixed-point numbers codes * 2**-frac_bits, rounded as in `encode_float32`.

    Parameters
    ----------
    codes : integer array, |codes| < 2**62.

    Examples
    --------
    e4m3, codes 17, frac_bits 4 (1.0625): 56, which is 1.
    """
    codes = np.asarray(codes).astype(np.int64)
    return encode(np.abs(codes), np.full(codes.shape, -frac_bits, np.int64), codes < 0, format)


def encode(magnitude, exponent, negative, format):
    """Codes of +-magnitude * 2**exponent; arrays of s64, s64 and bool. The head says how."""
    m, lowest = format.mantissa_bits, format.lowest_exponent
    top = bit_length(magnitude) - 1 + exponent
    top = np.maximum(top, lowest) if format.subnormals else top
    r = _half_even(magnitude, top - m - exponent)
    code = ((top - lowest) << m) + r - (0 if format.zero else 1 << m)
    least = 1 << m if format.zero and not format.subnormals else 0
    code = np.where(code < least, 0, np.minimum(code, format.largest_code))
    code = np.where(magnitude == 0, 0, code)
    signed = negative & (magnitude != 0) & ((code != 0) | (not format.zero))
    return (code | signed.astype(np.int64) << (format.bits - 1)).astype(format.dtype)


def split(codes, format):
    """(significand, exponent): the value of a code is significand * 2**exponent.

    Returns
    -------
    significand : s32, signed, hidden one included: below 2**(mantissa_bits + 1); 0 for zero.
    exponent : s32; of one unit of the significand.

    Examples
    --------
    e4m3, code 60: 12 * 2**-3 = 1.5.
    """
    codes = codes.astype(np.int32)
    m = format.mantissa_bits
    field = codes >> m & (1 << format.exponent_bits) - 1
    mantissa = codes & (1 << m) - 1
    hidden = (field > 0) | (not format.zero)
    significand = np.where(hidden, mantissa | 1 << m, mantissa if format.subnormals else 0)
    sign = 1 - 2 * (codes >> (format.bits - 1) & 1)
    exponent = np.maximum(field, int(format.zero)) - format.bias - m
    return sign * significand, exponent.astype(np.int32)


def expand(codes, format):
    """(integers s64, exponent): every value as integer * 2**exponent, one exponent for all.

    The exponent is the lowest that a code other than zero uses (0 where all are zero), so the
    integers are as short as the codes at hand allow.

    Raises
    ------
    FormatError : where the exponents lie too far apart for 62 bits.

    Examples
    --------
    e4m3, codes 60 and 8 (1.5 and 2**-6): 12 << 6 = 768 and 8, exponent -9.
    """
    significand, exponent = split(codes, format)
    used = exponent[significand != 0]
    if not used.size:
        return np.zeros(codes.shape, np.int64), 0
    lowest, highest = int(used.min()), int(used.max())
    bits = format.mantissa_bits + 1 + highest - lowest
    if bits > WIDEST:
        raise FormatError(
            f"weights of {format} whose exponents lie {highest - lowest} apart need {bits} bits as "
            f"integers, and there are {WIDEST}; use fewer exponent bits or flush the smallest to zero"
        )
    lshift = np.where(significand != 0, exponent - lowest, 0)
    return significand.astype(np.int64) << lshift, lowest


def best_bias(largest_top, format):
    """The bias that puts numbers with floor(log2) = largest_top into the highest exponent.

    Returns
    -------
    int; a number that rounds up past the highest exponent still saturates.

    Examples
    --------
    e4m3 and weights up to 0.9 (largest_top -1): bias 16, so that field 15 means 2**-1.
    """
    highest = (1 << format.exponent_bits) - 1 - (format.specials == "ieee")
    return highest - largest_top


def bit_length(magnitude):
    """Bits of integers >= 0 below 2**63, 0 for 0, without leaving integers."""
    rest, length = magnitude.astype(np.int64), np.zeros(magnitude.shape, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        more = rest >> step > 0
        length += np.where(more, step, 0)
        rest = np.where(more, rest >> step, rest)
    return length + (rest > 0)


def _half_even(magnitude, rshift):
    """magnitude * 2**-rshift rounded half to even; negative rshift is exact."""
    right = np.clip(rshift, 0, 63).astype(np.int64)
    quotient = magnitude >> right
    rest = magnitude - (quotient << np.minimum(right, 62))
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    up = (right > 0) & ((rest > half) | ((rest == half) & (quotient & 1 == 1)))
    left = np.maximum(-np.asarray(rshift, np.int64), 0)
    return (quotient + up) << left
