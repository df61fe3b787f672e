"""vpmaddwd on registers, written as the portable kernel writes it."""

from numba import njit

from ..kernels.jit.ir import I32, define, load, loop as ir_loop, pointer, store, vector
from ..kernels.jit.microkernels.dot2 import LANES, multiply

SUMS_AT_ONCE = 12
PRODUCTS = SUMS_AT_ONCE * 2 * LANES
SUMS, SIZE = vector(I32, LANES), 4 * LANES


def emit(b, arguments):
    """Independent sums; each is multiplied by itself, or a product could leave the loop."""
    address, rounds = arguments
    base = pointer(b, address)
    word = load(b, base, SUMS)
    start = [load(b, base, SUMS, SIZE * (i + 1)) for i in range(SUMS_AT_ONCE)]

    def once(b, k, sums):
        return [multiply(b, s, word, s) for s in sums]

    for i, total in enumerate(ir_loop(b, rounds, start, once)):
        store(b, total, base, SIZE * (i + 1))


_loop = define(emit)


@njit(nogil=True, cache=True)
def loop(address, rounds):
    """`rounds` times PRODUCTS products; 4 KiB at `address` is overwritten."""
    _loop((address, rounds))
