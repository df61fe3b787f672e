"""`python -m intflow.datasets.mnist.prepare --from DIR --out FILE`: original files to a pack.

Every `prepare.py` ends in `main(SET)` of this file; `prepare` is the work without the words.
"""

import argparse
import sys
import tarfile
import tempfile
from pathlib import Path

from .pack_writer import write_pack
from .source import TEXT, BadData


def prepare(known, folder, out, report=None, threads=1):
    """Turn the original files of a DataSet in `folder` into the pack `out`; returns its path.

    Files may lie flat, in the folder that the original archive makes, or still in the archive.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadData(f"{folder}: no such folder")
    if known.encoding == TEXT:
        raise BadData(f"{known.title} is read as it is, without a pack; name the folder of its files "
                      "with --data-dir")
    inner = locate(known, folder)
    if inner is not None:
        source = known.read(inner, known)
        return write_pack(out, source, known.homepage, report=report, threads=threads)
    for download in known.downloads:
        if download.members and Path(folder, download.name).is_file():
            with tempfile.TemporaryDirectory() as unpacked:
                extract(Path(folder, download.name), download.members, unpacked)
                source = known.read(locate(known, unpacked), known)
                return write_pack(out, source, known.homepage, report=report, threads=threads)
    wanted = ", ".join(d.name for d in known.downloads) or known.homepage
    raise BadData(f"{folder}: no files of {known.title} here; expected {wanted}")


def locate(known, folder):
    """The folder, or a folder in it, that holds the original files of a set; or None."""
    for candidate in (Path(folder), Path(folder, known.folder), Path(folder, known.name)):
        if candidate.is_dir() and known.found(candidate):
            return candidate
    return None


def extract(archive, members, folder):
    """Take exactly these members out of a tar file, flat, into a folder.

    Nothing else in the archive is looked at: no path of it is used, no link followed.
    """
    wanted = {str(name): Path(folder, Path(name).name) for name in members}
    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                if entry.name in wanted and entry.isfile():
                    _copy_member(tar.extractfile(entry), wanted.pop(entry.name))
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise BadData(f"{archive}: truncated or damaged archive ({error})") from None
    if wanted:
        raise BadData(f"{archive}: {sorted(wanted)[0]} is not in it")


def _copy_member(stream, target):
    partial = target.with_name(target.name + ".partial")
    with open(partial, "wb") as out:
        while piece := stream.read(1 << 22):
            out.write(piece)
    partial.replace(target)


def main(known):
    """Command line of one `prepare.py`."""
    parser = argparse.ArgumentParser(description=f"{known.title}: original files to a pack")
    parser.add_argument("--from", dest="folder", required=True, metavar="DIR")
    parser.add_argument("--out", default=f"{known.name}.h5", metavar="FILE")
    arguments = parser.parse_args()
    try:
        print(prepare(known, arguments.folder, arguments.out))
    except BadData as error:
        sys.exit(f"Error: {error}")
