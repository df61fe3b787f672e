"""HDF5 (Keras and others): every dataset of floats, by its path.

Links, external files and virtual data sets lead outside the file and are refused; a size that a
dataset claims is compared with what the file stores of it before memory is asked for.
"""

from math import prod

from .unpickle import Refused
from .widen import WIDTHS, to_fp32

SIGNATURE = b"\x89HDF\r\n\x1a\n"
KNOWN_FILTERS = (1, 2, 3)       # deflate, shuffle, fletcher32
MAX_RATIO = 1032                # deflate's best


def read(path, size):
    """{path in the file, joined by "/": fp32 array} of every float dataset."""
    import h5py

    arrays = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.dtype.name in WIDTHS:
            _check(name, item, size)
            arrays[name] = to_fp32(item[()], item.dtype.name)

    with h5py.File(path, "r", locking=False) as file:
        file.visititems(visit)
    return arrays


def _check(name, item, size):
    """Refuse a dataset whose numbers are elsewhere, or not there."""
    if item.is_virtual or item.external:
        raise Refused(f"its dataset {name} leads outside the file")
    plist = item.id.get_create_plist()
    filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if not filters <= set(KNOWN_FILTERS):
        raise Refused(f"its dataset {name} is compressed in an unknown way")
    held = item.id.get_storage_size()
    claimed = max(prod(item.shape), prod(item.chunks or (0,))) * item.dtype.itemsize
    if held > size or claimed > held * (MAX_RATIO if filters else 1):
        raise ValueError(f"{name} claims {claimed} bytes, the file holds {held} of it")
