"""PyTorch's files (.pth, .pt, .th), of both generations, without PyTorch and without its trust.

    zip       since 1.6: NAME/data.pkl describes the tensors, NAME/data/KEY holds a storage
    legacy    before: five pickles (magic number, protocol, system, tensors, keys of the storages),
              then for each key a count (8 bytes) and that many elements
"""

import zipfile

import numpy as np

from ..npy import archive_size
from .torch_tensors import KNOWN, arrays_of, storage_of, views_in
from .unpickle import Refused, Unpickler
from .widen import stored_dtype

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_HEAD = b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little")
PROTOCOL = 1001


def read_zip(archive, size):
    """The tensors of a file of the zip generation.

    archive : ZipFile; size : bytes of the whole file.
    """
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise ValueError(f"{len(names)} members called data.pkl")
    folder = names[0].removesuffix("data.pkl")
    order = folder + "byteorder"
    if order in archive.namelist() and _member(archive, order) != b"little":
        raise Refused("it was written on a big-endian machine")

    def elements(storage):
        content = _member(archive, f"{folder}data/{storage.key}")
        if len(content) != storage.size:
            raise ValueError(f"storage {storage.key} has {len(content)} bytes, not {storage.size}")
        return np.frombuffer(content, stored_dtype(storage.type.kind))

    with archive.open(_checked(archive, names[0])) as stream:
        found = Unpickler(KNOWN, storage_of).load(stream)
    return arrays_of(views_in(found, size), elements)


def _checked(archive, name):
    """Refuse a compressed member: PyTorch stores, and what is stored cannot grow."""
    info = archive.getinfo(name)
    if max(info.file_size, info.compress_size) > archive_size(archive):
        raise ValueError(f"{name} claims more than the file holds")
    if info.compress_type != zipfile.ZIP_STORED:
        raise Refused(f"its member {name} is compressed")
    return info


def _member(archive, name):
    return archive.read(_checked(archive, name))


def read_legacy(stream, size):
    """The tensors of a file of the legacy generation.

    stream : binary, at its start; it must not read past `size` bytes, those of the whole file.
    """
    magic, protocol, system = (Unpickler().load(stream) for _ in range(3))
    if magic != LEGACY_MAGIC or protocol != PROTOCOL:
        raise ValueError("another magic number or protocol")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Refused("it was written on a big-endian machine")
    known = {}

    def storage(identity):
        found = storage_of(identity)
        if known.setdefault(found.key, found) != found:
            raise ValueError("a storage of two kinds")
        return found

    views = views_in(Unpickler(KNOWN, storage).load(stream), size)
    keys = Unpickler().load(stream)
    places = _places(stream, keys, known, size)

    def elements(storage):
        stream.seek(places[storage.key])
        return np.frombuffer(stream.read(storage.size), stored_dtype(storage.type.kind))

    return arrays_of(views, elements)


def _places(stream, keys, known, size):
    """Where the elements of each storage lie, by key."""
    places = {}
    for key in keys:
        if not isinstance(key, str):
            raise ValueError("a key that is no text")       # tuples in tuples hash for ever
        count = int.from_bytes(stream.read(8), "little")
        places[key] = stream.tell()
        if count != known[key].count or places[key] + known[key].size > size:
            raise ValueError(f"storage {key} claims more than the file holds")
        stream.seek(places[key] + known[key].size)
    return places
