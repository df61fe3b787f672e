"""vpdpbusd on registers."""

from numba import njit

from ..kernels.jit.ir import I32, define, load, loop as ir_loop, pointer, store, vector
from ..kernels.jit.microkernels.dot4 import native

SUMS = vector(I32, 16)
SUMS_AT_ONCE = 16
PRODUCTS = SUMS_AT_ONCE * 64


def emit(b, arguments):
    """Independent sums, more than the instruction's latency takes."""
    address, rounds = arguments
    base = pointer(b, address)
    x = load(b, base, SUMS)
    start = [load(b, base, SUMS, 64 * (i + 1)) for i in range(SUMS_AT_ONCE)]
    sums = ir_loop(b, rounds, start, lambda b, k, sums: [native(b, s, x, x) for s in sums])
    for i, total in enumerate(sums):
        store(b, total, base, 64 * (i + 1))


_loop = define(emit)


@njit(nogil=True, cache=True)
def loop(address, rounds):
    """`rounds` times PRODUCTS products; 4 KiB at `address` is overwritten."""
    _loop((address, rounds))
