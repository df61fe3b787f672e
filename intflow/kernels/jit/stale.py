"""Compiled code of other sources is thrown away before it can be loaded.

Numba keeps compiled code until the file of its function changes; it does not see that a
function called from there, or the emitter of an intrinsic, changed in another file. So a mark
beside the code names the sources of the whole package, and code without it is forgotten.
"""

import hashlib
import os
from pathlib import Path

MARK = "intflow-sources.txt"
HERE = Path(__file__).parent


def forget_stale_code(folder=HERE):
    """Remove Numba's index files that do not belong to the sources in `folder`.

    A cache that cannot be written is left alone. Other processes may do the same at once: what
    is removed is only compiled again.
    """
    sources = sorted(folder.rglob("*.py"))
    fingerprint = _fingerprint(folder, sources)
    for package in sorted({source.parent for source in sources}):
        cache = _cache_folder(package)
        mark = cache.joinpath(MARK)
        try:
            if mark.is_file() and mark.read_text() == fingerprint:
                continue
            cache.mkdir(parents=True, exist_ok=True)
            for index in cache.glob("*.nbi"):
                index.unlink(missing_ok=True)
            mark.write_text(fingerprint)
        except OSError:
            continue


def _fingerprint(folder, sources):
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.relative_to(folder)}\0".encode() + source.read_bytes() + b"\0")
    return digest.hexdigest()


def _cache_folder(package):
    """Where Numba keeps the code of a package: its own choice, restated."""
    below = f"{package.name}_{hashlib.sha1(str(package.absolute()).encode()).hexdigest()}"
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen, below)
    if os.access(package, os.W_OK):
        return package.joinpath("__pycache__")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home().joinpath(".cache")
    return Path(home, "numba", below)
