"""NumPy archives: a zip file of .npy members. Nothing in them is unpickled."""

from ..npy import npy_members, read_member
from .widen import WIDTHS, to_fp32


def read(archive):
    """{name: fp32 array} of every float member of a ZipFile; the rest is left out."""
    arrays = {}
    for name, info in npy_members(archive).items():
        array = read_member(archive, info, lambda dtype: dtype.kind == "f" and dtype.name in WIDTHS)
        if array is not None:
            arrays[name] = to_fp32(array, array.dtype.name)
    return arrays
