"""Multipliers of a weight and an activation, as gates.  [FLOAT multiplier]

Signs are kept apart (one XOR), magnitudes go through an array of AND gates and ripple-carry rows of
adders. A minifloat weight multiplies with its short significand and shifts the product by its exponent;
a fixed-point weight multiplies with all its bits. Registers, wires and the accumulator, which both
need, are left out; so is power, for which size stands.
"""

from ..formats import Minifloat
from .gates import Gates


def array_multiplier(n, m):
    """Gates of an unsigned n x m array multiplier.

    n * m AND gates make the partial products; of the (m - 1) * n adders one in the first row and one
    in every row has nothing to add but two bits: min(n, m) half adders and n * m - n - m full ones.

    Examples
    --------
    2 x 2: 4 AND, 2 half adders. 4 x 4: 16 AND, 4 half adders, 8 full adders. 8 x 1: 8 AND.
    """
    if min(n, m) < 1:
        return Gates()
    if min(n, m) == 1:
        return Gates(and2=n * m)
    return Gates(and2=n * m, half_adder=min(n, m), full_adder=n * m - n - m)


def shifter(width, shifts):
    """Gates of a left shifter of `width` bits by 0..shifts - 1: a row of multiplexers a bit of it.

    Row k shifts by 2**k and puts out the bits that the rows so far can have made.

    Examples
    --------
    4 bits by 0..3: rows of 5 and 7 multiplexers.
    """
    rows, most = (shifts - 1).bit_length(), shifts - 1
    return Gates(mux2=sum(width + min((2 << k) - 1, most) for k in range(rows)))


def fixed_multiplier(bits, activation_bits):
    """Gates for a signed weight of `bits` bits and an activation magnitude of `activation_bits`.

    Examples
    --------
    8 x 8: array of 7 x 8 (56 AND, 7 half and 41 full adders) and an XOR: 1,606 transistors.
    """
    return array_multiplier(bits - 1, activation_bits) + Gates(xor2=1)


def minifloat_multiplier(format, activation_bits):
    """Gates for a minifloat weight: significand array, shifter by the exponent, sign.

    Examples
    --------
    1-4-3 x 8: array of 4 x 8 (32 AND, 4 half, 20 full), shifter of 12 bits by 0..14 (rows of 13, 15, 19
    and 26), an XOR: 32 * 6 + 4 * 16 + 20 * 28 + 73 * 12 + 10 = 1,702 transistors.
    """
    significand = format.mantissa_bits + 1
    shifts = (1 << format.exponent_bits) - format.zero
    array = array_multiplier(significand, activation_bits)
    return array + shifter(significand + activation_bits, shifts) + Gates(xor2=1)


def weight_multiplier(format, activation_bits):
    """Gates for weights of either kind of format."""
    if isinstance(format, Minifloat):
        return minifloat_multiplier(format, activation_bits)
    return fixed_multiplier(format.bits, activation_bits)
