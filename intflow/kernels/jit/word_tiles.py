"""Tiles of 8 columns: vector code that puts elements together to words.

A *word* is four bytes, the contraction of one step: two s16 or four s8. Elements of s8 may be
widened to s16 on the way. Each emitter is the body of an intrinsic; its arguments are int64.
"""

from .ir import (I8, I16, I32, I64, case, indices, load, loop, pointer, shifted, splat, store,
                 vector)

WIDTHS = {11: (I8, I8), 12: (I8, I16), 22: (I16, I16)}  # 10 * bytes of source + of destination
RUN_COLUMNS = (16, 32)


def _words(b, src, stride, at, source, target, count=8):
    """`count` columns of `per` neighbouring k, side by side, as words."""
    per = 32 // target.width
    rows = [load(b, shifted(b, src, b.mul(stride, b.add(at, I64(i)))), vector(source, count))
            for i in range(per)]
    if source is not target:
        rows = [b.sext(row, vector(target, count)) for row in rows]
    while len(rows) > 1:
        half = len(rows) // 2
        rows = [_zip(b, rows[i], rows[i + half]) for i in range(half)]
    return b.bitcast(rows[0], vector(I32, count))


def _zip(b, x, y):
    count = x.type.count
    return b.shuffle_vector(x, y, indices(i // 2 + (i % 2) * count for i in range(2 * count)))


def _transposed(b, rows):
    """8 x <8 x i32>, rows to columns, in three butterfly stages."""
    for distance in (1, 2, 4):
        low = indices(j if not j & distance else (j ^ distance) + 8 for j in range(8))
        high = indices(j | distance if not j & distance else j + 8 for j in range(8))
        out = list(rows)
        for i in range(8):
            if not i & distance:
                out[i] = b.shuffle_vector(rows[i], rows[i | distance], low)
                out[i | distance] = b.shuffle_vector(rows[i], rows[i | distance], high)
        rows = out
    return rows


def emit_interleave(b, arguments):
    """One step of 8 columns: dst, src, stride of k, widths."""
    dst, src, stride, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)

    def one(source, target):
        store(b, _words(b, src, stride, I64(0), source, target), dst)

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def emit_turn(b, arguments):
    """8 steps of 8 columns, to 8 rows of 8 words.

    dst, row stride, src, stride of k, flip (0x80 in each byte to add 128, or 0), widths.
    """
    dst, row_stride, src, stride, flip, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)
    mask = splat(b, b.trunc(flip, I32), vector(I32, 8))

    def one(source, target):
        per = 32 // target.width
        words = [_words(b, src, stride, I64(g * per), source, target) for g in range(8)]
        for c, row in enumerate(_transposed(b, words)):
            store(b, b.xor(row, mask), shifted(b, dst, b.mul(row_stride, I64(c))))

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def emit_transpose(b, arguments):
    """8 columns of 8 words, k contiguous, to 8 steps.

    dst, step stride, src, stride of c, widths.
    """
    dst, step_stride, src, stride, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)

    def one(source, target):
        count = 8 * 32 // target.width
        rows = []
        for c in range(8):
            row = load(b, shifted(b, src, b.mul(stride, I64(c))), vector(source, count))
            if source is not target:
                row = b.sext(row, vector(target, count))
            rows.append(b.bitcast(row, vector(I32, 8)))
        for k, words in enumerate(_transposed(b, rows)):
            store(b, words, shifted(b, dst, b.mul(step_stride, I64(k))))

    case(b, widths, {w: (lambda pair=pair: one(*pair)) for w, pair in WIDTHS.items()})


def emit_interleave_run(b, arguments):
    """Steps of a whole panel of RUN_COLUMNS: dst, src, stride of k, steps, columns, widths."""
    dst, src, stride, steps, columns, widths = arguments
    dst, src = pointer(b, dst), pointer(b, src)

    def run(source, target, count):
        def step(b, k, state):
            first = b.mul(k, I64(32 // target.width))
            words = _words(b, src, stride, first, source, target, count)
            store(b, words, shifted(b, dst, b.mul(k, I64(4 * count))))
            return state

        loop(b, steps, [], step)

    both = b.add(b.mul(columns, I64(100)), widths)
    case(b, both, {100 * n + w: (lambda pair=pair, n=n: run(*pair, n))
                   for n in RUN_COLUMNS for w, pair in WIDTHS.items()})


def emit_offset_sums(b, arguments):
    """sums[c] -= 128 * the four bytes of word c, over the steps: sums, B, step stride, steps."""
    sums, src, stride, steps = arguments
    sums, src = pointer(b, sums), pointer(b, src)
    kind = vector(I32, 8)

    def over_steps(b, k, state):
        words = load(b, shifted(b, src, b.mul(stride, k)), kind)
        total = state[0]
        for byte in range(4):
            high = b.shl(words, splat(b, I32(24 - 8 * byte), kind))
            total = b.add(total, b.ashr(high, splat(b, I32(24), kind)))
        return [total]

    (total,) = loop(b, steps, [splat(b, I32(0), kind)], over_steps)
    store(b, b.mul(total, splat(b, I32(-128), kind)), sums)
