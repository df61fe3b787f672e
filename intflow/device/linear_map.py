"""Linear maps of bits: what a shift register does to its state, any number of times at once.

A map is the tuple of its columns, column j the image of the state with bit j alone. States and
columns are Python ints; addition is exclusive or.
"""

from functools import lru_cache


def apply(columns, state):
    """The image of a state.

    Examples
    --------
    columns (2, 3), state 3 = bits 0 and 1: 2 ^ 3 = 1.
    """
    result = 0
    for column in columns:
        if state & 1:
            result ^= column
        state >>= 1
    return result


def compose(outer, inner):
    """The map that applies `inner`, then `outer`."""
    return tuple(apply(outer, column) for column in inner)


@lru_cache(maxsize=4096)
def doubled(columns, times):
    """The map applied 2**times times."""
    if times == 0:
        return columns
    half = doubled(columns, times - 1)
    return compose(half, half)


def repeated(columns, state, count):
    """The state after `count` applications, by the binary digits of the count.

    Examples
    --------
    columns (2, 3), state 1: count 0: 1, 1: 2, 2: 3, 3: 1.
    """
    for place in range(count.bit_length()):
        if count >> place & 1:
            state = apply(doubled(columns, place), state)
    return state


@lru_cache(maxsize=64)
def power(columns, count):
    """The map applied `count` times."""
    return tuple(repeated(columns, 1 << j, count) for j in range(len(columns)))
