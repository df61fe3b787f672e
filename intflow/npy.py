"""Members of .npz archives, whose sizes are compared with their bytes before memory is asked for.

A .npy file is a header (a dictionary written in Python, of which only literals are read) and then
the numbers. Python objects are never unpickled.
"""

import os
import tokenize
from math import prod

import numpy as np

MAX_RATIO = 1032            # deflate's best


def read_member(archive, info, wanted=lambda dtype: True):
    """The array of one member.

    Parameters
    ----------
    archive : ZipFile. info : ZipInfo of a .npy file in it.
    wanted : function (dtype) -> bool; another member's numbers are not read.

    Returns
    -------
    array, or None where it is not wanted.

    Raises
    ------
    ValueError : a damaged header, Python objects, or sizes that do not fit one another.
    """
    if info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise ValueError(f"{info.filename} claims more than its bytes can hold")
    with archive.open(info) as stream:
        shape, fortran, dtype = header(stream)
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds Python objects, which are not loaded")
        if not wanted(dtype):
            return None
        room = info.file_size - stream.tell()
        if prod(shape) * dtype.itemsize != room:
            raise ValueError(f"{info.filename} claims {prod(shape)} numbers, it has {room} bytes")
        content = stream.read()
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def header(stream):
    """(shape, whether in Fortran's order, dtype) of a .npy stream; ValueError where it is damaged."""
    formats = np.lib.format
    try:
        version = formats.read_magic(stream)
        if version == (1, 0):
            return formats.read_array_header_1_0(stream)
        return formats.read_array_header_2_0(stream)
    except (tokenize.TokenError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"a damaged header ({error})")


def npy_members(archive):
    """{name without .npy: ZipInfo}; ValueError where members overlap."""
    members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if sum(info.compress_size for info in members) > archive_size(archive):
        raise ValueError("members that overlap")
    return {info.filename.removesuffix(".npy"): info for info in members}


def archive_size(archive):
    """Bytes of the file that a ZipFile reads."""
    place = archive.fp.tell()
    size = archive.fp.seek(0, os.SEEK_END)
    archive.fp.seek(place)
    return size
