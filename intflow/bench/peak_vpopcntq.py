"""vpopcntq on registers: exclusive or, count of ones, sum."""

from numba import njit

from ..kernels.jit.ir import (
    I64, declare, define, load, loop as ir_loop, pointer, splat, store, vector,
)

SUMS_AT_ONCE = 8
PRODUCTS = SUMS_AT_ONCE * 512
SUMS = vector(I64, 8)


def emit(b, arguments):
    """Independent sums of the bits in which a word that changes differs from constant ones."""
    address, rounds = arguments
    base = pointer(b, address)
    words = [load(b, base, SUMS, 64 * (i + 9)) for i in range(SUMS_AT_ONCE)]
    start = [load(b, base, SUMS, 64 * (i + 1)) for i in range(SUMS_AT_ONCE)]
    count = declare(b, "llvm.ctpop.v8i64", SUMS, [SUMS])

    def once(b, k, sums):
        changing = splat(b, k, SUMS)
        return [b.add(s, b.call(count, [b.xor(w, changing)])) for s, w in zip(sums, words)]

    for i, total in enumerate(ir_loop(b, rounds, start, once)):
        store(b, total, base, 64 * (i + 1))


_loop = define(emit)


@njit(nogil=True, cache=True)
def loop(address, rounds):
    """`rounds` times PRODUCTS products; 4 KiB at `address` is overwritten."""
    _loop((address, rounds))
