"""The loops of micro-kernels on vectors: over segments, steps, rows, and runs between widenings."""

from ..ir import (I32, I64, case, larger, load, loop, pointer, shifted, smaller, splat, store,
                  vector, zeros)
from .block import announce_rows, named, row_pointers, segment, store_rows


def first_sums(b, kind, arguments, count, vectors):
    """What the sums of `count` rows start from, row after row: base + init."""
    init, base, ldb = named(arguments, "init base ldb")
    lanes, size = kind.count, kind.count * kind.element.width // 8
    offset = [load(b, pointer(b, init), vector(I32, lanes), 4 * lanes * j)
              for j in range(vectors)]
    if kind.element.width > 32:
        offset = [b.sext(words, kind) for words in offset]
    return [b.add(load(b, row, kind, size * j), offset[j])
            for row in row_pointers(b, pointer(b, base), ldb, count) for j in range(vectors)]


def over_products(b, arguments, count, lanes, vectors, first, length, sums, add):
    """The sums after segments first..first + length.

    add(b, sums, words, columns) : sums + products of one step; `words` are four bytes of every
        row of A, each in all of <lanes x i32>, `columns` the words of B, one vector each.
    """
    table, a, lda, panels, steps = named(arguments, "table a lda b steps")
    table, a, panels = (pointer(b, p) for p in (table, a, panels))
    kind, size = vector(I32, lanes), 4 * lanes

    def over_segments(b, s, sums):
        a_offset, b_offset = segment(b, table, b.add(first, s))
        a_rows = row_pointers(b, shifted(b, a, a_offset), lda, count)
        panel = shifted(b, panels, b_offset)

        def over_steps(b, k, sums):
            at = shifted(b, panel, b.mul(k, I64(size * vectors)))
            columns = [load(b, at, kind, size * j) for j in range(vectors)]
            words = (splat(b, load(b, shifted(b, row, b.shl(k, I64(2))), I32), kind)
                     for row in a_rows)
            return add(b, sums, words, columns)

        return loop(b, steps, sums, over_steps)

    return loop(b, length, sums, over_segments)


def emit_block(b, arguments, heights, lanes, vectors, multiply):
    """A kernel whose s32 sums stay in registers from the first step to the last.

    heights : its row counts. lanes, vectors : NR = lanes * vectors.
    multiply(b, sums, word, columns) : sums + products of one step, all <lanes x i32>; `word` is
        four bytes of a row of A in every lane, `columns` the words of B.
    """
    dst, ldd, segments, rows = named(arguments, "dst ldd segments rows")
    dst = pointer(b, dst)

    def add(b, sums, words, columns):
        return [multiply(b, sums[vectors * r + j], word, column)
                for r, word in enumerate(words) for j, column in enumerate(columns)]

    def block(count):
        announce_rows(b, dst, ldd, count, 4 * lanes * vectors)
        start = first_sums(b, vector(I32, lanes), arguments, count, vectors)
        sums = over_products(
            b, arguments, count, lanes, vectors, I64(0), segments, start, add)
        store_rows(b, sums, dst, ldd, count)

    case(b, rows, {count: (lambda n=count: block(n)) for count in heights})


def emit_runs(b, arguments, heights, kind, vectors, narrow, add, widen):
    """A kernel whose sums wait in L1 and grow after every run of `flush` segments.

    kind : vector of sums, NR = its lanes * vectors.
    narrow : vector types that stay in registers during a run, for every vector of sums.
    add(b, state, words, columns) : as of over_products; the state is, row after row, what
        `narrow` says for each vector.
    widen(b, *parts) : the sums of `kind` that these parts of the state stand for.
    """
    dst, ldd, scratch, segments, flush, rows = named(
        arguments, "dst ldd scratch segments flush rows")
    dst, scratch = pointer(b, dst), pointer(b, scratch)
    runs = larger(b, I64(1), b.sdiv(b.add(segments, b.sub(flush, I64(1))), flush))
    size = kind.count * kind.element.width // 8
    row_size, parts = size * vectors, len(narrow)

    def block(count):
        announce_rows(b, dst, ldd, count, row_size)
        start = first_sums(b, kind, arguments, count, vectors)
        store_rows(b, start, scratch, I64(row_size), count)

        def over_runs(b, run, _):
            first = b.mul(run, flush)
            length = smaller(b, flush, b.sub(segments, first))
            state = [zeros(part) for _ in range(count * vectors) for part in narrow]
            state = over_products(
                b, arguments, count, kind.count, vectors, first, length, state, add)
            is_last = b.icmp_signed("==", run, b.sub(runs, I64(1)))
            target = b.select(is_last, dst, scratch)
            step = b.select(is_last, ldd, I64(row_size))
            for r, row in enumerate(row_pointers(b, target, step, count)):
                for j in range(vectors):
                    i = r * vectors + j
                    grown = widen(b, *state[parts * i : parts * (i + 1)])
                    store(b, b.add(load(b, scratch, kind, size * i), grown), row, size * j)
            return []

        loop(b, runs, [], over_runs)

    case(b, rows, {count: (lambda n=count: block(n)) for count in heights})
