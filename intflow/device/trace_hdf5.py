"""A trace as one HDF5 file: groups, data sets and attributes under the names of the trace."""

import numpy as np


class Hdf5Writer:
    """Writes to `draft`; see `trace_files.create`."""

    def __init__(self, draft):
        import h5py

        self.file = h5py.File(draft, "w", libver="v110")

    def group(self, name, attributes):
        """Set attributes of a group ("" is the file itself)."""
        self.file.require_group(name or "/").attrs.update(attributes)

    def tensor(self, name, codes, attributes):
        """Write an integer array, contiguous and uncompressed, with its attributes."""
        self.file.create_dataset(name, data=codes).attrs.update(attributes)

    def close(self):
        self.file.close()


class Hdf5Reader:
    """Reads what `Hdf5Writer` or any other program wrote; links are not followed."""

    def __init__(self, path):
        import h5py

        self.file = h5py.File(path, "r")
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
        return np.asarray(self.file[name][()])

    def close(self):
        self.file.close()


def plain(attributes):
    """Attributes as Python values."""
    return {name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in attributes.items()}
