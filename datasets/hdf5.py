"""HDF5 files of unknown origin: what is looked at before the library reads on.

The library trusts a file: it allocates what a header claims, follows links to other files, and
does not come back from a damaged heap. Nothing here allocates by a file's word.

    heap    "GCOL", version, 3 x 0, size of the whole (8 bytes); then objects: number (2 bytes, 0 is
            free space up to the end), references (2), 4 x 0, size (8), content up to a multiple of 8
"""

import math
import os

from .source import BadData

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_RATIO = 1032            # deflate's best
KNOWN_FILTERS = (1, 2, 3)   # deflate, shuffle, fletcher32
PIECE = 1 << 22             # bytes read at a time
HEAP, HEAD = b"GCOL", 16    # signature of a heap; bytes of its head, and of that of an object


def check_heaps(file, path):
    """Refuse a file in whose heaps the library would go round for ever.

    file : h5py.File, just opened; no attribute may have been read yet. path : where it lies.

    Raises
    ------
    BadData : an object of a heap that is larger than the heap, or free space without size.
    """
    size = os.path.getsize(path)
    with open(path, "rb", buffering=0) as stream:
        for start, stop in _gaps(_stored_ranges(file), size):
            for place in _places(stream, HEAP, start, stop):
                _check_heap(stream, place, size)


def _places(stream, wanted, start, stop):
    """Where these bytes begin between start and stop of a file of any size."""
    while start < stop:
        piece = os.pread(stream.fileno(), min(PIECE, stop - start), start)
        at = piece.find(wanted)
        while at >= 0:
            yield start + at
            at = piece.find(wanted, at + 1)
        start += max(1, len(piece) - len(wanted) + 1)


def _check_heap(stream, place, size):
    end = place + _number(stream, place + 8)
    if end > size:
        raise BadData("a heap reaches beyond the end of the file")
    place += HEAD
    while place + HEAD <= end:
        content = _number(stream, place + 8)
        if os.pread(stream.fileno(), 2, place) == b"\0\0":
            step = content          # free space, its own head included
        else:
            step = HEAD + content + -content % 8
        if step < HEAD or place + step > end:
            raise BadData("a heap holds an object of false size")
        place += step


def _number(stream, place):
    return int.from_bytes(os.pread(stream.fileno(), 8, place), "little")


def _stored_ranges(file):
    """(first byte, byte after the last) of everything that data sets store, which is no heap."""
    import h5py

    ranges = []

    def visit(name, item):
        if not isinstance(item, h5py.Dataset) or item.id.get_space_status() == 0:
            return
        if item.chunks:
            item.id.chunk_iter(lambda chunk: ranges.append(
                (chunk.byte_offset, chunk.byte_offset + chunk.size)))
        elif item.id.get_offset() is not None:
            ranges.append((item.id.get_offset(), item.id.get_offset() + item.id.get_storage_size()))

    file.visititems(visit)
    return sorted(ranges)


def _gaps(ranges, size):
    """What sorted ranges leave of 0 .. size."""
    at = 0
    for start, stop in ranges:
        if start > at:
            yield at, min(start, size)
        at = max(at, stop)
    if at < size:
        yield at, size


def check_stored(stored, name, size, filters=KNOWN_FILTERS):
    """Compare what a data set claims with the bytes that are really there.

    Parameters
    ----------
    stored : h5py.Dataset. name : for the message. size : bytes of the whole file.
    filters : numbers of the HDF5 filters that are let in.

    Raises
    ------
    BadData : it leads to another file, is compressed in another way, or claims too much.
    """
    if stored.is_virtual or stored.external:
        raise BadData(f"{name} leads outside the file")
    plist = stored.id.get_create_plist()
    used = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if not used <= set(filters):
        raise BadData(f"{name} is compressed in a way this program does not read")
    claimed = (0 if stored.shape is None else math.prod(stored.shape)) * stored.dtype.itemsize
    if not _is_there(stored, claimed, size, bool(used)):
        raise BadData(f"{name} claims {claimed} bytes, more than the file holds")


def _is_there(stored, claimed, size, packed):
    held = stored.id.get_storage_size()
    if held > size:
        return False
    if stored.chunks:
        chunks = math.prod(-(-n // c) for n, c in zip(stored.shape, stored.chunks))
        chunk = math.prod(stored.chunks) * stored.dtype.itemsize
        room = max(held, 1) * (MAX_RATIO if packed else 1)
        return stored.id.get_num_chunks() == chunks and (not claimed or max(claimed, chunk) <= room)
    offset = stored.id.get_offset()
    return held == claimed and (offset is None or offset + claimed <= size)
