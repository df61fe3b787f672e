"""Widths of what is counted: names of formats, and the containers that hold their codes."""

from dataclasses import dataclass

from ..formats import Binary, Minifloat, PowerOfTwo


@dataclass(frozen=True)
class Float:
    """A float of the comparison: "fp32" or "bf16"; `bits` in memory."""

    name: str
    bits: int


FP32, BF16 = Float("fp32", 32), Float("bf16", 16)


def stored_bits(fmt):
    """Bits that one number takes in memory: 8, 16, 32 or 64, or 1 for a binary code.

    Examples
    --------
    Fixed(2, 5): 8. Fixed(21, 12): 32. FP32: 32. Binary(): 1.
    """
    if isinstance(fmt, Binary):
        return 1
    return fmt.bits if isinstance(fmt, Float) else 8 * fmt.dtype.itemsize


def container(fmt):
    """The width that element-wise operations on `fmt` have: "8" to "64", or a float's name."""
    return fmt.name if isinstance(fmt, Float) else str(stored_bits(fmt))


def operand(fmt):
    """The name of an operand of a product: its bits, "e4m3" for a minifloat, or a float's name.

    A power of two that is multiplied like any other integer has the bits of the grid around it.
    """
    if isinstance(fmt, Float):
        return fmt.name
    if isinstance(fmt, Minifloat):
        return f"e{fmt.exponent_bits}m{fmt.mantissa_bits}"
    return str(fmt.grid.bits)


def mac_width(a, b, accumulator):
    """The width of a multiply-accumulate: "8x2+32"."""
    return f"{operand(a)}x{operand(b)}+{container(accumulator)}"


def shifted_width(a, b, accumulator):
    """The width of a product by shifts: "9xp4+32" is one of 9 bits and a power of two of 4."""
    names = (f"p{fmt.bits}" if isinstance(fmt, PowerOfTwo) else operand(fmt) for fmt in (a, b))
    return f"{'x'.join(names)}+{container(accumulator)}"
