"""Damage to files: case number k of a reader is always the same bytes.

Everything follows from one `random.Random`, so that a finding is named by its reader and number.
"""

import re

HUGE = (2**60, 2**63 - 1, 2**64 - 1, 2**62 + 1, 2**48)
NUMBERS = (0, 1, 2, 3, 127, 128, 255, 256, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, *HUGE)
DIGITS = (b"0", b"-1", b"1152921504606846976", b"1e999999999", b"99999999999999999999", b"1/0", b"nan",
          b"-0.5", b"65537", b"4294967296")
DEEP = 100_000          # brackets in brackets, for readers that call themselves
LONGEST = 1 << 20       # bytes of a case


def damaged(random, seeds, tokens=()):
    """One of the seeds after a few changes.

    Parameters
    ----------
    random : random.Random
    seeds : whole files, bytes.
    tokens : words of the format, bytes, to be put where they do not belong.
    """
    content = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(CHANGES)(content, random, seeds, tokens)
    return bytes(content[:LONGEST])


def place(content, random):
    """An index at which to insert; the head, which holds the sizes, comes up often."""
    reach = len(content) if random.random() < 0.6 else min(len(content), 128)
    return random.randint(0, reach)


def flip(content, random, seeds, tokens):
    if content:
        content[min(place(content, random), len(content) - 1)] ^= 1 << random.randrange(8)


def overwrite(content, random, seeds, tokens):
    """A number that claims something: a size, an offset, a count."""
    width, order = random.choice((1, 2, 4, 4, 8, 8)), random.choice(("little", "big"))
    near = random.choice(NUMBERS + (len(content), len(content) + 1, len(content) - 1))
    at = place(content, random)
    content[at:at + width] = (near % (1 << 8 * width)).to_bytes(width, order)


def cut(content, random, seeds, tokens):
    del content[place(content, random):]


def drop(content, random, seeds, tokens):
    at = place(content, random)
    del content[at:at + random.choice((1, 2, 4, 8, 64, 512))]


def repeat(content, random, seeds, tokens):
    at, size = place(content, random), random.choice((1, 4, 16, 256))
    content[at:at] = content[at:at + size] * random.choice((1, 2, 30))


def noise(content, random, seeds, tokens):
    at = place(content, random)
    content[at:at + random.choice((0, 8))] = random.randbytes(random.choice((1, 4, 32)))


def splice(content, random, seeds, tokens):
    """The rest of another file of the same kind."""
    other = random.choice(seeds)
    content[place(content, random):] = other[place(other, random):]


def word(content, random, seeds, tokens):
    at = place(content, random)
    content[at:at] = random.choice(tokens or (b"\0",))


def deep(content, random, seeds, tokens):
    """An opening bracket, or another word, again and again."""
    if random.random() < 0.1:
        at = place(content, random)
        content[at:at] = random.choice((b"[", b"{", b'{"a":', b"(", *tokens)) * (
            DEEP // random.choice((1, 30)))


def number(content, random, seeds, tokens):
    """Another number in the place of one that is written in digits."""
    found = list(re.finditer(rb"\d+", bytes(content[:4096])))
    if found:
        match = random.choice(found)
        content[match.start():match.end()] = random.choice(DIGITS)


CHANGES = (flip, flip, overwrite, overwrite, cut, drop, repeat, noise, splice, word, deep, number,
           number)
