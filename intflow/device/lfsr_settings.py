"""What the settings of a shift register may be, one clear line for what they may not."""

from ..errors import FormatError

AXES = "OIHW"
WIDEST_DRAW = 32


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def expect_integer(name, value, lo, hi):
    """FormatError unless the setting `name` is an integer in lo..hi."""
    if not _is_integer(value) or not lo <= value <= hi:
        raise FormatError(f"{name} of an lfsr is an integer in {lo}..{hi}, got {value!r}")


def checked_taps(taps, width):
    """The exponents as a tuple, largest first."""
    rows = isinstance(taps, (list, tuple))
    good = rows and all(_is_integer(t) and 1 <= t <= width for t in taps)
    if not good or len(set(taps)) != len(taps) or width not in taps:
        raise FormatError(
            f"taps of an lfsr of width {width} are different exponents in 1..{width} with {width} "
            f"among them, got {taps!r}"
        )
    return tuple(sorted(taps, reverse=True))


def checked_seed(seed, width, lanes):
    """The seed, or a tuple of one for each lane."""
    many = isinstance(seed, (list, tuple))
    seeds = tuple(seed) if many else (seed,)
    if many and len(seeds) != lanes:
        raise FormatError(f"an lfsr of {lanes} lanes takes 1 seed or {lanes}, got {len(seeds)}")
    if lanes > (1 << width) - 1 and not many:
        raise FormatError(
            f"an lfsr of width {width} has {(1 << width) - 1} states, too few to start {lanes} "
            "lanes from one seed; give a seed for each lane"
        )
    for one in seeds:
        if not _is_integer(one) or not 1 <= one < 1 << width:
            raise FormatError(
                f"a seed of an lfsr of width {width} lies in 1..2**{width}-1 (0 never leaves 0), "
                f"got {one!r}"
            )
    return seeds if many else seed


def checked_order(order):
    """The order in capitals."""
    if sorted(str(order).upper()) != sorted(AXES):
        raise FormatError(f"order of an lfsr is a permutation of {AXES}, got {order!r}")
    return str(order).upper()
