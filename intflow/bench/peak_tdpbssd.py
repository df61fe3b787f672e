"""tdpbssd on tiles. Import it only where the tiles are granted."""

from numba import njit

from ..kernels.jit.ir import I8, VOID, declare, define, loop as ir_loop, pointer
from ..kernels.jit.microkernels.tiles import Native

PRODUCTS = 16 * 16 * 16 * 64        # of 16 instructions


def emit(b, arguments):
    """Four sums in tiles 0..3, operands in 4..7, as in the kernel."""
    address, rounds = arguments
    tiles = Native(b, None)
    tiles.begin(pointer(b, address))
    for tile in range(8):
        b.call(declare(b, "llvm.x86.tilezero", VOID, [I8]), [I8(tile)])

    def once(b, k, nothing):
        inner = Native(b, None)
        for _ in range(4):
            for tile in range(4):
                inner.dot(tile, 4 + (tile >> 1), 6 + (tile & 1))
        return nothing

    ir_loop(b, rounds, [], once)
    tiles.end()


_loop = define(emit)


@njit(nogil=True, cache=True)
def loop(address, rounds):
    """`rounds` times PRODUCTS products; 4 KiB at `address` is overwritten."""
    _loop((address, rounds))
