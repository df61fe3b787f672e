"""HDF5 files that are whole and lie: attributes, types, sizes and links that nobody expects."""

import h5py
import numpy as np

BIG = 1 << 60
VALUES = (b"bytes", "text", "", -1, 2**63, 0.5, float("nan"), True, "1e999999999", np.arange(3), "{" * 3000,
          "\n\x1b[31m", "\ud7ff", np.zeros((0,), "u1"), h5py.Empty("f4"), np.void(b"opaque"))
KINDS = ("u1", "i1", "<i8", ">i4", "f2", "f8", "c8", "S5", "V7", "?", h5py.string_dtype(),
         h5py.vlen_dtype(np.int32), h5py.ref_dtype, np.dtype([("a", "u1"), ("b", "f8")]),
         np.dtype(("i4", (3,))), h5py.enum_dtype({"x": 0}))
SHAPES = ((), (0,), (1,), (3, 0), (2,) * 9, (1,) * 32, (5, 1, 6, 6))


def edited(random, content):
    """A file in memory after a few edits by the library itself; returns its bytes."""
    with _open(f"fuzz-{random.getrandbits(64):x}", content) as file:
        for _ in range(random.choice((1, 1, 2, 3))):
            try:
                random.choice(EDITS)(file, random)
            except (ValueError, TypeError, OSError, LookupError, RuntimeError, MemoryError):
                pass                    # not every type has a value of every kind
        file.flush()
        return file.id.get_file_image()


def _open(name, content):
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(content)
    return h5py.File(h5py.h5f.open(name.encode(), h5py.h5f.ACC_RDWR, access))


def names(file):
    found = [""]
    file.visit(found.append)
    return found


def set_attribute(file, random):
    item = file[random.choice(names(file)) or "/"]
    known = list(item.attrs)
    name = random.choice(known) if known and random.random() < 0.8 else "surplus"
    item.attrs[name] = random.choice(VALUES)


def drop_attribute(file, random):
    item = file[random.choice(names(file)) or "/"]
    if len(item.attrs):
        del item.attrs[random.choice(list(item.attrs))]


def drop_item(file, random):
    _take(file, random)


def _take(file, random):
    """The name of an item that has just been removed."""
    name = random.choice(names(file)[1:])
    del file[name]
    return name


def other_type(file, random):
    file.create_dataset(_take(file, random), random.choice(SHAPES), random.choice(KINDS))


def too_large(file, random):
    """2**60 elements that nobody wrote."""
    shape = random.choice(((BIG,), (BIG, 4), (2**20, 2**20, 2**20), (5, 1, 2**30, 2**30)))
    chunks = random.choice((None, True, (1 << 10,) + (1,) * (len(shape) - 1)))
    kind = random.choice(("u1", "i1", "f4"))
    options = {"compression": "gzip"} if chunks and random.random() < 0.3 else {}
    file.create_dataset(_take(file, random), shape, kind, chunks=chunks, **options)


def bomb(file, random):
    """Zeros that deflate makes a thousand times smaller."""
    side = random.choice((64, 512))
    file.create_dataset(_take(file, random), data=np.zeros((side, 1, side, 8), "u1"), compression="gzip")


def other_shape(file, random):
    name = random.choice(names(file)[1:])
    item = file[name]
    if isinstance(item, h5py.Dataset) and 0 < (item.size or 0) < 1 << 20:
        data = np.asarray(item[()]).reshape(-1)
        del file[name]
        file.create_dataset(name, data=data[:random.choice((1, 2, len(data)))])


def link(file, random):
    file[_take(file, random)] = random.choice((
        h5py.SoftLink("/"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("/etc/passwd", "/")))


def elsewhere(file, random):
    name = _take(file, random)
    if random.random() < 0.5:
        file.create_dataset(name, (20, 1, 6, 6), "u1", external=[("/etc/passwd", 0, 720)])
        return
    layout = h5py.VirtualLayout((20, 1, 6, 6), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (20, 1, 6, 6))
    file.create_virtual_dataset(name, layout)


def group(file, random):
    file.create_group(_take(file, random))


EDITS = (set_attribute, set_attribute, drop_attribute, drop_item, other_type, other_type, too_large,
         bomb, other_shape, link, elsewhere, group)
