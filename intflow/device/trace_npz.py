"""A trace as one .npz file: an array a tensor, and the attributes as JSON in `manifest`."""

import zipfile

import numpy as np
from numpy.lib import format as npy

from .manifest import Manifest, read_manifest

MANIFEST = "manifest"


class NpzWriter(Manifest):
    """Writes to `draft`, an array at a time; see `trace_files.create`."""

    def __init__(self, draft):
        super().__init__()
        self.file = zipfile.ZipFile(draft, "w")

    def store(self, name, codes, bits):
        with self.file.open(f"{name}.npy", "w", force_zip64=True) as member:
            npy.write_array(member, codes, allow_pickle=False)

    def close(self):
        self.store(MANIFEST, np.array(self.to_json()), None)
        self.file.close()


class NpzReader:
    """Reads what `NpzWriter` or numpy.savez wrote; nothing in it is ever executed."""

    def __init__(self, path):
        self.file = zipfile.ZipFile(path)
        names = {n.removesuffix(".npy").strip("/"): n for n in self.file.namelist()
                 if n.endswith(".npy")}
        manifest = str(self._array(names.pop(MANIFEST))) if MANIFEST in names else "{}"
        self.attributes, self.groups, stated = read_manifest(manifest)
        self.members = names
        self.tensors = {name: {**stated.get(name, {}), "shape": self._shape(member)}
                        for name, member in names.items()}

    def read(self, name, like):
        """The array of a tensor."""
        return self._array(self.members[name])

    def close(self):
        self.file.close()

    def _array(self, member):
        with self.file.open(member) as file:
            return npy.read_array(file, allow_pickle=False)

    def _shape(self, member):
        with self.file.open(member) as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            return read(file)[0]
