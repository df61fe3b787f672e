"""Counts of common or differing bits of MR rows and NR columns: any processor with vectors.

    count[r][c] = sum over words k of popcount(A[k][r] op B[k][c]),  op = xor or and
    dst[r][c]   = base[r][c] + scale * count[r][c]                   modulo 2**32

A popcount for every second word: a full adder joins two words with the word that was left over,

    left' = left ^ x1 ^ x2,   carry = majority(left, x1, x2),   count = 2 * sum popcount(carry)
                                                                        + popcount(left)

For xor, with x1 = a1 ^ b1 and x2 = a2 ^ b2, operands hold a1 and a1 ^ a2 (columns likewise), since
then left' takes one operation, left ^ (a1 ^ a2) ^ (b1 ^ b2), and the carry another: where left
changed, x1 ^ x2 is 1 and the carry is left; else it is x1. Five operations for two words, where
xor, popcount and add for each would be six.

Arguments, all int64 (addresses and bytes); a call does several blocks of MR rows
    dst, ldd  result [blocks * MR][NR] s32, and from one row to the next
    base      [blocks * MR] s64: addresses where the rows start, s32
    column    added to each of these addresses
    scale     factor of the count
    a, step   [pairs][2][MR] u64, and from one block to the next
    b         [pairs][2][NR] u64
    pairs     number of pairs of words
    blocks    number of them
"""

from llvmlite import ir
from numba import types

from ..ir import I32, I64, declare, load, loop, pointer, shifted, splat, store, vector, zeros

ARGUMENTS = ("dst", "ldd", "base", "column", "scale", "a", "step", "b", "pairs", "blocks")
SIGNATURE = types.void(*[types.int64] * len(ARGUMENTS))


class Logic:
    """Logic of three operands in generic IR."""

    @staticmethod
    def xor3(b, x, y, z):
        """x ^ y ^ z."""
        return b.xor(b.xor(x, y), z)

    @staticmethod
    def carry(b, before, after, x):
        """`before` where it differs from `after`, else x."""
        return b.xor(b.and_(b.xor(before, x), b.xor(before, after)), x)


def popcount(b, x):
    """Set bits of every lane."""
    return b.call(declare(b, f"llvm.ctpop.v{x.type.count}i64", x.type, [x.type]), [x])


def both(b, logic, left, a, c):
    """(left', x1) for op = and: a and c hold the plain words."""
    x1 = b.and_(a[0], c[0])
    return logic.xor3(b, left, x1, b.and_(a[1], c[1])), x1


def differ(b, logic, left, a, c):
    """(left', x1) for op = xor: a and c hold the first word and the xor of both."""
    return logic.xor3(b, left, a[1], c[1]), b.xor(a[0], c[0])


def emit(b, arguments, op, logic, rows, lanes, vectors):
    """The kernel: op is `both` or `differ`, MR = rows, NR = lanes * vectors."""
    dst, ldd, base, column, scale, a, step, columns, pairs, blocks = arguments
    dst, base, a, columns = (pointer(b, p) for p in (dst, base, a, columns))
    kind, narrow = vector(I64, lanes), vector(I32, lanes)
    cells, size = rows * vectors, 8 * lanes
    factor = splat(b, b.trunc(scale, I32), narrow)

    def over_pairs(words):
        def pair(b, k, state):
            at = shifted(b, words, b.mul(k, I64(16 * rows)))
            panel = shifted(b, columns, b.mul(k, I64(2 * size * vectors)))
            c = [[load(b, panel, kind, size * (vectors * i + j)) for i in range(2)]
                 for j in range(vectors)]
            w = [[splat(b, load(b, at, I64, 8 * (rows * i + r)), kind) for i in range(2)]
                 for r in range(rows)]
            return _add_pair(b, op, logic, state, w, c)
        return pair

    def over_blocks(b, i, _):
        state = loop(b, pairs, [zeros(kind)] * (2 * cells),
                     over_pairs(shifted(b, a, b.mul(i, step))))
        out = shifted(b, dst, b.mul(b.mul(i, I64(rows)), ldd))
        starts = shifted(b, base, b.mul(i, I64(8 * rows)))
        for r in range(rows):
            row = shifted(b, out, b.mul(ldd, I64(r)))
            start = pointer(b, b.add(load(b, starts, I64, 8 * r), column))
            for j in range(vectors):
                count = _finished(b, state[r * vectors + j], state[cells + r * vectors + j])
                total = b.mul(b.trunc(count, narrow), factor)
                first = load(b, start, narrow, 4 * lanes * j)
                store(b, b.add(first, total), row, 4 * lanes * j)
        return []

    loop(b, blocks, [], over_blocks)


def _add_pair(b, op, logic, state, w, c):
    """Counts and words left over after one more pair; w by row, c by vector of columns."""
    cells, vectors = len(state) // 2, len(c)
    counts, lefts = [], []
    for at in range(cells):
        before = state[cells + at]
        left, x1 = op(b, logic, before, w[at // vectors], c[at % vectors])
        counts.append(b.add(state[at], popcount(b, logic.carry(b, before, left, x1))))
        lefts.append(left)
    return counts + lefts


def _finished(b, count, left):
    """2 * count + popcount(left)."""
    one = ir.Constant(count.type, [1] * count.type.count)
    return b.add(b.shl(count, one), popcount(b, left))
