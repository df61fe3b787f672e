"""Checkpoints: whole or refused.

A file is HDF5 behind a 512-byte user block whose text carries the SHA-256 of all that follows. It is
written beside its name, flushed to the disk, and renamed, so that at any moment the name holds a
whole checkpoint. Nothing in it is ever executed.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from ..data.sources import module
from ..errors import CheckpointError
from ..formats import format_name

BLOCK = 512
MAGIC = b"intflow checkpoint 1\nsha256 "


def write_checkpoint(path, attributes, parameters):
    """Write atomically.

    attributes : {name: str or int}
    parameters : list of Parameter; codes are stored in logical order.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.tmp")      # one name: the next write clears up a killed one
    try:
        content = _image(attributes, parameters)
        head = MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n"
        with open(draft, "wb") as file:
            file.write(head.ljust(BLOCK, b"\0"))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; free space, or make its folder "
            "writable, and resume (the checkpoint before is untouched)"
        )
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _image(attributes, parameters):
    """The bytes of the HDF5 file, behind where its user block will be.

    It is made in memory, because the library does not survive a disk that fills up.
    """
    import h5py

    with h5py.File("image", "w", driver="core", backing_store=False, userblock_size=BLOCK,
                   libver="v110") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        group = file.create_group("parameters", track_order=True)
        for parameter in parameters:
            data = group.create_dataset(parameter.name, data=parameter.master.logical())
            data.attrs["format"] = format_name(parameter.master.format)
            data.attrs["axes"] = parameter.master.logical_axes
            for name, codes in parameter.state.items():
                file.create_dataset(f"state/{parameter.name}/{name}", data=codes)
        file.flush()
        return file.id.get_file_image()


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
            module("hdf5").check_heaps(file, path)
            size = path.stat().st_size
            attributes = {name: _plain(value) for name, value in file.attrs.items()}
            weights = {name: (_codes(data, size), _text(data.attrs["format"]))
                       for name, data in file["parameters"].items()}
            state = {name: {key: _codes(data, size) for key, data in group.items()}
                     for name, group in file.get("state", {}).items()}
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError,
            MemoryError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}; use another one")
    return attributes, weights, state


def _plain(value):
    """An attribute: text or an integer."""
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, (str, int)):
        raise ValueError(f"an attribute is {type(value).__name__}, expected text or an integer")
    return value


def _text(value):
    if not isinstance(value, str):
        raise ValueError(f"a format is {type(value).__name__}, expected text")
    return value


def _codes(data, size):
    """The integers of a data set, once its claims fit the bytes of the file."""
    module("hdf5").check_stored(data, data.name, size, filters=())
    if data.dtype.kind not in "iu":
        raise ValueError(f"{data.name} holds {data.dtype}, expected integers")
    return data[()]


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
    if stored != digest or head[len(MAGIC) + 64:] != b"\n".ljust(BLOCK - len(MAGIC) - 64, b"\0"):
        raise CheckpointError(
            f"{path} is torn or altered: its SHA-256 is {digest[:12]}..., the file says "
            f"{stored[:12]}...; use another checkpoint of the run"
        )


def sync_folder(folder):
    """Make a rename in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
