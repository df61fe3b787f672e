"""Shift registers as lists of bits: the oracle of the tests of random sources."""


def shifted(bits, taps, form):
    """One shift of a list of bits, bit 0 first, in the words of the definition."""
    width, rest = len(bits), bits[1:] + [0]
    if form == "fibonacci":
        rest[-1] = sum(bits[width - t] for t in taps) % 2
        return rest
    return [b ^ 1 if bits[0] and i + 1 in taps else b for i, b in enumerate(rest)]


def states(lfsr, seed, count):
    """The states after 0, 1, ... shifts, as integers."""
    bits = [seed >> i & 1 for i in range(lfsr.width)]
    for _ in range(count):
        yield sum(b << i for i, b in enumerate(bits))
        bits = shifted(bits, lfsr.taps, lfsr.form)
