"""HDF5 (Keras and others): every dataset of floats, by its path.

Links, external files and virtual data sets lead outside the file and are refused; a size that a
dataset claims is compared with what the file stores of it before memory is asked for.
"""

from ..data.sources import module
from .widen import WIDTHS, to_fp32

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read(path, size):
    """{path in the file, joined by "/": fp32 array} of every float dataset."""
    import h5py

    arrays, checks = {}, module("hdf5")

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.dtype.name in WIDTHS:
            checks.check_stored(item, f"its dataset {name}", size)
            arrays[name] = to_fp32(item[()], item.dtype.name)

    with h5py.File(path, "r", locking=False) as file:
        checks.check_heaps(file, path)
        file.visititems(visit)
    return arrays
