"""Counts of operations and bytes, which add up.

Lingo: a *width* is what an operation works on: "32" a 32-bit container, "8x2+32" a product of an
8-bit and a 2-bit code added into 32 bits, "8xp4+32" one with a power of two of 4 bits, "fp32" or
"bf16" a float of the comparison. A *role* is what a tensor is: one of ROLES.
"""

from collections import Counter
from dataclasses import dataclass, field

from ..ops import WIDEST_OPERAND
from .widths import stored_bits

# What is counted. One line of definition each; `kernels.py` says how many a kernel makes.
OPERATIONS = {
    "mac": "a multiplication and the addition of its product, as the papers count: padding too",
    "shifted": "a product with a power of two, added; its shift and additions are counted as such",
    "padding": "of these two, the ones whose operand is a zero of the padding",
    "multiply": "a multiplication without an addition",
    "add": "an addition, subtraction, or the carry of a rounding",
    "shift": "a shift by any number of places",
    "compare": "a comparison of two numbers; the selection it steers is free",
    "divide": "a division",
    "lookup": "a look-up in a small table",
    "random": "a number of 32 random bits",
}
ROLES = ("weights", "activations", "errors", "gradients", "masks")


@dataclass
class Counts:
    """How many operations, and how many bytes are read and written.

    operations : {(operation, width): number}
    read, written : {role: bytes}; each operand of a kernel once, as the engine stores it.
    packed : bits read and written if codes were packed to their bits (a mask to 1) and what is
        wider than an operand, the sums of products, never left the chip; gradients do, as stored.

    Examples
    --------
    Counts.of([("add", "32", 3)], read=[("errors", 4, Fixed(8, 7))]): three additions of 32 bits,
    four bytes read.
    """

    operations: Counter = field(default_factory=Counter)
    read: Counter = field(default_factory=Counter)
    written: Counter = field(default_factory=Counter)
    packed: int = 0

    @classmethod
    def of(cls, operations=(), read=(), written=()):
        """From (operation, width, number), and (role, numbers, format) for read and written."""
        made = cls()
        for name, width, number in operations:
            made.operations[name, width] += number
        for side, tensors in ((made.read, read), (made.written, written)):
            for role, number, fmt in tensors:
                side[role] += number * stored_bits(fmt) // 8
                made.packed += number * packed_bits(role, fmt)
        return made.clean()

    def clean(self):
        """Without the zeros, so that equal counts are equal objects."""
        return Counts(+self.operations, +self.read, +self.written, self.packed)

    def __add__(self, other):
        return Counts(
            self.operations + other.operations, self.read + other.read,
            self.written + other.written, self.packed + other.packed,
        )

    def total(self, operation):
        """All operations of one name, whatever their width."""
        return sum(n for (name, _), n in self.operations.items() if name == operation)

    @property
    def bytes(self):
        """Bytes read and written together."""
        return sum(self.read.values()) + sum(self.written.values())

    def to_dict(self):
        """Plain: {"operations": {name: {width: n}}, "read": {role: n}, ..., "packed_bytes": n}."""
        operations = {}
        for (name, width), number in sorted(self.operations.items()):
            operations.setdefault(name, {})[width] = number
        return {"operations": operations, "read": dict(self.read), "written": dict(self.written),
                "packed_bytes": -(-self.packed // 8)}


def packed_bits(role, fmt):
    """Bits of one number as `Counts.packed` has it.

    Examples
    --------
    Weights of 2 bits: 2. Activations summed up in 21 bits: 0. Gradients in 32 bits: 32.
    """
    if role == "gradients":
        return stored_bits(fmt)
    return fmt.bits if fmt.bits <= WIDEST_OPERAND else 0
