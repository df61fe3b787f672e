"""Which micro-kernel each backend uses for which operands.

A Micro says how its operands look; everything else of a product is shared. Importing a
micro-kernel compiles it, so each is imported when a backend that the processor has asks for it.
"""

from importlib import import_module
from typing import Callable, NamedTuple


class Micro(NamedTuple):
    """A micro-kernel and the shape of its operands.

    name : for reports.
    address, begin, end : C functions; begin and end run once a task (0: none).
    rows : row counts of a block, falling; a shorter rest is computed as the last one.
    columns : NR.
    size : bytes of an element of A and B, 1 or 2.
    offset : 128 where A holds a + 128, else 0.
    step_multiple : steps of a segment are a multiple of this.
    longest_run : steps between two flushes, 0 = no limit.
    wide : whether it makes s64 sums.
    """

    name: str
    address: int
    rows: tuple
    columns: int
    size: int
    offset: int = 0
    step_multiple: int = 1
    longest_run: int = 0
    wide: bool = False
    begin: int = 0
    end: int = 0

    @property
    def per_step(self):
        """Elements of the contraction in one step."""
        return 4 // self.size


class Bytes(NamedTuple):
    """What a backend may know about two s8 operands.

    w_max : the largest |b|, 127 where it is not known.
    columns : of the result in one group.
    small : function without arguments: whether every a lies in 0..127 (it looks).
    unsigned : whether a is u8.
    emulated : as in `kernels.load`.
    """

    w_max: int
    columns: int
    small: Callable
    unsigned: bool
    emulated: bool


def pairs(operands=None):
    """s16 pairs: any processor, any operands."""
    from .microkernels import dot2 as kernel

    return Micro("dot2", kernel.block.address, kernel.ROWS, kernel.COLUMNS, size=2)


def pairs_wide():
    """s16 pairs with s64 sums."""
    from .microkernels import dot2_wide as kernel

    return Micro("dot2_wide", kernel.block.address, kernel.ROWS, kernel.COLUMNS, size=2, wide=True)


SHORTEST_RUN = 8  # steps; below this, widening the sums costs more than the bytes save


def avx2(operands):
    """u8 with small weights; else u8 as it is where never negative; else s16 pairs."""
    from .microkernels import byte_pairs, byte_products

    run = byte_pairs.longest_run(operands.w_max)
    if run >= SHORTEST_RUN:
        return Micro("byte_pairs", byte_pairs.block.address, byte_pairs.ROWS, byte_pairs.COLUMNS,
                     size=1, offset=_offset(operands), longest_run=run)
    if operands.small():
        return Micro("byte_products", byte_products.block.address, byte_products.ROWS,
                     byte_products.COLUMNS, size=1)
    return pairs()


def _offset(operands):
    """What kernels that read A as u8 add to it."""
    return 0 if operands.unsigned else 128


def vnni(operands):
    """u8 x s8 quads; narrow panels for few columns."""
    from .microkernels import dot4

    columns = 16 if operands.columns <= 16 else 32
    name = "dot4_emulated" if operands.emulated else "dot4_native"
    name += "_16" if columns == 16 else ""
    kernel = import_module(f".microkernels.{name}", __package__)
    return Micro("dot4", kernel.block.address, dot4.ROWS[columns], columns, size=1,
                 offset=_offset(operands))


def amx(operands):
    """s8 x s8 or u8 x s8 tiles."""
    from .microkernels import tiles

    kernel = tiles.kernel(operands.emulated)
    block = tiles.kernel(operands.emulated, operands.unsigned).block
    return Micro("tiles", block.address, tiles.ROWS, tiles.COLUMNS, size=1,
                 step_multiple=tiles.STEPS, begin=kernel.begin.address, end=kernel.end.address)


# backend -> how it multiplies bytes: a function of Bytes that returns a Micro
BYTES = {
    "portable": pairs,
    "avx2": avx2,
    "vnni": vnni,
    "amx": amx,
}
