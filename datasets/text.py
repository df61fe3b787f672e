"""Plain text as a data set: tokens, a vocabulary, and the parts of the text.

A *token* is a word or a character. Words are what stands between white space, and the end of a line
is the word `<eos>`; so a file of one sentence a line needs no marks. Characters are all of the file;
those that cannot be printed, and the space, are named by their number: U+0020.

The vocabulary is that of the training part, the commonest first, equals in alphabetical order. `<unk>`
stands for what is not in it: it is there where the text has it, where the vocabulary is cut, or where
the other parts have tokens that the training part lacks.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .source import TEXT, BadData, read_bytes

END, UNKNOWN = "<eos>", "<unk>"
UNITS = ("words", "characters")
MOST_TOKENS = 1 << 20               # of a vocabulary: more is no text
LARGEST = 1 << 30                   # bytes
PARTS = ("train", "valid", "test")
SHARES = (18, 1, 1)                 # of 20: the parts of a single file, in its order


@dataclass(frozen=True)
class Reading:
    """How a text becomes tokens.

    unit : of UNITS. most : largest vocabulary, 0 for the whole. vocabulary : tuple of tokens that are
    given, in the place of the text's own; or None.
    """

    unit: str = "words"
    most: int = 0
    vocabulary: tuple = None


class Tokens:
    """One part of a text, s32 (N,). `labels` are the tokens after the first N - 1."""

    in_memory = True
    shape = (1,)

    def __init__(self, codes):
        self.tokens = codes
        self.labels = codes[1:].astype(np.int64)

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True)
class TextSource:
    """A text that has been opened; `classes` are the tokens of the vocabulary."""

    name: str
    title: str
    classes: tuple
    licence: str
    origin: str
    train: Tokens
    valid: Tokens
    test: Tokens
    note: str = ""
    encoding: str = TEXT
    is_sample: bool = False

    @property
    def shape(self):
        """Of one token."""
        return (1,)


def found(folder, names):
    """Whether a folder holds these files."""
    return all(Path(folder, name).is_file() for name in names)


def read_parts(folder, known, reading):
    """A TextSource of the files of a DataSet, in the order train, valid, test."""
    texts = []
    for file in known.files:
        path = Path(folder, file.name)
        content = read_bytes(path, LARGEST)
        known.check(path, content)
        texts.append(tokens_of(decoded(path, content), reading.unit))
    return source(known.name, known.title, known.licence, folder, texts, reading)


def read_file(path, reading):
    """A TextSource of one file: the first 90 % train, 5 % valid, the last 5 % test."""
    tokens = tokens_of(decoded(path, read_bytes(path, LARGEST)), reading.unit)
    ends = [len(tokens) * sum(SHARES[:n]) // sum(SHARES) for n in range(4)]
    texts = [tokens[start:stop] for start, stop in zip(ends, ends[1:])]
    return source("text", Path(path).name, "not known", path, texts, reading)


def decoded(path, content):
    """The text of a file; BadData where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: not UTF-8 text (byte {error.start}); name a plain text file") from None
    if "\0" in text:
        raise BadData(f"{path}: has a zero byte at character {text.index(chr(0))}, so it is no plain "
                      "text; name a plain text file")
    return text


def tokens_of(text, unit):
    """The tokens of a text, a list of strings.

    Examples
    --------
    "a b\\nc" in words: a, b, <eos>, c, <eos>; in characters: a, U+0020, b, U+000A, c.
    """
    if unit == "characters":
        names = {c: c if c.isprintable() and not c.isspace() else f"U+{ord(c):04X}" for c in set(text)}
        return [names[c] for c in text]
    lines = text.split("\n")
    lines = lines[:-1] if not lines[-1].strip() else lines
    return [word for line in lines for word in (*line.split(), END)]


def source(name, title, licence, origin, texts, reading):
    """The TextSource of the tokens of three parts."""
    for part, tokens in zip(PARTS, texts):
        if len(tokens) < 2:
            raise BadData(f"{origin}: {len(tokens)} {reading.unit} in its {part} part, and one is told "
                          "from the one before; use a longer text")
    classes = reading.vocabulary or vocabulary_of(texts, reading.most, origin)
    number = {token: i for i, token in enumerate(classes)}
    parts = [Tokens(encoded(tokens, number, origin)) for tokens in texts]
    note = f"a text of {len(texts[0]):,} {reading.unit}, {len(classes):,} different"
    return TextSource(name, title, tuple(classes), licence, str(origin), *parts, note=note)


def vocabulary_of(texts, most, origin):
    """The tokens of a vocabulary, commonest first; see the head of this file."""
    counts = Counter(texts[0])
    if len(counts) > MOST_TOKENS:
        raise BadData(f"{origin}: {len(counts):,} different tokens, more than {MOST_TOKENS:,}; is it a "
                      "text? --vocabulary N keeps the commonest")
    cut = 0 < most < len(counts)
    lacking = cut or any(token not in counts for text in texts[1:] for token in text)
    if lacking and UNKNOWN not in counts:
        counts[UNKNOWN] = 0
    order = sorted(counts, key=lambda token: (-counts[token], token))
    if not cut:
        return order
    kept = order[:most]
    return kept if UNKNOWN in kept else [*kept[:-1], UNKNOWN]


def encoded(tokens, number, origin):
    """Numbers of tokens, s32; BadData where a vocabulary lacks one and has no <unk>."""
    unknown = number.get(UNKNOWN)
    codes = [number.get(token, unknown) for token in tokens]
    if unknown is None and None in codes:
        raise BadData(f"{origin}: {tokens[codes.index(None)]!r} is not in the vocabulary, which has no "
                      f"{UNKNOWN}; use a text of the same kind")
    return np.array(codes, np.int32)
