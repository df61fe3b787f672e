"""What a data set is before anybody trains on it: u8 images, labels and where they came from.

Axes: N images, C channels, H rows, W columns. Pixels are unsigned bytes as published,
never scaled. Labels are class indices from 0.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np


TEXT = "tokens"         # encoding of what is no image


class BadData(ValueError):
    """A data file that cannot be used. One line: which file, what is wrong, what to do."""


@dataclass(frozen=True)
class File:
    """A file of the original distribution: bytes and MD5 of its (decompressed) content.

    The sums are those that the publishers and the usual libraries give; they find damage,
    not malice. What is not known is 0 or "" and not checked.
    """

    name: str
    bytes: int = 0
    md5: str = ""


@dataclass(frozen=True)
class Download:
    """A file to fetch: mirrors in order, MD5 of the download, members to take from a tar."""

    name: str
    urls: tuple
    md5: str
    members: tuple = ()


@dataclass(frozen=True)
class DataSet:
    """The facts of a data set, one of these in every `prepare.py`.

    `encoding` is how its authors' networks see a byte: "unit" 0 .. 1, "symmetric" -1 .. 1; TEXT of a
    text, whose `read` takes a `text.Reading` as well.
    `folder` is the name under which the original archive unpacks ("" when flat).
    `read(folder, self)` gives a `Source`; `found(folder)` tells whether its files are there.
    """

    name: str
    title: str
    classes: tuple
    shape: tuple
    encoding: str
    licence: str
    homepage: str
    read: Callable
    found: Callable
    files: tuple = ()
    downloads: tuple = ()
    folder: str = ""

    def check(self, path, content):
        """Refuse content that is not the published file of this name."""
        known = {file.name: file for file in self.files}.get(plain_name(path))
        if known is None:
            return
        if known.bytes and len(content) != known.bytes:
            what = f"{len(content)} bytes where the published file has {known.bytes}"
        elif known.md5 and md5(content) != known.md5:
            what = "altered, its MD5 is not that of the published file"
        else:
            return
        raise BadData(
            f"{path}: not {self.title}: {what}; get the file again, or name its folder as a "
            f"path if it is meant to hold other data"
        )


def plain_name(path):
    """The file's name as published, without .gz."""
    name = Path(path).name
    return name[:-3] if name.endswith(".gz") else name


def md5(content):
    """MD5 in hexadecimal: a check against damage, not a signature."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class ArrayImages:
    """Images that lie in memory, u8 (N, C, H, W), with labels (N,)."""

    in_memory = True

    def __init__(self, images, labels):
        self.images, self.labels = images, np.asarray(labels, np.int64)
        self.shape = tuple(images.shape[1:])

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """The images of these indices, u8 (n, C, H, W), a copy."""
        return self.images[np.asarray(indices, np.int64)]


@dataclass(frozen=True)
class Source:
    """A data set that has been opened.

    `train` and `test` have `labels` (N,) int64, `shape` (C, H, W), `len()` and
    `read(indices, threads) -> u8 (n, C, H, W)`. `origin` says what was opened, `note` what
    a user should know (empty when all is as expected).
    """

    name: str
    title: str
    classes: tuple
    encoding: str
    licence: str
    origin: str
    train: object
    test: object
    note: str = ""
    is_sample: bool = False

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(map(one_line, self.classes)))
        for split in ("train", "test"):
            check_split(getattr(self, split), len(self.classes), f"{self.origin} ({split})")
        if self.train.shape != self.test.shape:
            raise BadData(
                f"{self.origin}: training images are {self.train.shape}, test images "
                f"{self.test.shape}; both must have one shape"
            )

    @property
    def shape(self):
        """(C, H, W) of an image."""
        return self.train.shape


def one_line(text):
    """A name as it can be printed and stored: no line breaks, no broken characters."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def check_split(split, classes, where):
    """Refuse a split without images or with labels outside [0, classes)."""
    if len(split) == 0:
        raise BadData(f"{where}: zero images")
    low, high = int(split.labels.min()), int(split.labels.max())
    if low < 0 or high >= classes:
        bad = low if low < 0 else high
        raise BadData(f"{where}: label {bad} is out of range, the classes are 0 to {classes - 1}")


def existing(folder, name):
    """`folder/name` or `folder/name.gz`; BadData that names the missing file otherwise."""
    for candidate in (Path(folder, name), Path(folder, name + ".gz")):
        if candidate.is_file():
            return candidate
    raise BadData(f"{Path(folder, name)}: missing, and no .gz of it either")


def read_bytes(path, limit=2**31):
    """A whole file, after looking at its size; BadData instead of OSError."""
    try:
        size = Path(path).stat().st_size
        if size > limit:
            raise BadData(f"{path}: {size} bytes, more than any file of this kind has")
        return Path(path).read_bytes()
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror})") from None


def numbered(count):
    """Names for classes that have none: "0", "1", ..."""
    return tuple(str(i) for i in range(count))
