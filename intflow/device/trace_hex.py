"""A trace as a folder of $readmemh text: a file a tensor, and the attributes in manifest.json.

`step/000000/conv2d_1/output.hex` holds one value a line in logical order; bits and shape are in
the manifest. A dump may come without a manifest: then the trace says how to read it.
"""

from math import prod
from pathlib import Path

from ..errors import TraceError
from .manifest import Manifest, read_manifest
from .readmemh import read_hex, write_hex

MANIFEST = "manifest.json"
MAX_AXES = 32


class HexWriter(Manifest):
    """Writes into the folder `draft`; see `trace_files.create`."""

    def __init__(self, draft):
        super().__init__()
        self.folder = Path(draft)
        self.folder.mkdir()

    def store(self, name, codes, bits):
        path = self.folder / f"{name}.hex"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            write_hex(file, codes, bits)

    def close(self):
        (self.folder / MANIFEST).write_text(self.to_json() + "\n", encoding="utf-8")


class HexReader:
    """Reads what `HexWriter` or a simulator's $writememh wrote."""

    def __init__(self, path):
        self.folder = Path(path)
        manifest = self.folder / MANIFEST
        text = manifest.read_text(encoding="utf-8") if manifest.exists() else "{}"
        self.attributes, self.groups, stated = read_manifest(text)
        names = [p.relative_to(self.folder).with_suffix("").as_posix()
                 for p in sorted(self.folder.rglob("*.hex"))]
        self.tensors = {name: stated.get(name, {}) for name in names}

    def read(self, name, like):
        """The array of a tensor; what the folder does not state is taken from `like`."""
        stated = {**like, **self.tensors[name]}
        path, shape = self.folder / f"{name}.hex", tuple(stated["shape"])
        if not _makes_sense(stated["bits"], stated["signed"], shape):
            raise TraceError(f"{path}: bits {stated['bits']!r}, signed {stated['signed']!r} and "
                             f"shape {shape} make no sense; a value has 1 to 64 bits")
        codes = read_hex(path.read_bytes(), stated["bits"], stated["signed"], path)
        if codes.size != prod(shape):
            raise TraceError(f"{path} holds {codes.size} values, its shape {shape} takes "
                             f"{prod(shape)}; write one value a line")
        return codes.reshape(shape)

    def close(self):
        pass


def _makes_sense(bits, signed, shape):
    """Whether a manifest states a width that $readmemh text can have, and sizes."""
    sizes = len(shape) <= MAX_AXES and all(type(n) is int and n >= 0 for n in shape)
    return sizes and type(bits) is int and 1 <= bits <= 64 and isinstance(signed, (bool, int))
