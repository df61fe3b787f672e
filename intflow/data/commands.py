"""The work behind `intflow data`: list, info, fetch, prepare. Plain functions, no printing.

`report(what, done, total)` is called as the work goes on: bytes or images done of all.
"""

from pathlib import Path

from ..errors import DatasetError, UnknownNameError
from .catalogue import SAMPLE, TEXT, canonical, data_folders, find, open_dataset
from .sources import NAMES, as_dataset_errors, describe, module

TIMEOUT = 30   # seconds without a byte before the next mirror is tried


def list_rows(data_dir=None):
    """One dictionary a data set: name, title, images, classes, licence, where ("" if nowhere)."""
    return [_row(describe(name), data_dir) for name in NAMES]


def _row(known, data_dir):
    place = "shipped with intflow" if known.name == SAMPLE else find(known.name, data_dir)
    return {
        "name": known.name,
        "title": known.title,
        "image": "x".join(map(str, known.shape)),
        "classes": len(known.classes) or None,
        "licence": known.licence,
        "where": str(place or ""),
    }


def info(name_or_path, data_dir=None, report=None):
    """Facts about a data set, every checksum compared.

    A set that is known but not on disk gives its facts and where it can be had.
    """
    name = canonical(name_or_path)
    if name not in (None, SAMPLE) and find(name, data_dir) is None:
        return _absent(describe(name), data_dir)
    data = open_dataset(name_or_path, data_dir)
    checked = "file sizes, labels"
    if Path(data.origin).is_file():
        with as_dataset_errors():
            module("pack").check_images(data.origin, _named(report, data.name))
        checked = "SHA-256 of images and labels"
    elif name is not None and describe(name).files:
        checked = "published checksums"
    return {
        "name": data.name,
        "title": data.title,
        "licence": data.licence,
        "where": data.origin,
        "image": "x".join(map(str, data.shape)),
        "encoding": data.encoding,
        "train images": len(data.train),
        "test images": len(data.test),
        "classes": list(data.classes),
        "train images of a class": _counts(data.train, len(data.classes)),
        "test images of a class": _counts(data.test, len(data.classes)),
        "checked": checked,
        "note": data.note,
    }


def _absent(known, data_dir):
    looked = ", ".join(str(folder) for folder in data_folders(data_dir))
    urls = [url for download in known.downloads for url in download.urls[:1]]
    return _row(known, data_dir) | {
        "homepage": known.homepage,
        "files": urls,
        "note": f"not in {looked}",
    }


def _counts(split, classes):
    counts = [0] * classes
    for label in split.labels.tolist():
        counts[label] += 1
    return counts


def _named(report, what):
    return None if report is None else lambda done, total: report(what, done, total)


def _known(name):
    found = canonical(name)
    if found is None:
        raise UnknownNameError("data set", name, NAMES)
    return describe(found)


def prepare(name, folder, out=None, data_dir=None, report=None, threads=1):
    """Original files in `folder` to a pack; returns its path.

    The pack is `out`, or NAME.h5 in the first data folder. What an interrupted run has
    written is gone on with.
    """
    known = _known(name)
    if known.name == SAMPLE:
        raise DatasetError("the sample is shipped with intflow; there is nothing to prepare")
    out = Path(out) if out is not None else Path(data_folders(data_dir)[0], f"{known.name}.h5")
    with as_dataset_errors():
        return module("prepare").prepare(
            known, Path(folder).expanduser(), out.expanduser(), _named(report, out.name), threads
        )


def fetch(name, data_dir=None, report=None):
    """Download the original files of a set; returns the folder that holds them.

    A file that is there with the right checksum is not fetched again; one that was only
    half there is fetched anew.
    """
    known = _known(name)
    if not known.downloads:
        raise DatasetError(_no_download(known))
    folder = Path(data_folders(data_dir)[0], known.name).expanduser()
    with as_dataset_errors():
        folder.mkdir(parents=True, exist_ok=True)
        for download in known.downloads:
            _fetch_one(known, download, folder, report)
    return folder


def _no_download(known):
    if known.name == SAMPLE:
        return "the sample is shipped with intflow; there is nothing to fetch"
    if known.encoding == TEXT:
        files = ", ".join(file.name for file in known.files)
        return f"{known.title} is not downloaded; put {files} into a folder and name it with --data-dir"
    return (
        f"{known.title} cannot be fetched without an account at {known.homepage}; get the "
        f"pictures there and run `intflow data prepare {known.name} --from DIR`"
    )


def _fetch_one(known, download, folder, report):
    unpacked = Path(folder, known.folder)
    if download.members and all(Path(unpacked, Path(m).name).is_file() for m in download.members):
        return
    failures = []
    for url in download.urls:
        try:
            archive = _retrieve(url, download, folder, report)
            break
        except Exception as error:   # requests, urllib3, pooch and the system each raise their own
            failures.append(f"{url} ({_reason(error)})")
    else:
        raise DatasetError(
            f"could not fetch {' nor '.join(failures)}; fetch {download.name} elsewhere and "
            f"run `intflow data prepare {known.name} --from DIR`"
        )
    if download.members:
        unpacked.mkdir(exist_ok=True)
        module("prepare").extract(archive, download.members, unpacked)


def _retrieve(url, download, folder, report):
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    downloader = pooch.HTTPDownloader(
        timeout=TIMEOUT, progressbar=_Progress(download.name, report) if report else False
    )
    path = pooch.retrieve(url, f"md5:{download.md5}", fname=download.name, path=folder,
                          downloader=downloader)
    return Path(path)


def _reason(error):
    """The last cause in a chain of errors, short."""
    text = str(error)
    for known, short in (
        ("NameResolutionError", "its name cannot be resolved; is there a network?"),
        ("Max retries exceeded", "no connection"),
        ("timed out", "no answer"),
        ("hash of downloaded", "the file there has another checksum"),
    ):
        if known in text:
            return short
    return (text.splitlines() or [type(error).__name__])[0][:100]


class _Progress:
    """What pooch expects of a progress bar, handed on to `report`."""

    def __init__(self, name, report):
        self.name, self.report, self.total, self.done = name, report, 0, 0

    def update(self, count):
        self.done += count
        self.report(self.name, self.done, self.total)

    def reset(self):
        self.done = 0

    def close(self):
        """Nothing to close."""
