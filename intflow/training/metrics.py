"""metrics.jsonl: one line an epoch."""

import json
import os
from pathlib import Path

from ..errors import CheckpointError
from .counters import Counters, report


def append_line(path, record):
    """Append a record and flush it to the disk."""
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
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["epoch"] <= epochs:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text("".join(kept), encoding="utf-8")
    os.replace(draft, path)


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
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is not what a run writes: {error}; resume the run, which "
                              "rewrites its last lines")
    return counters
