"""IDX, the format of MNIST and its relatives: a big-endian header, then unsigned bytes.

    00 00 08 D   u8 with D axes; then D sizes of four bytes each; then the bytes, last axis fastest.

A file may be gzip'd; its first two bytes say so, not its name.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from .source import ArrayImages, BadData, Source, existing, numbered

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
GZIP_MAX_RATIO = 1032   # deflate cannot shrink further, so a header claiming more is false
PIECE = 1 << 24


def found(folder):
    """True where a folder holds IDX training images."""
    name = NAMES["train"][0]
    return Path(folder, name).is_file() or Path(folder, name + ".gz").is_file()


def read_folder(folder, known=None):
    """The four IDX files of a folder as a Source; `known` is the DataSet they must be."""
    splits = {}
    for split, (images_name, labels_name) in NAMES.items():
        images = read_idx(existing(folder, images_name), 3, known)
        labels = read_idx(existing(folder, labels_name), 1, known)
        if len(images) != len(labels):
            raise BadData(f"{folder}: {len(images)} {split} images but {len(labels)} labels")
        splits[split] = ArrayImages(images[:, None], labels)
    if known is not None:
        return Source(known.name, known.title, known.classes, known.encoding, known.licence,
                      str(folder), **splits)
    count = 1 + max(int(s.labels.max(initial=0)) for s in splits.values())
    name = Path(folder).resolve().name
    return Source(name, f"IDX files in {name}", numbered(count), "unit", "unknown", str(folder),
                  **splits)


def read_idx(path, axes, known=None):
    """One IDX file of unsigned bytes with this number of axes.

    Parameters
    ----------
    path : the file, plain or gzip'd.
    axes : int; 3 for images (N, H, W), 1 for labels (N,).
    known : DataSet or None; when given, the content must have the published size and sum.

    Raises
    ------
    BadData
        Before anything is allocated when the header does not fit the file's size.
    """
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with (gzip.open(path, "rb") if zipped else open(path, "rb")) as stream:
            content = _read_content(stream, path, axes, size, zipped)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadData(f"{path}: truncated or damaged gzip file ({error})") from None
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror or error})") from None
    if known is not None:
        known.check(path, content)
    shape = _shape(content, path, axes)
    return content[4 + 4 * axes:].reshape(shape)


def _read_content(stream, path, axes, size, zipped):
    header = stream.read(4 + 4 * axes)
    shape = _shape(header, path, axes)
    claimed = len(header) + math.prod(shape)
    possible = size * GZIP_MAX_RATIO if zipped else size
    if claimed > possible or (not zipped and claimed != size):
        raise BadData(
            f"{path}: its header says {' x '.join(map(str, shape))}, {claimed} bytes in all, but "
            f"the file has {size}; it is truncated or damaged"
        )
    content = np.empty(claimed, np.uint8)
    content[:len(header)] = np.frombuffer(header, np.uint8)
    at = len(header)
    while at < claimed:
        piece = stream.read(min(PIECE, claimed - at))
        if not piece:
            raise BadData(f"{path}: truncated, {at} of {claimed} bytes are there")
        content[at:at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    if stream.read(1):     # also makes gzip compare its own checksum
        raise BadData(f"{path}: goes on after its {claimed} bytes; it is damaged")
    return content


def _shape(header, path, axes):
    header = bytes(header[:4 + 4 * axes])
    if len(header) < 4 or header[:2] != b"\0\0":
        raise BadData(f"{path}: not an IDX file (it begins with {header[:4].hex()})")
    if header[2] != 8 or header[3] != axes:
        raise BadData(
            f"{path}: IDX of type 0x{header[2]:02x} with {header[3]} axes, expected unsigned "
            f"bytes (0x08) with {axes}"
        )
    if len(header) < 4 + 4 * axes:
        raise BadData(f"{path}: truncated inside its header")
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4", axes, 4))
    if 0 in shape[1:]:
        raise BadData(f"{path}: images of {' x '.join(map(str, shape[1:]))} pixels")
    return shape
