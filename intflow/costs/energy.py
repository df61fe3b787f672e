"""Energy of counted operations and bytes, by a table of picojoules that the user can replace.

The table has additions by bits and multiplications by bits x bits; what lies between is
interpolated:

    add        on a line through the table's points, below and beyond them in proportion to the bits
    multiply   the same over a * b, the bits of one operand times those of the other
    mac        multiply, and an add of the accumulator's width
    e4m3       as its significand: 4 bits with the hidden one, and a sign
    bf16       as fp16 where the table has no bf16
    shift, compare      as an add of the same width
    divide     as one add of its width for each of its bits
    lookup     an access to the smallest memory, in proportion to the bits
    random     of Philox: a block of four words takes 20 products of 32 x 32 bits and 20
               additions, so 5 of each a word

All arithmetic is in fractions; picojoules become floats in reports.
"""

import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..errors import UsageError
from ..formats import exact

SECTIONS = ("add", "multiply", "memory")
DEFAULT = Path(__file__).with_name("energy_45nm.toml")
WORD = 64                               # bits of a memory access in the table


@dataclass(frozen=True)
class EnergyTable:
    """Picojoules, as Fractions.

    add, multiply : {"8": pJ, ..., "fp32": pJ}
    memory : {level: pJ of 64 bits}, the smallest first.
    """

    add: dict
    multiply: dict
    memory: dict

    def operation(self, name, width):
        """Picojoules of one operation of `counts.OPERATIONS`.

        Examples
        --------
        ("mac", "8x2+32"): 0.2 * 16/64 + 0.1 = 0.15. ("compare", "32"): 0.1.
        """
        match name:
            case "padding" | "shifted":
                return Fraction(0)              # a mac already; counted by its steps
            case "mac":
                operands, accumulator = width.split("+")
                return self.product(*operands.split("x")) + self._add(accumulator)
            case "multiply":
                return self.product(width, width)
            case "divide":
                return self._add(width) * _bits(width)
            case "lookup":
                return next(iter(self.memory.values())) * _bits(width) / WORD
            case "random":
                return 5 * (self.product("32", "32") + self._add("32"))
        return self._add(width)                 # add, shift, compare

    def product(self, a, b):
        """Picojoules of a multiplication of operands named a and b."""
        if _is_float(a):
            return self.multiply[self._known(a, self.multiply)]
        points = {int(k) ** 2: pj for k, pj in self.multiply.items() if k.isdecimal()}
        return interpolate(points, _bits(a) * _bits(b))

    def _add(self, width):
        if _is_float(width):
            return self.add[self._known(width, self.add)]
        points = {int(k): pj for k, pj in self.add.items() if k.isdecimal()}
        return interpolate(points, _bits(width))

    @staticmethod
    def _known(name, table):
        return "fp16" if name == "bf16" and name not in table else name

    def operations(self, counts):
        """Picojoules of all operations of a Counts."""
        return sum((n * self.operation(*key) for key, n in counts.operations.items()), Fraction(0))

    def bits(self, number, level):
        """Picojoules of bits that are read or written at one level of memory."""
        if level not in self.memory:
            raise UsageError(f"no memory is called {level}; the table has {', '.join(self.memory)}")
        return number * self.memory[level] / WORD


def interpolate(points, x):
    """y at x on straight lines through points {x: y}; in proportion to x outside them.

    Examples
    --------
    {8: 3, 32: 27}: 11 at 16, 1.5 at 4, 54 at 64.
    """
    known = sorted(points)
    below = max((k for k in known if k <= x), default=None)
    above = min((k for k in known if k >= x), default=None)
    if below is None or above is None:
        end = above if below is None else below
        return points[end] * x / end
    if below == above:
        return points[below]
    return points[below] + (points[above] - points[below]) * Fraction(x - below, above - below)


def _is_float(width):
    return width in ("fp16", "bf16", "fp32")


def _bits(width):
    """Bits that a multiplier or adder sees: "8", or the significand and sign of "e4m3"."""
    return int(width.partition("m")[2]) + 2 if width.startswith("e") else {
        "fp32": 32, "fp16": 16, "bf16": 16}.get(width) or int(width)


def read_energy(path=None):
    """The table of a TOML file over the default one, which stands in energy_45nm.toml.

    Raises
    ------
    UsageError : an unreadable file, a section or name that means nothing, no number from 0.
    """
    table = _parse(DEFAULT)
    if path is not None:
        table |= _parse(Path(path))
    for section, least in (("add", {"fp32", "fp16"}), ("multiply", {"fp32", "fp16"})):
        if not least <= set(table[section]) or not any(k.isdecimal() for k in table[section]):
            raise UsageError(f"{path}: [{section}] needs fp16, fp32 and one number of bits")
    if not table["memory"]:
        raise UsageError(f"{path}: [memory] needs one level, such as dram = 1300")
    return EnergyTable(**table)


def _parse(path):
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=exact)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read {path}: {error}; give a TOML file of picojoules")
    for section, values in table.items():
        if section not in SECTIONS or not isinstance(values, dict):
            raise UsageError(f"{path}: [{section}] is none of {', '.join(SECTIONS)}")
        for name, value in values.items():
            _check(path, section, name, value)
    return {section: {name: Fraction(pj) for name, pj in values.items()}
            for section, values in table.items()}


def _check(path, section, name, value):
    """UsageError unless `name = value` makes sense in the section."""
    numeric = name.isascii() and name.isdecimal() and 1 <= int(name) <= 64
    if section != "memory" and not (numeric or _is_float(name)):
        raise UsageError(f"{path}: {name} in [{section}] is no width; write bits from 1 to 64, "
                         "fp16, bf16 or fp32")
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)) or value < 0:
        raise UsageError(f"{path}: {name} in [{section}] takes picojoules from 0, got {value}")
