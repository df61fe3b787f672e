"""Which micro-kernel each backend uses for which operands.

A Micro says how its operands look; everything else of a product is shared. Importing a
micro-kernel compiles it, so each is imported when a backend that the processor has asks for it.
"""

from typing import NamedTuple


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


def dot2(w_max=None, emulated=False):
    """s16 pairs: for any operands."""
    from .microkernels import dot2 as kernel

    return Micro("dot2", kernel.block.address, kernel.ROWS, kernel.COLUMNS, size=2)


def dot2_wide():
    """s16 pairs with s64 sums."""
    from .microkernels import dot2_wide as kernel

    return Micro("dot2_wide", kernel.block.address, kernel.ROWS, kernel.COLUMNS, size=2, wide=True)


SHORTEST_RUN = 8  # below this the widening costs more than the bytes save


def byte_pairs_or_dot2(w_max, emulated=False):
    """u8 x small s8 where the weights are small enough, else s16 pairs."""
    from .microkernels import byte_pairs as kernel

    run = kernel.longest_run(w_max)
    if run < SHORTEST_RUN:
        return dot2()
    return Micro("byte_pairs", kernel.block.address, kernel.ROWS, kernel.COLUMNS, size=1,
                 offset=128, longest_run=run)


# backend -> how it multiplies bytes, given the largest |weight| (127 where it is not known)
BYTES = {
    "portable": dot2,
    "avx2": byte_pairs_or_dot2,
}
