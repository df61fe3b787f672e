"""Traces on disk: an HDF5 file, an .npz file, or a folder of $readmemh text, with the same names.

    step/000000                    attributes lr, random
    step/000000/images             u8 codes; so are labels, and error (of the loss, wide)
    step/000000/conv2d_1           attributes index, kind, kernel_size, stride, ...
    step/000000/conv2d_1/output    integer codes in logical order; attributes bits, frac_bits (or
                                   step, "p/q"), signed, axes, order

`order` counts the tensors of a step in the order in which they are computed.
"""

import os
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from ..errors import TraceError, UsageError
from .trace_hdf5 import Hdf5Reader, Hdf5Writer
from .trace_hex import HexReader, HexWriter
from .trace_npz import NpzReader, NpzWriter

WRITERS = {".h5": Hdf5Writer, ".hdf5": Hdf5Writer, ".npz": NpzWriter, "": HexWriter}
BROKEN = (OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError,
          MemoryError, EOFError, zipfile.BadZipFile, zlib.error)


def check_new(path):
    """Refuse what `create` would refuse, before any work is done; returns the Path."""
    path = Path(path)
    if path.suffix not in WRITERS:
        raise UsageError(f"{path} ends in {path.suffix}; a trace ends in .h5 or .npz, or is a "
                         "folder without ending for $readmemh text")
    if path.exists():
        raise UsageError(
            f"{path} exists and is not overwritten; remove it or choose another --out")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent} for {path.name}; make it first")
    return path


@contextmanager
def create(path):
    """A writer with `group(name, attributes)` and `tensor(name, codes, attributes)`.

    The trace is written beside its name and renamed when it is whole; an error leaves nothing.

    Raises
    ------
    UsageError : where `path` exists or its ending says no form.
    TraceError : where it cannot be written.
    """
    path = check_new(path)
    draft = path.with_name(f".{path.name}.tmp")
    _remove(draft)
    try:
        writer = WRITERS[path.suffix](draft)
        try:
            yield writer
        finally:
            writer.close()
        os.rename(draft, path)
    except OSError as error:
        raise TraceError(f"cannot write {path}: {error.strerror or error}; free space or choose "
                         "another --out")
    finally:
        _remove(draft)


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class TraceFile:
    """A trace or a dump that is read; its form is told by its content. Use it in a `with`.

    Attributes
    ----------
    attributes : dict; of the whole trace.
    groups : {name: attributes}
    tensors : {name: attributes}; with `shape` where the file knows it.

    Raises
    ------
    TraceError : one line, for what is missing, broken or no trace.
    """

    def __init__(self, path):
        self.path = Path(path)
        with self._guarded():
            self.reader = _reader(self.path)(self.path)
        self.attributes, self.groups = self.reader.attributes, self.reader.groups
        self.tensors = self.reader.tensors

    def read(self, name, like=()):
        """The integers of a tensor; `like` are attributes for a file that states none itself."""
        with self._guarded():
            codes = self.reader.read(name, dict(like))
        if codes.dtype.kind not in "iu":
            raise TraceError(f"{self.path}: {name} holds {codes.dtype}; a trace holds "
                             "integers only")
        return codes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()

    @contextmanager
    def _guarded(self):
        try:
            yield
        except BROKEN as error:
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise TraceError(f"{self.path} is not a readable trace: {what}; write it again")


def _reader(path):
    import h5py

    if not path.exists():
        raise TraceError(f"there is no trace {path}; write one with intflow trace")
    if path.is_dir():
        return HexReader
    if h5py.is_hdf5(path):
        return Hdf5Reader
    if zipfile.is_zipfile(path):
        return NpzReader
    raise TraceError(f"{path} is neither HDF5 nor .npz nor a folder of .hex files; write it with "
                     "intflow trace")
