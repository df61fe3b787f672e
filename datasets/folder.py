"""Folders of pictures: `train/<class>/*.jpg` with `val/` or `test/`, or `<class>/*.jpg`
alone, or a flat folder with `labels.csv`.

Pictures become u8 RGB squares of 256 pixels (`pixels.py`) each time they are read, so a folder
of any size can be used. Classes are numbered in the order of their sorted folder names
(ImageNet's own numbering), pictures are taken in the order of their sorted file names.

Where nothing says which pictures are for testing, every tenth of a class is (the 10th, the
20th, ...). Where no class has ten, all pictures serve for both, and the note says so.
"""

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np

from .pixels import SIDE, cover, decode, is_picture
from .source import BadData, Source

SPLIT_NAMES = {"train": ("train",), "test": ("val", "test", "valid", "validation")}
LABELS = "labels.csv"
EVERY = 10
MAX_CLASSES = 1 << 16
FOLDER_LICENCE = "that of the pictures"


class FolderImages:
    """Pictures that are decoded when read: u8 (n, 3, 256, 256)."""

    in_memory = False
    shape = (3, SIDE, SIDE)

    def __init__(self, root, names, labels):
        self.root, self.names = Path(root), names
        self.labels = np.asarray(labels, np.int64)

    def __len__(self):
        return len(self.labels)

    def read(self, indices, threads=1):
        """The images of these indices, u8 (n, 3, 256, 256); `threads` decode side by side."""
        out = np.empty((len(indices), *self.shape), np.uint8)

        def fill(place):
            picture = decode(self.root / self.names[int(indices[place])])
            out[place] = cover(picture, self.shape[1:])

        if threads > 1 and len(out) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fill, range(len(out))))
        else:
            for place in range(len(out)):
                fill(place)
        return out


def found(folder):
    """True where a folder looks like one of the three kinds."""
    folder = Path(folder)
    if Path(folder, LABELS).is_file() or _split_folder(folder, "train"):
        return True
    return any(_pictures(child) for child in _subfolders(folder))


def read_folder(folder, known=None):
    """A folder of pictures as a Source. (`known` is for symmetry: nothing is published.)"""
    folder = Path(folder)
    name = folder.resolve().name
    if Path(folder, LABELS).is_file():
        classes, train, test, note = _from_table(folder)
    elif _split_folder(folder, "train"):
        classes, train, test, note = _from_splits(folder)
    else:
        classes, names, labels = _from_classes(folder, None)
        train, test, note = _divide(folder, names, labels)
    return Source(name, f"pictures in {name}", classes, "symmetric", FOLDER_LICENCE, str(folder),
                  train, test, note)


def _names(folder, wanted):
    """Sorted names of the entries of a folder that are `wanted`; hidden ones are left alone."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if not e.name.startswith(".") and wanted(e))
    except OSError as error:
        raise BadData(f"{folder}: cannot be listed ({error.strerror})") from None


def _subfolders(folder):
    return [Path(folder, name) for name in _names(folder, lambda entry: entry.is_dir())]


def _pictures(folder):
    return _names(folder, lambda entry: is_picture(entry.name) and entry.is_file())


def _split_folder(folder, split):
    for name in SPLIT_NAMES[split]:
        if Path(folder, name).is_dir():
            return Path(folder, name)
    return None


def _from_splits(folder):
    train_folder, test_folder = _split_folder(folder, "train"), _split_folder(folder, "test")
    if test_folder is None:
        raise BadData(f"{folder}: train/ has no val/ or test/ beside it")
    classes, names, labels = _from_classes(train_folder, None)
    _, test_names, test_labels = _from_classes(test_folder, classes)
    train = FolderImages(train_folder, names, labels)
    return classes, train, FolderImages(test_folder, test_names, test_labels), ""


def _from_classes(folder, classes):
    """(classes, relative names, labels) of `<class>/*`; `classes` when they are known already."""
    folders = _subfolders(folder)
    found_names = [f.name for f in folders]
    if classes is None:
        classes = tuple(found_names)
    strange = sorted(set(found_names) - set(classes))
    if strange:
        raise BadData(f"{folder}: class {strange[0]} is not among the classes of train/")
    if not folders:
        raise BadData(f"{folder}: zero images, no class folders in it")
    number = {name: i for i, name in enumerate(classes)}
    names, labels = [], []
    for child in folders:
        pictures = _pictures(child)
        if not pictures:
            raise BadData(f"{child}: zero images, yet every folder beside it should be a class")
        names += [f"{child.name}/{picture}" for picture in pictures]
        labels += [number[child.name]] * len(pictures)
    return classes, names, labels


def _divide(folder, names, labels):
    """Every tenth picture of a class for testing; see the module's header."""
    seen, is_test = {}, []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        is_test.append(seen[label] % EVERY == 0)
    if not any(is_test):
        everything = FolderImages(folder, names, labels)
        return everything, everything, "no class has ten pictures: the test images are the training images"
    parts = [
        FolderImages(folder, [n for n, t in zip(names, is_test) if t == wanted],
                     [n for n, t in zip(labels, is_test) if t == wanted])
        for wanted in (False, True)
    ]
    return *parts, "every tenth picture of a class is for testing"


def _from_table(folder):
    """A flat folder with a table: file, wnid, class index, name; a first line may name them."""
    names, labels, titles = [], [], {}
    for number, (name, label, title) in enumerate(_rows(Path(folder, LABELS)), 1):
        where = f"{Path(folder, LABELS)}: picture {number}"
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or "\\" in name or not name:
            raise BadData(f"{where}: {name!r} leads outside the folder")
        if not label.isascii() or not label.isdigit() or len(label) > 9 or int(label) >= MAX_CLASSES:
            raise BadData(f"{where}: class index {label!r} is not 0 to {MAX_CLASSES - 1}")
        if not Path(folder, name).is_file():
            raise BadData(f"{Path(folder, name)}: missing, {LABELS} lists it")
        names.append(name)
        labels.append(int(label))
        titles.setdefault(int(label), title or label)
    if not names:
        raise BadData(f"{Path(folder, LABELS)}: zero images, it lists none")
    classes = tuple(titles.get(i, str(i)) for i in range(max(labels) + 1))
    return classes, *_divide(folder, names, labels)


def _rows(path):
    """(file, class index as text, name) of each line."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadData(f"{path}: cannot be read as a table ({error})") from None
    columns = {"file": 0, "class_index": 2, "name": 3}
    if rows and not is_picture(rows[0][0]):
        header = [c.strip().lower().replace(" ", "_") for c in rows.pop(0)]
        columns = {name: header.index(name) for name in columns if name in header}
        if "file" not in columns or "class_index" not in columns:
            raise BadData(f"{path}: its first line must name the columns file and class_index")
    for number, row in enumerate(rows, 1):
        if len(row) <= max(columns["file"], columns["class_index"]):
            raise BadData(f"{path}: line {number} of the pictures has {len(row)} columns only")
        name_at = columns.get("name", len(row))
        title = row[name_at].strip() if name_at < len(row) else ""
        yield row[columns["file"]].strip(), row[columns["class_index"]].strip(), title
