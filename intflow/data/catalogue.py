"""From a name or a path to an open data set.

A name is looked for in the data folders, in this order: the `data_dir` argument, the
environment's INTFLOW_DATA, the user's cache folder. In each, first the pack `NAME.h5`, then the
original files in a folder called NAME, in the folder the original archive makes, or flat.
A path is a pack, a text (`.txt`), or a folder that its content makes known. Any other name is one of these in a
data folder: NAME.h5, a folder NAME, or the data folder itself where that is its name.
"""

import os
from pathlib import Path

from ..errors import DatasetError, UnknownNameError
from .dataset import Dataset
from .sources import NAMES, as_dataset_errors, describe, module

SAMPLE = "sample"
TEXT, TEXT_SUFFIX = "tokens", ".txt"    # encoding of a text, and what its file is known by
FOLDER_KINDS = ("idx", "cifar", "mat", "folder")   # the order in which a folder is tried
GUESTS = ("imagenet_folder",)                      # any pictures: only in a folder of its name


def cache_folder():
    """Where downloads go when nothing else is said."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root, "intflow")


def data_folders(data_dir=None):
    """The data folders, first looked in first."""
    folders = [data_dir, os.environ.get("INTFLOW_DATA") or None, cache_folder()]
    return [Path(folder).expanduser() for folder in folders if folder is not None]


def canonical(name):
    """A known name in its one spelling, or None."""
    plain = str(name).lower().replace("-", "_")
    return plain if plain in NAMES else None


def open_dataset(name_or_path=None, data_dir=None, text=None):
    """Open a data set.

    Parameters
    ----------
    name_or_path : a name of `intflow data list`, a pack, or a folder of original files or
        pictures, by its path or by its name in a data folder. None is the shipped sample.
    data_dir : the first folder to look for a name in.
    text : how a text is read, see `reading`; None for the words of it.

    Returns
    -------
    Dataset

    Raises
    ------
    UnknownNameError
        No such name, and nothing of that name on disk.
    DatasetError
        Not there, truncated, altered, of the wrong kind or shape; zero images; labels
        out of range.
    """
    asked = SAMPLE if name_or_path is None else name_or_path
    if data_dir is not None and not Path(data_dir).expanduser().is_dir():
        raise DatasetError(f"{data_dir}: no such data folder; name one that exists")
    name = canonical(asked)
    with as_dataset_errors():
        if name == SAMPLE:
            return Dataset.of(describe(SAMPLE).read(None))
        if name is not None:
            return Dataset.of(_open_name(name, data_dir, text or reading()))
        return Dataset.of(_open_path(_own_name(asked, data_dir) or asked, text or reading()))


def reading(unit="words", most=0, vocabulary=None):
    """How a text becomes tokens: `text.Reading` of intflow.datasets, which says more.

    unit : "words" or "characters". most : largest vocabulary, 0 for all. vocabulary : a given one.
    """
    return module("text").Reading(unit, most, vocabulary)


def _own_name(asked, data_dir):
    """Where a set of the user's own lies in the data folders, by its plain name; or None."""
    if Path(asked).exists() or len(Path(asked).parts) != 1:
        return None
    for folder in data_folders(data_dir):
        for place in (Path(folder, f"{asked}.h5"), Path(folder, asked)):
            if place.exists():
                return place
        if folder.resolve().name == str(asked) and folder.is_dir():
            return folder
    return None


def find(name, data_dir=None):
    """Where a named set lies: a pack file, a folder of original files, or None."""
    known = describe(name)
    for folder in data_folders(data_dir):
        pack = Path(folder, f"{name}.h5")
        if pack.is_file():
            return pack
        inner = _original_files(known, folder)
        if inner is not None:
            return inner
    return None


def _original_files(known, folder):
    """The folder with the original files of a set, in or below a data folder; or None."""
    hyphen = known.name.replace("_", "-")
    own = [Path(folder, known.name), Path(folder, hyphen)]
    candidates = [inner for o in own for inner in (o, Path(o, known.folder))]
    if known.name not in GUESTS:
        candidates += [Path(folder, known.folder), Path(folder)]
    for candidate in candidates:
        if candidate.is_dir() and known.found(candidate):
            return candidate
    return None


def _open_name(name, data_dir, text):
    place = find(name, data_dir)
    if place is None:
        looked = ", ".join(str(folder) for folder in data_folders(data_dir))
        if describe(name).encoding == TEXT:
            files = ", ".join(file.name for file in describe(name).files)
            raise DatasetError(f"{name} is not in {looked}; put {files} into a folder and name it with "
                               "--data-dir")
        fetch = f"run `intflow data fetch {name}`, or " if describe(name).downloads else ""
        raise DatasetError(
            f"{name} is not in {looked}; {fetch}run `intflow data prepare {name} --from DIR` "
            f"with the files you have"
        )
    if describe(name).encoding == TEXT:
        return describe(name).read(place, describe(name), text)
    if place.is_dir():
        return describe(name).read(place, describe(name))
    return module("pack").open_pack(place)


def _open_path(asked, text):
    path = Path(asked).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if path.exists() and path.suffix == TEXT_SUFFIX:
        return module("text").read_file(path, text)
    if path.exists():
        return module("pack").open_pack(path)
    looks_like_path = len(path.parts) > 1 or path.suffix
    if looks_like_path:
        raise DatasetError(f"{asked}: no such file or folder")
    raise UnknownNameError("data set", asked, NAMES)


def _open_folder(path):
    """A folder by its content, or by that of the one folder an archive unpacks to."""
    inner = [Path(path, describe(name).folder) for name in NAMES if describe(name).folder]
    inner += [Path(path, "cifar-10-batches-py"), Path(path, "cifar-100-python")]
    for candidate in (path, *inner):
        for kind in FOLDER_KINDS if candidate == path else ("cifar",):
            if candidate.is_dir() and module(kind).found(candidate):
                return module(kind).read_folder(candidate)
    raise DatasetError(
        f"{path}: no data set in this folder; expected IDX files, CIFAR batches, SVHN .mat files, "
        f"train/CLASS/*.jpg with val/ or test/, CLASS/*.jpg, or labels.csv beside pictures"
    )
