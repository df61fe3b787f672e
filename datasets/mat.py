"""MATLAB files of SVHN: `X` u8 32 x 32 x 3 x N (rows, columns, channels, images), `y` N x 1.

The digit zero has label 10 there and class 0 here.
"""

from pathlib import Path

import numpy as np

from .source import ArrayImages, BadData, Source, numbered, read_bytes

MAX_RATIO = 1032   # of zlib, which packs the variables of a .mat file


def found(folder):
    """True where a folder holds SVHN training digits."""
    return Path(folder, "train_32x32.mat").is_file()


def read_folder(folder, known=None):
    """train (with extra, where it lies beside it) and test digits of a folder as a Source."""
    train = [_read_file(Path(folder, "train_32x32.mat"), known)]
    if Path(folder, "extra_32x32.mat").is_file():
        train.append(_read_file(Path(folder, "extra_32x32.mat"), known))
    test = _read_file(Path(folder, "test_32x32.mat"), known)
    images = train[0][0] if len(train) == 1 else np.concatenate([i for i, _ in train])
    labels = np.concatenate([labels for _, labels in train])
    title = known.title if known else f"SVHN files in {Path(folder).resolve().name}"
    licence = known.licence if known else "unknown"
    note = "" if len(train) == 2 else "extra_32x32.mat is not there: training digits only"
    return Source("svhn", title, numbered(10), "symmetric", licence, str(folder),
                  ArrayImages(images, labels), ArrayImages(*test), note)


def _read_file(path, known):
    if not path.is_file():
        raise BadData(f"{path}: missing")
    content = read_bytes(path) if known is not None else None
    if known is not None:
        known.check(path, content)
    return read_mat(path)


def read_mat(path):
    """One file as (images u8 (N, 3, 32, 32), labels int64 (N,)).

    Raises
    ------
    BadData
        Where X or y is missing, of another shape, or claims more bytes than the file can hold.
    """
    import scipy.io

    try:
        claims = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}
        _check_claims(path, claims)
        held = scipy.io.loadmat(path, variable_names=["X", "y"])
    except BadData:
        raise
    except Exception as error:   # scipy raises a different kind for every damaged byte
        text = (str(error).splitlines() or [type(error).__name__])[0][:80]
        raise BadData(f"{path}: truncated or not a MATLAB file ({text})") from None
    images, labels = held["X"], np.asarray(held["y"]).reshape(-1)
    if images.dtype != np.uint8 or labels.dtype.kind not in "ui":
        raise BadData(f"{path}: X is {images.dtype}, y {labels.dtype}; expected unsigned bytes")
    labels = labels.astype(np.int64)
    if labels.size and (labels.min() < 1 or labels.max() > 10):
        bad = labels[(labels < 1) | (labels > 10)][0]
        raise BadData(f"{path}: label {bad} is out of range, SVHN has 1 to 10")
    images = images.reshape(32, 32, 3, -1)
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), labels % 10


def _check_claims(path, claims):
    for name in ("X", "y"):
        if name not in claims:
            raise BadData(f"{path}: no variable {name} in it; it is truncated or no SVHN file")
    (shape, kind), (label_shape, _) = claims["X"], claims["y"]
    if len(shape) == 3:
        shape = (*shape, 1)    # MATLAB drops a last axis of one
    if len(shape) != 4 or tuple(shape[:3]) != (32, 32, 3) or kind != "uint8":
        raise BadData(f"{path}: X is {kind} {' x '.join(map(str, shape))}, expected "
                      f"uint8 32 x 32 x 3 x N")
    count = shape[3]
    if count == 0:
        raise BadData(f"{path}: zero images")
    if tuple(label_shape) not in ((count, 1), (1, count)):
        raise BadData(f"{path}: {count} images but labels of "
                      f"{' x '.join(map(str, label_shape))}")
    if 3072 * count > path.stat().st_size * MAX_RATIO:
        raise BadData(f"{path}: claims {count} images, more than its size can hold")
