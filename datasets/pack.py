"""One HDF5 file with a whole data set: the pack.

    /                   format = "image pack", version = 1, name, title, encoding, licence, source,
                        note, is_sample
    /classes            u8, the class names as JSON in UTF-8
    /train/images       u8 (N, C, H, W), or (N, H, W) for grey
    /train/labels       unsigned integers (N,)
    /test/images, /test/labels

Each of the five data sets has an attribute `sha256` over its bytes as stored (little-endian).
`/train` and `/test` hold nothing else. Images lie in one piece (HDF5 "contiguous"), so that
any image is one read at a known place of the file; a small pack may be compressed instead.

Reading trusts nothing: links, external files and virtual data sets are refused, and sizes
are compared with the space the file really has before memory is asked for. A pack with
at most `WHOLE_LIMIT` bytes of images (less where memory is short) is read whole, and its sums
are compared; a larger one is streamed, and `check_images` compares the sums when asked.
"""

import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np

from .hdf5 import SIGNATURE, check_heaps, check_stored
from .memory import available
from .source import ArrayImages, BadData, Source

FORMAT = "image pack"
VERSION = 1
WHOLE_LIMIT = 1 << 30
PIECE = 1 << 24
TEXTS = ("name", "title", "encoding", "licence", "source", "note")
ENCODINGS = ("unit", "symmetric")


def is_pack(path):
    """True where a file begins like HDF5."""
    try:
        with open(path, "rb") as stream:
            return stream.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def open_pack(path, whole_limit=None):
    """A pack as a Source.

    whole_limit : bytes of images that are read whole; WHOLE_LIMIT, or a quarter of the memory that
        is left where that is less. The images are the same, in memory or not.

    Raises
    ------
    BadData
        Truncated, altered, not a pack, or claiming what its size cannot hold.
    """
    import h5py

    if whole_limit is None:
        whole_limit = min(WHOLE_LIMIT, available() // 4)
    path = Path(path)
    if not path.is_file():
        raise BadData(f"{path}: no such file")
    if not is_pack(path):
        raise BadData(f"{path}: not a pack (HDF5) file; original files are named by their folder")
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _read_source(file, path, whole_limit)
    except BadData:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadData(f"{path}: truncated or damaged ({_first_line(error)})") from None


def _first_line(error):
    text = error.args[0] if error.args else type(error).__name__
    return (str(text).splitlines() or [type(error).__name__])[0][:120]


def _read_source(file, path, whole_limit):
    _check_heaps(file, path)
    if _text(file, "format", path) != FORMAT:
        raise BadData(f"{path}: an HDF5 file but not a pack; make one with prepare")
    version = file.attrs.get("version")
    if version != VERSION:
        raise BadData(f"{path}: pack version {version}, this program reads {VERSION}")
    texts = {name: _text(file, name, path) for name in TEXTS}
    if texts["encoding"] not in ENCODINGS:
        raise BadData(f"{path}: encoding {texts['encoding'][:20]!r}, expected one of {ENCODINGS}")
    classes = _classes(file, path)
    arrays = {
        split: (_dataset(file, f"{split}/images", path, (3, 4)),
                _dataset(file, f"{split}/labels", path, (1,)))
        for split in ("train", "test")
    }
    whole = sum(math.prod(images.shape) for images, _ in arrays.values()) <= whole_limit
    splits = {s: _split(path, *pair, whole) for s, pair in arrays.items()}
    return Source(texts["name"], texts["title"], classes, texts["encoding"], texts["licence"],
                  str(path), **splits, note=texts["note"],
                  is_sample=bool(file.attrs.get("is_sample", False)))


def _check_heaps(file, path):
    try:
        check_heaps(file, path)
    except BadData as error:
        raise BadData(f"{path}: truncated or damaged ({error})") from None


def _text(file, name, path):
    value = file.attrs.get(name)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise BadData(f"{path}: no text attribute {name!r}; it is not a pack or is damaged")
    return value


def _classes(file, path):
    stored = _dataset(file, "classes", path, (1,))
    text = _load(stored, path).tobytes()
    try:
        classes = json.loads(text)
    except (ValueError, RecursionError):
        raise BadData(f"{path}: its class names are damaged") from None
    if not isinstance(classes, list) or not classes or not all(
        isinstance(name, str) for name in classes
    ):
        raise BadData(f"{path}: its class names are no list of names")
    return tuple(classes)


def _dataset(file, name, path, ndims):
    """An array of the file after every check that needs no reading."""
    import h5py

    group = file
    for part in name.split("/"):
        if not isinstance(group, h5py.Group) or part not in group:
            raise BadData(f"{path}: {name} is missing")
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise BadData(f"{path}: {name} leads outside the file")
        group = group[part]
    stored = group
    if not isinstance(stored, h5py.Dataset):
        raise BadData(f"{path}: {name} is not an array")
    if stored.dtype.kind != "u" or (stored.dtype.itemsize > 1 and not name.endswith("labels")):
        raise BadData(f"{path}: {name} holds {stored.dtype}, expected unsigned bytes")
    if stored.shape is None or len(stored.shape) not in ndims:
        raise BadData(f"{path}: {name} has shape {stored.shape}, expected {ndims[-1]} axes")
    if stored.shape[0] == 0:
        what = "zero images" if name != "classes" else "no classes"
        raise BadData(f"{path}: {what} ({name} has shape {stored.shape})")
    if 0 in stored.shape:
        raise BadData(f"{path}: {name} has shape {stored.shape}, images without pixels")
    try:
        check_stored(stored, name, path.stat().st_size)
    except BadData as error:
        raise BadData(f"{path}: {error}; it is truncated or damaged") from None
    return stored


def _load(stored, path):
    """A small array whole, its sum compared."""
    array = stored[...]
    _compare(stored, hashlib.sha256(_little(array)).hexdigest(), path)
    return array


def _little(array):
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data


def _compare(stored, found, path):
    expected = stored.attrs.get("sha256")
    expected = expected.decode("latin-1") if isinstance(expected, bytes) else expected
    if expected != found:
        raise BadData(
            f"{path}: altered, {stored.name} does not have the SHA-256 written beside it; "
            f"prepare or fetch it again"
        )


def _split(path, images, labels, whole):
    if len(images) != len(labels):
        raise BadData(f"{path}: {len(images)} images but {len(labels)} labels in {images.parent.name}")
    values = _load(labels, path)
    if int(values.max()) >= 1 << 32:
        raise BadData(f"{path}: label {int(values.max())} is out of range")
    values = values.astype(np.int64)
    shape = images.shape[1:] if images.ndim == 4 else (1, *images.shape[1:])
    if whole:
        return ArrayImages(_load(images, path).reshape(-1, *shape), values)
    if images.chunks is None:
        return PlacedImages(path, images.id.get_offset(), shape, values)
    return ChunkedImages(path, images.name, shape, values)


class PlacedImages:
    """Images that lie in one piece of a file and are read from their place when asked for."""

    in_memory = False

    def __init__(self, path, offset, shape, labels):
        self.path, self.offset, self.shape, self.labels = Path(path), offset, shape, labels
        self.file = None

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """The images of these indices, u8 (n, C, H, W); reads in the order of the file."""
        if self.file is None:
            self.file = open(self.path, "rb", buffering=0)
        indices = np.asarray(indices, np.int64)
        out = np.empty((len(indices), *self.shape), np.uint8)
        size = math.prod(self.shape)
        for place in np.argsort(indices, kind="stable").tolist():
            self._fill(memoryview(out[place]).cast("B"), self.offset + int(indices[place]) * size)
        return out

    def _fill(self, target, position):
        while len(target):
            got = os.preadv(self.file.fileno(), [target], position)
            if got == 0:
                raise BadData(f"{self.path}: ended while it was read; it was cut or replaced")
            target, position = target[got:], position + got


class ChunkedImages:
    """Images of a large compressed pack: correct, and slow where chunks hold many images."""

    in_memory = False

    def __init__(self, path, name, shape, labels):
        self.path, self.name, self.shape, self.labels = Path(path), name, shape, labels
        self.file = None

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """The images of these indices, u8 (n, C, H, W); reads in the order of the file."""
        import h5py

        indices = np.asarray(indices, np.int64)
        out = np.empty((len(indices), *self.shape), np.uint8)
        try:
            self.file = self.file or h5py.File(self.path, "r", locking=False)
            stored = self.file[self.name]
            for place in np.argsort(indices, kind="stable").tolist():
                out[place] = stored[int(indices[place])]
        except (OSError, RuntimeError, KeyError) as error:
            raise BadData(f"{self.path}: damaged ({_first_line(error)})") from None
        return out


def check_images(path, report=None):
    """Read a whole pack, whatever its size, and compare every sum.

    Parameters
    ----------
    report : called as report(bytes done, bytes in all).
    """
    import h5py

    open_pack(path, whole_limit=0)
    try:
        with h5py.File(path, "r", locking=False) as file:
            arrays = [file["train/images"], file["test/images"]]
            total, done = sum(a.nbytes for a in arrays), 0
            for stored in arrays:
                digest = hashlib.sha256()
                for block in blocks(stored):
                    digest.update(block)
                    done += len(block)
                    if report:
                        report(done, total)
                _compare(stored, digest.hexdigest(), path)
    except BadData:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise BadData(f"{path}: damaged ({_first_line(error)})") from None


def blocks(stored):
    """The bytes of an array in pieces of whole chunks."""
    per_image = math.prod(stored.shape[1:])
    step = max(1, PIECE // per_image)
    if stored.chunks:
        step = -(-step // stored.chunks[0]) * stored.chunks[0]
    for start in range(0, len(stored), step):
        yield np.ascontiguousarray(stored[start:start + step]).reshape(-1).data
