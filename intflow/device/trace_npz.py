"""A trace as one .npz file: an array a tensor, and the attributes as JSON in `manifest`."""

import zipfile

import numpy as np
from numpy.lib import format as npy

from ..npy import header, npy_members, read_member
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
        names = {name.strip("/"): info for name, info in npy_members(self.file).items()}
        manifest = names.pop(MANIFEST, None)
        manifest = "{}" if manifest is None else str(read_member(self.file, manifest))
        self.attributes, self.groups, stated = read_manifest(manifest)
        self.members = names
        self.tensors = {name: {**stated.get(name, {}), "shape": self._shape(member)}
                        for name, member in names.items()}

    def read(self, name, like):
        """The array of a tensor."""
        return read_member(self.file, self.members[name])

    def close(self):
        self.file.close()

    def _shape(self, member):
        with self.file.open(member) as stream:
            return header(stream)[0]
