"""CIFAR-10 and CIFAR-100 as published: binary records, or Python batches.

A binary record is its label bytes (CIFAR-10: class; CIFAR-100: coarse, fine), then 3,072
pixel bytes: the R, G and B planes of 32 x 32, rows first. A Python batch is a pickled
dictionary; it is read by `python_batch.py`, which runs no code.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .python_batch import read_batch
from .source import ArrayImages, BadData, Source, read_bytes

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
CLASSES_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
              "truck")
CLASSES_100 = tuple("""
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
    crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
    keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse
    mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
    porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
    snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television
    tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
""".split())


@dataclass(frozen=True)
class Layout:
    """One published form: which files, and how their labels are found."""

    name: str
    classes: tuple
    train: tuple
    test: tuple
    label_bytes: int = 0      # binary: bytes before the pixels; the last one is the class
    label_key: str = ""       # Python batches: key of the class list


_FIVE = tuple(f"data_batch_{i}" for i in range(1, 6))
LAYOUTS = (
    Layout("cifar10", CLASSES_10, tuple(f"{n}.bin" for n in _FIVE), ("test_batch.bin",), 1),
    Layout("cifar10", CLASSES_10, _FIVE, ("test_batch",), label_key="labels"),
    Layout("cifar100", CLASSES_100, ("train.bin",), ("test.bin",), 2),
    Layout("cifar100", CLASSES_100, ("train",), ("test",), label_key="fine_labels"),
)


def layout_of(folder, name=None):
    """The Layout whose training files (any of them) lie in a folder, or None."""
    for layout in LAYOUTS:
        named = name is None or layout.name == name
        if named and any(Path(folder, n).is_file() for n in layout.train):
            return layout
    return None


def found(folder):
    """True where a folder holds CIFAR files."""
    return layout_of(folder) is not None


def read_folder(folder, known=None):
    """A folder of CIFAR files as a Source; `known` is the DataSet they must be."""
    layout = layout_of(folder, known and known.name)
    if layout is None:
        raise BadData(f"{folder}: no CIFAR batches in this folder")
    splits = {}
    for split, names in (("train", layout.train), ("test", layout.test)):
        missing = [n for n in names if not Path(folder, n).is_file()]
        if missing:
            raise BadData(f"{folder}: {', '.join(missing)} missing beside the other batches")
        parts = [_read_file(Path(folder, n), layout, known) for n in names]
        images = np.concatenate([pixels for pixels, _ in parts]).reshape(-1, *SHAPE)
        splits[split] = ArrayImages(images, np.concatenate([labels for _, labels in parts]))
    title = known.title if known else f"CIFAR files in {Path(folder).resolve().name}"
    licence = known.licence if known else "unknown"
    return Source(layout.name, title, layout.classes, "symmetric", licence, str(folder), **splits)


def _read_file(path, layout, known):
    content = read_bytes(path)
    if known is not None:
        known.check(path, content)
    if layout.label_bytes:
        return read_records(content, layout.label_bytes, path)
    return _from_batch(read_batch(content, path), layout.label_key, path)


def read_records(content, label_bytes, path):
    """Binary records as (pixels u8 (N, 3072), labels u8 (N,)), views of `content`."""
    record = label_bytes + PIXELS
    if len(content) == 0 or len(content) % record:
        raise BadData(
            f"{path}: {len(content)} bytes are not whole records of {record}; it is truncated or "
            f"no CIFAR file"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    return records[:, label_bytes:], records[:, label_bytes - 1]


def _from_batch(batch, key, path):
    images, labels = batch.get("data"), batch.get(key)
    if not isinstance(images, np.ndarray) or images.ndim != 2 or images.shape[1] != PIXELS:
        raise BadData(f"{path}: no 'data' of N x {PIXELS} unsigned bytes in it")
    if not isinstance(labels, list) or not all(type(n) is int and 0 <= n < 256 for n in labels):
        raise BadData(f"{path}: no list '{key}' of small integers in it")
    if len(labels) != len(images):
        raise BadData(f"{path}: {len(images)} images but {len(labels)} labels")
    return images, np.array(labels, np.int64)
