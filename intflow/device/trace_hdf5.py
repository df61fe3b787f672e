"""A trace as one HDF5 file: groups, data sets and attributes under the names of the trace."""

import errno
import os
import shutil

import numpy as np

from ..data.sources import module

ROOM = 1 << 20          # bytes that stay free for what the library has not written yet


class Hdf5Writer:
    """Writes to `draft`; see `trace_files.create`."""

    def __init__(self, draft):
        import h5py

        self.folder = draft.parent
        self._check_room(0)
        self.file = h5py.File(draft, "w", libver="v110")

    def group(self, name, attributes):
        """Set attributes of a group ("" is the file itself)."""
        self.file.require_group(name or "/").attrs.update(attributes)

    def tensor(self, name, codes, attributes):
        """Write an integer array, contiguous and uncompressed, with its attributes."""
        self._check_room(codes.nbytes)
        self.file.create_dataset(name, data=codes).attrs.update(attributes)

    def _check_room(self, size):
        # The library does not survive a disk that fills up.
        if size + ROOM > shutil.disk_usage(self.folder).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self):
        self.file.close()


class Hdf5Reader:
    """Reads what `Hdf5Writer` or any other program wrote; links are not followed."""

    def __init__(self, path):
        import h5py

        self.checks, self.size = module("hdf5"), os.path.getsize(path)
        self.file = h5py.File(path, "r")
        self.checks.check_heaps(self.file, path)
        self.attributes = plain(self.file.attrs)
        self.groups, self.tensors = {}, {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                self.tensors[name] = {**plain(item.attrs), "shape": item.shape}
            else:
                self.groups[name] = plain(item.attrs)

        self.file.visititems(visit)

    def read(self, name, like):
        """The array of a tensor."""
        self.checks.check_stored(self.file[name], name, self.size)
        return np.asarray(self.file[name][()])

    def close(self):
        self.file.close()


def plain(attributes):
    """Attributes as Python values."""
    return {name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in attributes.items()}
