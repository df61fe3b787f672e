"""Which micro-kernel each backend uses for which operands.

A Micro says how its operands look; everything else of a product is shared. Asking a micro-kernel
for its address compiles it, so only a backend that the processor has may ask.
"""

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


class Words(NamedTuple):
    """What a backend may know about operands of which one is s16.

    columns : of the result in one group.
    emulated : as in `kernels.load`.
    wide : whether the sums must be s64 from the first product on.
    """

    columns: int
    emulated: bool
    wide: bool = False


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


# ---------------------------------------------------------------- words
def pairs(operands):
    """s16 pairs: any processor, any operands."""
    from .microkernels import dot2, dot2_wide

    if operands.wide:
        return _wide(dot2_wide, dot2_wide.generic, 8)
    return Micro("dot2", dot2.block.address, dot2.ROWS, dot2.COLUMNS, size=2)


def vnni_pairs(operands):
    """s16 pairs in vectors of 16; narrow panels for few columns."""
    from .microkernels import dot2_vnni, dot2_wide

    if operands.wide:
        kernel = dot2_wide.emulated if operands.emulated else dot2_wide.native
        return _wide(dot2_wide, kernel, 16)
    return _vnni("dot2_vnni", dot2_vnni, operands, size=2)


def _wide(kernels, kernel, columns):
    """s64 sums of s16 pairs."""
    return Micro("dot2_wide", kernel.address, kernels.ROWS[columns], columns, size=2,
                 longest_run=kernels.LONGEST_RUN, wide=True)


def _vnni(name, kernels, operands, **micro):
    """The block of dot4.py or dot2_vnni.py for these columns."""
    from .microkernels.dot4 import NARROW, WIDE

    form, shape = ("narrow", NARROW) if operands.columns <= 16 else ("wide", WIDE)
    return _shaped(name, kernels, form, shape, operands, **micro)


def _shaped(name, kernels, form, shape, operands, **micro):
    """A block of this form and shape."""
    kernel = getattr(kernels, f"{'emulated' if operands.emulated else 'native'}_{form}")
    return Micro(name, kernel.address, shape.rows, shape.columns, **micro)


# ---------------------------------------------------------------- bytes
SHORTEST_RUN = 8  # steps; below this, widening the sums costs more than the bytes save


def as_pairs(operands):
    """s8 as s16."""
    return pairs(Words(operands.columns, operands.emulated))


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
    return as_pairs(operands)


def _offset(operands):
    """What kernels that read A as u8 add to it."""
    return 0 if operands.unsigned else 128


def vnni(operands):
    """u8 x s8 quads; narrow panels for few columns."""
    from .microkernels import dot4

    return _vnni("dot4", dot4, operands, size=1, offset=_offset(operands))


def avx_vnni(operands):
    """u8 x s8 quads in vectors of 8."""
    from .microkernels import dot4

    return _shaped("dot4_short", dot4, "short", dot4.SHORT, operands, size=1,
                   offset=_offset(operands))


def amx(operands):
    """s8 x s8 or u8 x s8 tiles."""
    from .microkernels import tiles

    kernel = tiles.kernel(operands.emulated)
    block = tiles.kernel(operands.emulated, operands.unsigned).block
    return Micro("tiles", block.address, tiles.ROWS, tiles.COLUMNS, size=1,
                 step_multiple=tiles.STEPS, begin=kernel.begin.address, end=kernel.end.address)


class Choice(NamedTuple):
    """How a backend multiplies: functions of Bytes and of Words that return a Micro."""

    bytes: Callable
    words: Callable


BACKENDS = {
    "portable": Choice(as_pairs, pairs),
    "avx2": Choice(avx2, pairs),
    "vnni": Choice(vnni, vnni_pairs),
    "avx_vnni": Choice(avx_vnni, pairs),        # of the backend vnni, without AVX512
    "amx": Choice(amx, vnni_pairs),
}
