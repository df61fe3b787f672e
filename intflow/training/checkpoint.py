"""Checkpoints: whole or refused.

A file is HDF5 behind a 512-byte user block whose text carries the SHA-256 of all that follows. It is
written beside its name, flushed to the disk, and renamed, so that at any moment the name holds a
whole checkpoint. Nothing in it is ever executed.
"""

import hashlib
import os
from pathlib import Path

from ..errors import CheckpointError
from ..formats import format_name

BLOCK = 512
MAGIC = b"intflow checkpoint 1\nsha256 "


def write_checkpoint(path, attributes, parameters):
    """Write atomically.

    attributes : {name: str or int}
    parameters : list of Parameter; codes are stored in logical order.
    """
    import h5py

    path = Path(path)
    draft = path.with_name(f".{path.name}.tmp")      # one name: the next write clears up a killed one
    try:
        with h5py.File(draft, "w", userblock_size=BLOCK, libver="v110") as file:
            for name, value in attributes.items():
                file.attrs[name] = value
            group = file.create_group("parameters", track_order=True)
            for parameter in parameters:
                data = group.create_dataset(parameter.name, data=parameter.master.logical())
                data.attrs["format"] = format_name(parameter.master.format)
                data.attrs["axes"] = parameter.master.logical_axes
                for name, codes in parameter.state.items():
                    file.create_dataset(f"state/{parameter.name}/{name}", data=codes)
        with open(draft, "r+b") as file:
            file.seek(BLOCK)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            file.write(MAGIC + digest.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another --out "
            "(the previous checkpoint is untouched)"
        )
    finally:
        draft.unlink(missing_ok=True)


def read_checkpoint(path):
    """(attributes, {name: (codes, format name)}, {name: {state: codes}}) of a whole checkpoint.

    Raises
    ------
    CheckpointError : missing, not a checkpoint, torn or altered.
    """
    path = Path(path)
    _verify(path)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            attributes = {k: v.item() if hasattr(v, "item") else v for k, v in file.attrs.items()}
            weights = {k: (d[()], d.attrs["format"]) for k, d in file["parameters"].items()}
            state = {k: {n: d[()] for n, d in g.items()} for k, g in file.get("state", {}).items()}
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}; use another one")
    return attributes, weights, state


def _verify(path):
    try:
        with open(path, "rb") as file:
            head = file.read(BLOCK)
            if not head.startswith(MAGIC):
                raise CheckpointError(
                    f"{path} is not an intflow checkpoint; name a run folder or its checkpoint.h5"
                )
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}; train first, or check the path")
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}; check the path")
    stored = head[len(MAGIC):len(MAGIC) + 64].decode("ascii", "replace")
    if stored != digest:
        raise CheckpointError(
            f"{path} is torn or altered: its SHA-256 is {digest[:12]}..., the file says "
            f"{stored[:12]}...; use best.h5 or an older copy"
        )


def sync_folder(folder):
    """Make a rename in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
