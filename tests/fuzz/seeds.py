"""Small whole files of every format, to be damaged."""

import functools
import gzip
import hashlib
import io
import struct
import tempfile
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
from data import makers
from pretrained import weight_files

import intflow
from intflow.device.trace import write_head
from intflow.device.trace_files import create
from intflow.training.checkpoint import BLOCK, MAGIC
from intflow.training.config import Config
from intflow.training.progress import Progress

SHAPE = (1, 4, 4)
IMAGES, LABELS = makers.images(2, *SHAPE), np.array([0, 2])
PICTURES = {"png": "RGB", "jpg": "RGB", "bmp": "RGB", "ppm": "RGB", "webp": "RGB"}
DEVICE = """name = "mine"
[accumulator]
bits = 24
overflow = "saturate"
check = "tile"
tile = 16
[gradient]
bits = 32
order = "NHW"
[rounding]
activation = "TRN"
[random]
kind = "lfsr"
width = 16
taps = [16, 15, 13, 4]
seed = 44257
lanes = 2
"""


def made(write, name):
    """The bytes of the file that write(path) makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()


def trainer():
    """A network that is built and stepped in no time; always the same one."""
    small = intflow.Trainer("mlp", "2888", width=Fraction(1, 64), input_shape=SHAPE, classes=3,
                            batch_size=2, threads=1, backend="portable")
    small.step(IMAGES, LABELS)
    return small


@functools.cache
def checkpoint():
    """A checkpoint as `load_checkpoint` takes it; `signed` makes its checksum right again."""
    config = Config("mlp", width="1/64", bits="2888", batch_size=2, loss="sse")
    texts = {"config": config.to_toml(), "class_names": "a\nb\nc", "input_shape": "1,4,4",
             "encoding": "symmetric", **Progress(epoch=1).to_attributes()}
    return made(lambda path: trainer().save(path, **texts), "c.h5")


def signed(content):
    """A checkpoint whose checksum is right, whatever is in it."""
    digest = hashlib.sha256(content[BLOCK:]).hexdigest().encode()
    return (MAGIC + digest + b"\n").ljust(BLOCK, b"\0") + content[BLOCK:]


@functools.cache
def trace(suffix):
    return made(write_trace, f"t{suffix}")


def write_trace(path):
    """Two tensors of one layer; a whole step would only make a case slow."""
    stated = {"bits": 8, "frac_bits": 7, "signed": True, "axes": "NC", "format": "Q0.7", "order": 0}
    with create(path) as file:
        file.group("step/000000", {"lr": "8", "random": "{}"})
        file.group("step/000000/linear_1", {"index": 0, "kind": "linear", "out_features": 3})
        for name in ("input", "output"):
            file.tensor(f"step/000000/linear_1/{name}", np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
                        stated)
        write_head(file, model="mlp", steps=1)


def idx(side=6):
    return makers.idx_bytes(makers.images(5, side, side))


def zipped(content):
    return gzip.compress(content, mtime=0)


@functools.cache
def python_batch():
    return makers.python2_batch(makers.images(2, makers.PIXELS), [1, 2], b"labels")


@functools.cache
def modern_batch():
    import pickle

    batch = {b"labels": [1, 2], b"data": makers.images(2, makers.PIXELS)}
    return pickle.dumps(batch, 4)


@functools.cache
def mat():
    return made(makers.write_mat, "m.mat")


@functools.cache
def plain_mat():
    """An SVHN file whose variables are not packed, so that damage reaches them."""
    import scipy.io

    variables = {"X": makers.images(2, 32, 32, 3).transpose(1, 2, 3, 0),
                 "y": np.array([[1], [10]], np.uint8)}
    return made(lambda path: scipy.io.savemat(path, variables), "m.mat")


@functools.cache
def pack(compress=False):
    return made(lambda path: makers.write_pack(path, 5, 3, compress=compress), "p.h5")


@functools.cache
def keras():
    return made(weight_files.write_hdf5, "w.h5")


@functools.cache
def picture(suffix):
    return made(lambda path: makers.write_picture(path, 9, 7, mode=PICTURES[suffix]), f"p.{suffix}")


def checked_png(content):
    """A PNG whose checksums are right wherever its chunks can still be found."""
    content, at = bytearray(content), 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at:at + 4], "big")
        end = at + 8 + size
        if end + 4 > len(content):
            break
        content[end:end + 4] = struct.pack(">I", zlib.crc32(content[at + 4:end]))
        at = end + 4
    return bytes(content)


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def archive(compression):
    """A function: bytes of a .npy file -> .npz archive with that member and a whole one."""
    def pack_up(content):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as file:
            file.writestr("conv.npy", content)
            file.writestr("b.npy", npy(np.ones(3, np.float32)))
        return out.getvalue()

    return pack_up


def torch_program(program):
    """A PyTorch archive around a damaged pickle."""
    content = {"0": bytes(216), "1": bytes(8), "2": bytes(4), "3": b""}
    return weight_files.zip_file(program, content)


def torch_pickle():
    return weight_files.dictionary(weight_files.described()[0])
