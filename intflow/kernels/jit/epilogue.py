"""What follows a product, applied to a block of sums while it is in L1, in hand-written IR.

    narrow      pool, ReLU, shift, round, saturate, packed masks, winners
    mask_max    zero what a packed mask leaves out, smallest and largest of the rest

Both go over the valid rows of a block in vectors of neighbouring columns. Arguments are int64.
Where a panel has all its columns a row is one vector; elsewhere the last vector of a row may hold
fewer columns than lanes and goes through `spare` memory, so that nothing is read or written
outside the arrays.

Rounding is one sum before the shift. With q = v >> rshift,

    (v + add + ((q ^ flip) & odd) + (sign where v < 0)) >> rshift

has every threshold of thresholds.py whose parity is -1, 0 or 1; `rounding` finds the numbers.
Roundings without flip and sign (half up, half even, floor, half down) take a shorter loop.
"""

from functools import lru_cache
from typing import NamedTuple

from llvmlite import ir

from .ir import (I1, I8, I16, I32, I64, case, define, load, loop, pointer, prefetch_write, shifted,
                 smaller, splat, store, vector)
from .thresholds import threshold

LOWEST = -(2**31)
EXTREMES = 256  # bytes: 32 smallest and 32 largest sums


class Rounding(NamedTuple):
    """The numbers of the module's formula."""

    add: int
    odd: int
    flip: int
    sign: int


@lru_cache(maxsize=256)
def rounding(how, rshift):
    """The formula of a Rounding for one shift, or None where it has none (jam).

    Examples
    --------
    half_even, rshift = 3: add 3, and 1 more where q is odd.
    """
    base, negative, parity = threshold(how, 1 << rshift)
    if abs(parity) > 1:
        return None
    flip = max(parity, 0)
    return Rounding((1 << rshift) - 1 - base - flip, abs(parity), flip, -negative)


# ---------------------------------------------------------------- narrow
def emit_narrow(b, arguments):
    """block, bytes from one block to the next, blocks (taps of a pool), NR, rows, columns,
    out, its row stride and element size, masks (0: none), row stride and distance of the ReLU
    mask, winners (0: none), row stride and element size, relu, rshift, add, odd, flip, sign,
    first, last (the range in units of sums), spare."""
    flip, sign = arguments[19:21]
    short = b.icmp_signed("==", b.or_(flip, sign), I64(0))
    _by_lanes(b, arguments[3], arguments[5], short,
              lambda lanes, whole: _narrow_rows(b, arguments, lanes, whole))


def _by_lanes(b, nr, columns, short, emit):
    """emit(NR, True) where `short` and the panel has all its columns, else emit(lanes, False)."""
    fast = b.and_(short, b.icmp_signed("==", columns, nr))
    with b.if_else(fast) as (whole, part):
        with whole:
            case(b, nr, {lanes: (lambda n=lanes: emit(n, True)) for lanes in (32, 16, 8)})
        with part:
            eights = b.icmp_signed("!=", b.and_(nr, I64(8)), I64(0))
            case(b, b.select(eights, I64(8), I64(16)),
                 {lanes: (lambda n=lanes: emit(n, False)) for lanes in (16, 8)})


def _narrow_rows(b, arguments, lanes, whole):
    (block, block_step, blocks, nr, rows, columns, out, out_row, size, passed, passed_row,
     passed_relu, winner, winner_row, winner_size, relu, *numbers, spare) = arguments
    block, spare = pointer(b, block), pointer(b, spare)
    rshift, add, odd, flip, sign, first, last = (_lanes(b, n, lanes) for n in numbers)
    floor = b.select(b.icmp_signed("!=", relu, I64(0)), I64(0), I64(LOWEST))
    floor, zero = _lanes(b, floor, lanes), _lanes(b, I64(0), lanes)

    def vector_of_row(b, r, c, _):
        at = shifted(b, block, b.mul(b.shl(nr, I64(2)), r))
        sums, where = _pooled(b, shifted(b, at, b.shl(c, I64(2))), block_step, blocks, lanes)
        value = _most(b, sums, floor)
        inside = _least(b, _most(b, value, first), last)
        quotient = b.ashr(inside, rshift)
        if not whole:
            negative = b.ashr(inside, _lanes(b, I64(31), lanes))
            inside_and = b.add(inside, b.and_(negative, sign))
            quotient = b.xor(quotient, flip)
        else:
            inside_and = inside
        total = b.add(b.add(inside_and, add), b.and_(quotient, odd))
        left = None if whole else smaller(b, b.sub(columns, c), I64(lanes))
        _put_codes(b, b.ashr(total, rshift), out, out_row, size, r, c, left, lanes, spare)
        with b.if_then(b.icmp_signed("!=", passed, I64(0))):
            row = b.add(b.add(passed, b.mul(passed_row, r)), b.lshr(c, I64(3)))
            _put_bits(b, b.icmp_signed("==", value, inside), row, left, lanes, spare)
            with b.if_then(b.icmp_signed("!=", relu, I64(0))):
                bits = b.icmp_signed(">", sums, zero)
                _put_bits(b, bits, b.add(row, passed_relu), left, lanes, spare)
        with b.if_then(b.icmp_signed("!=", winner, I64(0))):
            _put_codes(b, where, winner, winner_row, winner_size, r, c, left, lanes, spare)
        return []

    _over_vectors(b, rows, columns, lanes, whole, [], vector_of_row)


def _pooled(b, at, step, blocks, lanes):
    """The largest of the sums at the same place of every block, and which block had it first."""
    kind = vector(I32, lanes)

    def other(b, k, state):
        best, where = state
        number = b.add(k, I64(1))
        value = load(b, shifted(b, at, b.mul(step, number)), kind)
        more = b.icmp_signed(">", value, best)
        return [b.select(more, value, best),
                b.select(more, _lanes(b, number, lanes), where)]

    return loop(b, b.sub(blocks, I64(1)), [load(b, at, kind), _lanes(b, I64(0), lanes)], other)


# ---------------------------------------------------------------- mask_max
def emit_mask_max(b, arguments):
    """block, NR, rows, columns, out (s32), its row stride, mask (0: none), its row stride,
    memory of the extremes, spare."""
    _by_lanes(b, arguments[1], arguments[3], I1(1),
              lambda lanes, whole: _mask_rows(b, arguments, lanes, whole))


def _mask_rows(b, arguments, lanes, whole):
    block, nr, rows, columns, out, out_row, passed, passed_row, extremes, spare = arguments
    block, extremes, spare = (pointer(b, p) for p in (block, extremes, spare))
    kind = vector(I32, lanes)
    bits_type, zero = ir.IntType(lanes), _lanes(b, I64(0), lanes)
    open_ = b.icmp_signed("==", passed, I64(0))

    def vector_of_row(b, r, c, ends):
        at = shifted(b, block, b.mul(b.shl(nr, I64(2)), r))
        sums = load(b, shifted(b, at, b.shl(c, I64(2))), kind)
        row = b.add(b.add(passed, b.mul(passed_row, r)), b.lshr(c, I64(3)))
        left, source = None, b.select(open_, spare, pointer(b, row))
        if not whole:
            left = smaller(b, b.sub(columns, c), I64(lanes))
            full = b.icmp_signed("==", left, I64(lanes))
            with b.if_then(b.not_(b.or_(full, open_))):
                _copy(b, spare, pointer(b, row), _bytes_of(b, left))
            source = b.select(full, source, spare)
        bits = b.select(open_, bits_type(-1), load(b, source, bits_type))
        sums = b.select(b.bitcast(bits, vector(I1, lanes)), sums, zero)
        to = b.add(b.add(out, b.mul(out_row, r)), b.shl(c, I64(2)))
        _put(b, sums, pointer(b, to), left, lanes, 4, spare)
        return [_least(b, ends[0], sums), _most(b, ends[1], sums)]

    ends = [load(b, extremes, kind, EXTREMES // 2 * i) for i in range(2)]
    ends = _over_vectors(b, rows, columns, lanes, whole, ends, vector_of_row)
    for i, end in enumerate(ends):
        store(b, end, extremes, EXTREMES // 2 * i)


def emit_announce(b, arguments):
    """Ask for the cache lines of a block of out, long before it is written: address, row stride,
    rows, bytes of a row."""
    out, row_stride, rows, size = arguments
    lines = b.lshr(b.add(size, I64(63)), I64(6))

    def row(b, r, state):
        at = pointer(b, b.add(out, b.mul(row_stride, r)))

        def line(b, k, state):
            prefetch_write(b, shifted(b, at, b.shl(k, I64(6))))
            return state

        return loop(b, lines, state, line)

    loop(b, rows, [], row)


# ---------------------------------------------------------------- vectors
def _over_vectors(b, rows, columns, lanes, whole, state, body):
    """state = body(b, row, first column, state) for every vector of every row."""
    if whole:
        return loop(b, rows, state, lambda b, r, s: body(b, r, I64(0), s))
    vectors = b.sdiv(b.add(columns, I64(lanes - 1)), I64(lanes))

    def over_rows(b, r, state):
        return loop(b, vectors, state, lambda b, j, s: body(b, r, b.mul(j, I64(lanes)), s))

    return loop(b, rows, state, over_rows)


def _lanes(b, value, lanes):
    return splat(b, b.trunc(value, I32), vector(I32, lanes))


def _most(b, x, y):
    return b.select(b.icmp_signed(">", x, y), x, y)


def _least(b, x, y):
    return b.select(b.icmp_signed("<", x, y), x, y)


def _bytes_of(b, bits):
    return b.lshr(b.add(bits, I64(7)), I64(3))


def _put_codes(b, values, base, row_stride, size, r, c, left, lanes, spare):
    """The low bytes of each lane, `size` of them, at row r and column c."""
    to = pointer(b, b.add(b.add(base, b.mul(row_stride, r)), b.mul(size, c)))
    for bytes_, element in ((1, I8), (2, I16)):
        with b.if_then(b.icmp_signed("==", size, I64(bytes_))):
            narrow = b.trunc(values, vector(element, lanes))
            _put(b, narrow, to, left, lanes, bytes_, spare)


def _put_bits(b, bits, to, left, lanes, spare):
    """A comparison as packed bits; bits of columns that do not exist are 0."""
    packed = b.bitcast(bits, ir.IntType(lanes))
    if left is not None:
        past = b.trunc(b.sub(b.shl(I64(1), left), I64(1)), packed.type)
        packed = b.and_(packed, past)
    _put(b, packed, pointer(b, to), left, lanes, None, spare)


def _put(b, value, to, left, lanes, size, spare):
    """Store a vector of elements of `size` bytes (None: bits), or `left` of them (None: all)."""
    if left is None:
        store(b, value, to)
        return
    size = b.mul(left, I64(size)) if size else _bytes_of(b, left)
    with b.if_else(b.icmp_signed("==", left, I64(lanes))) as (whole, part):
        with whole:
            store(b, value, to)
        with part:
            store(b, value, spare)
            _copy(b, to, spare, size)


def _copy(b, to, source, size):
    def one(b, k, state):
        store(b, load(b, shifted(b, source, k), I8), shifted(b, to, k))
        return state

    loop(b, size, [], one)


narrow, mask_max, announce = (
    define(emit) for emit in (emit_narrow, emit_mask_max, emit_announce))
