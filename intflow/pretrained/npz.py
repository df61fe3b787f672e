"""NumPy archives: a zip file of .npy members. Nothing in them is unpickled."""

import numpy as np

from .unpickle import Refused
from .widen import WIDTHS, to_fp32

MAX_RATIO = 1032            # deflate's best
SUFFIX = ".npy"


def read(archive, size):
    """{name: fp32 array} of every float member; the rest is left out.

    archive : ZipFile; size : bytes of the whole file.
    """
    members = [info for info in archive.infolist() if info.filename.endswith(SUFFIX)]
    if sum(info.compress_size for info in members) > size:
        raise ValueError("members that overlap")
    arrays = {}
    for info in members:
        array = _array(archive, info)
        if array is not None:
            arrays[info.filename.removesuffix(SUFFIX)] = array
    return arrays


def _array(archive, info):
    """One member, or None where it holds no floats."""
    if info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise ValueError(f"{info.filename} claims more than its bytes can hold")
    with archive.open(info) as stream:
        shape, fortran, dtype = _header(stream)
        if dtype.hasobject:
            raise Refused(f"{info.filename} holds Python objects, which are not loaded")
        if dtype.kind != "f" or dtype.name not in WIDTHS:
            return None
        content = stream.read()
    stored = np.frombuffer(content, dtype)
    # NumPy compares the count with the shape, so that a false header is an error here.
    stored = stored.reshape(shape, order="F" if fortran else "C")
    return to_fp32(stored, dtype.name)


def _header(stream):
    """(shape, whether in Fortran's order, dtype) of a .npy stream."""
    formats = np.lib.format
    version = formats.read_magic(stream)
    if version == (1, 0):
        return formats.read_array_header_1_0(stream)
    return formats.read_array_header_2_0(stream)
