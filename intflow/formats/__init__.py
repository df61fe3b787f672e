"""What an integer means: formats, rounding, overflow, tensors. README.md: the number system."""

from intflow.formats.binary import Binary
from intflow.formats.decimals import exact
from intflow.formats.fixed_point import Fixed
from intflow.formats.minifloat import Minifloat
from intflow.formats.notation import (
    Bits,
    Narrowing,
    format_name,
    parse_bits,
    parse_format,
    parse_narrowing,
)
from intflow.formats.packed import BitMask, Packed
from intflow.formats.power_of_two import PowerOfTwo
from intflow.formats.rounding import (
    Overflow,
    Rounding,
    overflow,
    round_divide,
    round_fraction,
    round_shift,
    shiftexp,
)
from intflow.formats.scaled import Scaled, levels
from intflow.formats.tensor import Tensor
from intflow.formats.uniform import Uniform

FORMATS = {
    "fixed": Fixed,
    "uniform": Uniform,
    "binary": Binary,
    "minifloat": Minifloat,
    "power of two": PowerOfTwo,
}

__all__ = [
    "FORMATS", "Binary", "BitMask", "Bits", "Fixed", "Minifloat", "Narrowing", "Overflow",
    "Packed", "PowerOfTwo", "Rounding", "Scaled", "Tensor", "Uniform", "exact", "format_name",
    "levels", "overflow", "parse_bits", "parse_format", "parse_narrowing", "round_divide",
    "round_fraction", "round_shift", "shiftexp",
]
