"""Writes packs (`pack.py` has the format) so that a broken one never replaces a good one.

HDF5 lays the file out first; images are then written straight to their place in
`NAME.partial`, with a note of how far they are in `NAME.partial.json`. A run that was stopped
at any moment goes on from there. The finished file is read back, its sums are written, it is
flushed to the disk and renamed.
"""

import contextlib
import hashlib
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np

from . import pack
from .source import BadData

BLOCK = 1 << 23          # bytes of images read and written at a time
SAVE_EVERY = 1 << 27     # bytes between two notes of progress
GZIP_CHUNK = 500         # images of a chunk in a compressed pack


def write_pack(path, source, provenance, compress=False, report=None, threads=1):
    """Write a Source as a pack.

    Parameters
    ----------
    path : the pack; its folder is made. An older pack there is replaced at the very end.
    source : Source
    provenance : str; where the data came from, kept in the pack.
    compress : bool; gzip, for a small pack that is shipped. Such a run does not resume.
    report : called as report(images done, images in all).
    threads : for reading (pictures are decoded side by side).

    Returns
    -------
    Path of the pack.
    """
    path = Path(path)
    if path.is_dir() or (path.exists() and not pack.is_pack(path)):
        raise BadData(f"{path}: exists and is no pack; move it away or name another file")
    partial = path.with_name(path.name + ".partial")
    progress = path.with_name(path.name + ".partial.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(progress, path):
            writer = _write_compressed if compress else _write_placed
            writer(partial, progress, source, provenance, report or _silent, threads)
            _write_sums(partial)
            pack.open_pack(partial, whole_limit=0)
            _flush(partial)
            os.replace(partial, path)
            progress.unlink()
        _flush(path.parent)
    except OSError as error:
        raise BadData(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def _silent(done, total):
    pass


@contextlib.contextmanager
def _locked(progress, path):
    """Hold the note of progress; two runs at once would write into one file."""
    try:
        import fcntl
    except ImportError:   # not on this system: no lock
        progress.touch()
        yield
        return
    with open(progress, "a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadData(f"{path}: another run is writing it; wait for it to end") from None
        yield


def _splits(source):
    return (("train", source.train), ("test", source.test))


def _fingerprint(source, provenance):
    """What a partial file must have been made from to be gone on with."""
    digest = hashlib.sha256()
    facts = [pack.VERSION, _texts(source, provenance), source.classes, source.shape]
    digest.update(json.dumps(facts).encode())
    for _, split in _splits(source):
        digest.update(np.ascontiguousarray(split.labels, "<i8").data)
        digest.update("\n".join(getattr(split, "names", ())).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _texts(source, provenance):
    texts = {name: getattr(source, name, "") for name in pack.TEXTS}
    return texts | {"source": provenance}


def _skeleton(file, source, provenance, compress):
    """Everything but the images."""
    file.attrs["format"], file.attrs["version"] = pack.FORMAT, pack.VERSION
    for name, text in _texts(source, provenance).items():
        file.attrs[name] = text
    file.attrs["is_sample"] = source.is_sample
    classes = json.dumps(list(source.classes), ensure_ascii=False).encode("utf-8", "replace")
    _with_sum(file.create_dataset("classes", data=np.frombuffer(classes, np.uint8)))
    for name, split in _splits(source):
        group = file.create_group(name)
        labels = split.labels.astype("<u2" if split.labels.max() >= 256 else "u1")
        _with_sum(group.create_dataset("labels", data=labels))
        shape = (len(split), *split.shape)
        if compress:
            chunk = (min(GZIP_CHUNK, len(split)), *split.shape)
            group.create_dataset("images", shape, "u1", chunks=chunk, compression="gzip",
                                 compression_opts=9)
        else:
            _place(group, shape)
        group["images"].attrs["sha256"] = "0" * 64


def _with_sum(stored):
    stored.attrs["sha256"] = hashlib.sha256(stored[...].data).hexdigest()


def _place(group, shape):
    """Reserve the place of an images array now, unwritten."""
    import h5py

    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    h5py.h5d.create(group.id, b"images", h5py.h5t.STD_U8LE, h5py.h5s.create_simple(shape), plist)


def _write_compressed(partial, progress, source, provenance, report, threads):
    import h5py

    total, done = len(source.train) + len(source.test), 0
    with h5py.File(partial, "w") as file:
        _skeleton(file, source, provenance, compress=True)
        for name, split in _splits(source):
            for start in range(0, len(split), GZIP_CHUNK):
                block = split.read(range(start, min(start + GZIP_CHUNK, len(split))), threads)
                file[name]["images"][start:start + len(block)] = block
                done += len(block)
                report(done, total)


def _write_placed(partial, progress, source, provenance, report, threads):
    import h5py

    fingerprint = _fingerprint(source, provenance)
    done = _resumable(partial, progress, fingerprint)
    if done == 0:
        needed = sum(len(s) * math.prod(s.shape) for _, s in _splits(source))
        partial.unlink(missing_ok=True)
        _check_room(partial, needed)
        with h5py.File(partial, "w") as file:
            _skeleton(file, source, provenance, compress=False)
        _flush(partial)
    with h5py.File(partial, "r") as file:
        offsets = {name: file[name]["images"].id.get_offset() for name, _ in _splits(source)}
    with open(partial, "r+b", buffering=0) as stream:
        _copy(stream, progress, source, offsets, done, fingerprint, report, threads)


def _copy(stream, progress, source, offsets, done, fingerprint, report, threads):
    """Write images `done` and later (counted over both splits) to their places."""
    size = math.prod(source.shape)
    step = max(1, BLOCK // size)
    total, unsaved, first = len(source.train) + len(source.test), 0, 0
    report(done, total)
    for name, split in _splits(source):
        for start in range(max(0, done - first), len(split), step):
            block = split.read(range(start, min(start + step, len(split))), threads)
            stream.seek(offsets[name] + start * size)
            _write_all(stream, block)
            unsaved += block.nbytes
            if unsaved >= SAVE_EVERY:
                os.fsync(stream.fileno())
                _save(progress, fingerprint, first + start + len(block))
                unsaved = 0
            report(first + start + len(block), total)
        first += len(split)
    os.fsync(stream.fileno())
    _save(progress, fingerprint, total)


def _write_all(stream, block):
    rest = memoryview(np.ascontiguousarray(block)).cast("B")
    while len(rest):
        rest = rest[stream.write(rest):]


def _check_room(partial, needed):
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise BadData(f"{partial.parent}: the pack needs {needed} bytes, only {free} are free")


def _resumable(partial, progress, fingerprint):
    """Images that an earlier run has written for good; 0 when it has to start anew."""
    try:
        note = json.loads(progress.read_text())
        fits = note["fingerprint"] == fingerprint and pack.is_pack(partial)
        return int(note["done"]) if fits else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _save(progress, fingerprint, done):
    # In place: the file is also the lock. A torn note is no note, see _resumable.
    with open(progress, "r+") as stream:
        stream.write(json.dumps({"fingerprint": fingerprint, "done": done}))
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())


def _write_sums(partial):
    import h5py

    with h5py.File(partial, "r+") as file:
        for name in ("train", "test"):
            stored, digest = file[name]["images"], hashlib.sha256()
            for block in pack.blocks(stored):
                digest.update(block)
            stored.attrs["sha256"] = digest.hexdigest()


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
