"""An output folder that is there whole, or not at all."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ..errors import UsageError


@contextmanager
def new_folder(path):
    """A folder to write into, which takes the name `path` once the block has ended well.

    Raises
    ------
    UsageError : `path` is a file or a folder that is not empty, or cannot be made.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} exists and is not an empty folder; name another --out")
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
        try:
            yield draft
            draft.chmod(0o777 & ~current_umask())       # mkdtemp lets nobody else in
            os.replace(draft, path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}; check --out")


def current_umask():
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
