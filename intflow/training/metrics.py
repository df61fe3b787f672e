"""metrics.jsonl: one line an epoch."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from ..errors import CheckpointError
from .checkpoint import sync_folder
from .counters import Counters, report


def append_line(path, record):
    """Append a record and flush it to the disk.

    Raises
    ------
    CheckpointError : where it cannot be written.
    """
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}; free space and resume")


def keep_epochs(path, epochs):
    """Drop lines beyond `epochs` epochs, and a torn last line: what a resumed run will write anew."""
    path = Path(path)
    if path.exists():
        write_whole(path, "".join(line + "\n" for line in kept_lines(path, epochs)))


def kept_lines(path, epochs):
    """The whole lines of the first `epochs` epochs, as text; none where there is no file.

    Raises
    ------
    CheckpointError : where it cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; check it, and resume")
    return [line for line in text.splitlines() if _is_of(line, epochs)]


def _is_of(line, epochs):
    try:
        return json.loads(line)["epoch"] <= epochs
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def lines_sum(path, epochs):
    """SHA-256 of `kept_lines`: what a checkpoint says of the metrics that were written before it."""
    return hashlib.sha256("\n".join(kept_lines(path, epochs)).encode()).hexdigest()


def write_whole(path, text):
    """Exchange a small text file: whole at any moment, and durable.

    Raises
    ------
    CheckpointError : where it cannot be written; the file before is untouched.
    """
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CheckpointError(f"cannot write {path}: {error.strerror}; free space, or make its "
                              "folder writable, and resume")


def read_lines(path):
    """All whole records."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_counters(path):
    """The Counters of all epochs of a run; steps is 0 where none were counted.

    Raises
    ------
    CheckpointError : for lines that are not what a run writes.
    """
    counters = Counters()
    if not Path(path).exists():
        return counters
    try:
        for record in read_lines(path):
            counters.add(record.get("counters", {}))
        report({"steps": counters.steps, "layers": counters.layers})     # touches every count
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not what a run writes: {error}; resume the run, which "
                              "rewrites its last lines")
    return counters
