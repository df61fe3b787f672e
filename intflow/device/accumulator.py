"""The register that sums a product: how wide it is, what it does at its ends, and when.

    acc = 0
    for every product, in the stated order:
        acc = acc + fit(floor(product * 2**-drop_bits), product_bits)
        where a check is due: acc = fit(acc, bits)

Between two checks the sum is exact, as in a register wide enough.
"""

import operator
from dataclasses import asdict, dataclass, fields

from ..errors import FormatError, UnknownNameError
from ..formats import Overflow
from ..formats.rounding import code_range

NARROWEST, WIDEST = 8, 64
CHECKS = ("end", "tile", "product")
# The axes that are summed, slowest first, as an accumulator without an order takes them.
ORDERS = {"forward": "HWI", "error": "HWO", "gradient": "NHW"}


@dataclass(frozen=True)
class Accumulator:
    """One accumulator of a device.

    Parameters
    ----------
    bits : int in 8..64; sign included.
    overflow : Overflow or its name; what becomes of a value that does not fit. TRAP stops with
        OverflowTrap, which says where.
    check : when the sum is fitted: after each "product", after each "tile" of products and at the
        end, or only at the "end".
    tile : int >= 1 with check="tile", else 0; products of a tile. The last one may be shorter.
    order : permutation of the axes that are summed, the last one fastest; "" for the usual one.
        forward "HWI": kernel row, kernel column, input channel (of the group).
        error "HWO": kernel row, kernel column, output channel (of the group).
        gradient "NHW": image, output row, output column.
        See `order.py` for the products that meet padding.
    product_bits : int in 2..64; each product is fitted to it before it is added. 0: it is exact.
    drop_bits : int in 0..62; low bits that the register does not have: each product is cut to the
        rest, towards minus infinity. For forward products that are fitted at the end.

    Raises
    ------
    FormatError, UnknownNameError : one line, for what cannot be.

    Exactness
    ---------
    Wrapping is the same wherever it happens, so under WRAP the sum is fitted once, at the end,
    whatever `check` says, and a product only where it is narrower than the sum; overflows are
    counted there.

    Examples
    --------
    Products 100, 100, -100 in 8 bits, saturating: checked at each product 27 (100, 127, 27), at
    the end 100, in tiles of two 27 (127, 27). Wrapping: 100.
    """

    bits: int = WIDEST
    overflow: Overflow = Overflow.WRAP
    check: str = "end"
    tile: int = 0
    order: str = ""
    product_bits: int = 0
    drop_bits: int = 0

    def __post_init__(self):
        _set(self, "bits", _integer("bits", self.bits))
        _set(self, "tile", _integer("tile", self.tile))
        _set(self, "product_bits", _integer("product_bits", self.product_bits))
        _set(self, "drop_bits", _integer("drop_bits", self.drop_bits))
        _set(self, "overflow", Overflow.parse(self.overflow))
        _set(self, "order", str(self.order).strip().upper())
        if not NARROWEST <= self.bits <= WIDEST:
            raise FormatError(f"an accumulator has {NARROWEST} to {WIDEST} bits, got {self.bits}")
        if self.product_bits and not 2 <= self.product_bits <= WIDEST:
            raise FormatError(
                f"product_bits takes 2 to {WIDEST}, or 0 for exact, got {self.product_bits}"
            )
        if self.check not in CHECKS:
            raise UnknownNameError("check", self.check, CHECKS)
        if not 0 <= self.drop_bits <= 62:
            raise FormatError(f"drop_bits takes 0 to 62, got {self.drop_bits}")
        if self.drop_bits and (self.check != "end" or self.product_bits):
            raise FormatError('drop_bits goes with check = "end" and exact products; leave out '
                              "check and product_bits")
        if (self.check == "tile") != (self.tile > 0):
            raise FormatError(
                f'tile takes a length from 1 with check = "tile" and 0 without, got {self.tile} '
                f'with "{self.check}"'
            )
        if self.order and sorted(self.order) not in map(sorted, ORDERS.values()):
            raise FormatError(_order_message(self.order))

    @property
    def limits(self):
        """(smallest, largest) integer that it holds."""
        return code_range(self.bits, symmetric=self._symmetric)

    @property
    def product_limits(self):
        """The same of a product; None where it is exact."""
        if not self.product_bits:
            return None
        return code_range(self.product_bits, symmetric=self._symmetric)

    def holds_products(self, largest):
        """Whether products up to +-largest are added as they are.

        Wrapped at the width of the sum or above, a product keeps all bits that the sum keeps.
        """
        keeps = self.overflow is Overflow.WRAP and self.product_bits >= self.bits
        return not self.product_bits or keeps or largest <= self.product_limits[1]

    def holds(self, terms, largest):
        """Whether no sum of `terms` products up to +-largest can overflow, nor any product.

        Examples
        --------
        16 bits: 258 products of 127 * 1 reach 32 766 and fit, 259 may not.
        """
        return self.holds_products(largest) and terms * largest <= self.limits[1]

    def length(self, terms):
        """Products between two fits of a sum of `terms`."""
        if self.overflow is Overflow.WRAP or self.check == "end":
            return max(1, terms)
        return 1 if self.check == "product" else self.tile

    def for_product(self, product):
        """This accumulator with its order filled in, for "forward", "error" or "gradient"."""
        usual = ORDERS[product]
        if self.drop_bits and product != "forward":
            raise FormatError(f"{product}: drop_bits is for forward products; write it in [forward]")
        if self.order and sorted(self.order) != sorted(usual):
            raise FormatError(f"{product}: {_order_message(self.order, usual)}")
        return Accumulator(**{**asdict(self), "order": self.order or usual})

    @property
    def _symmetric(self):
        return self.overflow is Overflow.SATURATE_SYMMETRIC


NAMES = tuple(field.name for field in fields(Accumulator))


def _order_message(order, usual=None):
    known = [usual] if usual else ORDERS.values()
    return f"order takes a permutation of {' or '.join(known)}, got {order}"


def _set(value, name, content):
    object.__setattr__(value, name, content)


def _integer(name, value):
    if isinstance(value, (bool, str)) or not hasattr(value, "__index__"):
        raise FormatError(f"{name} takes an integer, got {value!r}")
    return operator.index(value)
