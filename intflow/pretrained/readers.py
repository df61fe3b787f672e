"""Weights of a published network out of a file, whatever its format.

The format is known by the file's first bytes, not by its name. Files are distrusted: no pickle is
executed, no path in a file is followed, and a size that a header claims is compared with the
file's before memory is asked for.
"""

import zipfile
import zlib
from pathlib import Path

from ..errors import WeightsError
from . import hdf5, npz, onnx, pth, safetensors
from .unpickle import Refused

KINDS = "PyTorch (.pth, .pt, .th), .safetensors, .npz, HDF5 (.h5) or .onnx"
ZIP = b"PK\x03\x04"
HEAD = 16
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError,
          RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_weights(path):
    """The tensors of a file.

    Parameters
    ----------
    path : a file of PyTorch (both generations; a checkpoint's "state_dict" is found), safetensors,
        npz, HDF5 or ONNX.

    Returns
    -------
    {name: float32 array, C-contiguous}; fp16, bfloat16 and fp64 are widened or rounded to fp32.
    Integer tensors (counters of a training) are left out. Names are those of the file; in HDF5
    the path, joined by "/".

    Raises
    ------
    WeightsError : missing, truncated, damaged, of another kind, without tensors, or asking for
        something to be executed; the message names what it asked for.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; name a file of weights: {KINDS}")
    try:
        arrays = _read(path)
    except Refused as error:
        raise WeightsError(f"{path}: {error}; save the tensors alone, in .safetensors for one")
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or _line(error)})")
    except MemoryError:
        raise WeightsError(f"{path}: not enough memory to read it")
    except DAMAGE as error:
        raise WeightsError(f"{path}: truncated or damaged ({_line(error)}); get the file again")
    if not arrays:
        raise WeightsError(f"{path}: holds no tensors of floats; name a file of weights: {KINDS}")
    return arrays


def _line(error):
    text = str(error.args[0]) if error.args else type(error).__name__
    return (text.splitlines() or [type(error).__name__])[0][:100]


def _read(path):
    size = path.stat().st_size
    with open(path, "rb") as raw:
        head = raw.read(HEAD)
        raw.seek(0)
        stream = Bounded(raw, size)
        if head.startswith(ZIP):
            return _read_zip(raw, size)
        if head.startswith(hdf5.SIGNATURE):
            return hdf5.read(path, size)
        if head.startswith(pth.LEGACY_HEAD):
            return pth.read_legacy(stream, size)
        if safetensors.found(head, size):
            return safetensors.read(stream, size)
        if onnx.found(head):
            return onnx.read(stream.read(size))
    if head.startswith(b"\x80"):
        raise Refused("a Python pickle, which is not loaded")
    raise WeightsError(f"{path}: no known file of weights; expected {KINDS}")


def _read_zip(raw, size):
    with zipfile.ZipFile(raw) as archive:
        if any(name.endswith("/data.pkl") for name in archive.namelist()):
            return pth.read_zip(archive, size)
        return npz.read(archive)


class Bounded:
    """A binary stream that never asks for more than its file holds.

    A length in a damaged file would otherwise be allocated before it is found to be false.
    """

    def __init__(self, raw, size):
        self.raw, self.size = raw, size
        self.seek, self.tell, self.readline = raw.seek, raw.tell, raw.readline

    def read(self, count):
        """At most `count` bytes."""
        return self.raw.read(max(0, min(count, self.size - self.raw.tell())))
