"""What the fuzzer found: each file once more, by a few bytes."""

import io
import struct
import zipfile

import h5py
import numpy as np
import pytest
from fuzz import seeds
from fuzz.hdf5 import BIG
from fuzz.readers import READERS

from intflow.errors import IntflowError
from intflow.formats import exact


def free_space_without_size(content):
    """The last object of the first heap: HDF5 1.14 and 2.0 go round it for ever."""
    at = content.index(b"GCOL")
    end = at + struct.unpack("<Q", content[at + 8:at + 16])[0]
    place = at + 16
    while content[place:place + 2] != b"\0\0":
        size = struct.unpack("<Q", content[place + 8:place + 16])[0]
        place += 16 + size + -size % 8
        assert place < end
    return content[:place + 8] + bytes(8) + content[place + 16:]


def with_array(content, name, shape):
    """An HDF5 file in which an array claims this shape, and nothing of it was written."""
    out = io.BytesIO(content)
    with h5py.File(out, "r+") as file:
        del file[name]
        file.create_dataset(name, shape, "i1", chunks=(1 << 10,) + (1,) * (len(shape) - 1))
    return out.getvalue()


def npz(header, content=b"", compression=0):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        file.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content)
    return out.getvalue()


def member_of_exabytes(content):
    """The stored size of a member, in the archive's table, is 2**32 - 2."""
    at = content.rindex(b"PK\1\2")
    return content[:at + 20] + b"\xfe\xff\xff\xff\xfe\xff\xff\xff" + content[at + 28:]


SHAPE = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%s,)}\n"
FOUND = {
    "heap that never ends, pack": ("pack", lambda: free_space_without_size(seeds.pack())),
    "heap that never ends, trace": ("trace-hdf5", lambda: free_space_without_size(seeds.trace(".h5"))),
    "heap that never ends, checkpoint": (
        "checkpoint", lambda: seeds.signed(free_space_without_size(seeds.checkpoint()))),
    "exabytes in a trace": ("trace-hdf5", lambda: with_array(
        seeds.trace(".h5"), "step/000000/linear_1/input", (BIG,))),
    "rate of a thousand million digits": ("config", lambda: b'lr = "1e999999999"'),
    "width of a thousand million digits": ("config", lambda: b'width = "1e999999999"'),
    "schedule of a thousand million digits": ("config", lambda: b'schedule = "3:1e-999999999"'),
    "energy of a thousand million digits": ("energy", lambda: b"[memory]\nsram = 1e999999999"),
    "TOML in TOML in ...": ("config", lambda: b"lr = " + b"[" * 100_000),
    "TOML in TOML in ..., device": ("device", lambda: b"bits = " + b"[" * 100_000),
    "TOML in TOML in ..., energy": ("energy", lambda: b"add = " + b"[" * 100_000),
    "name that moves the cursor": ("config", lambda: b'modell\x7f = 3\n"\\u001b[2J" = 1'),
    "endless name": ("config", lambda: b'scheme = "' + b"w" * 9999 + b'"'),
    "header that is half a program": ("npz", lambda: npz(b"{'descr': '<f4', \n")),
    "header that is half a program, trace": ("trace-npz", lambda: npz(b"{'descr': '<f4', \n")),
    "shape of exabytes": ("trace-npz", lambda: npz(SHAPE % b"9" * 18)),
    "shape of more than exabytes": ("trace-npz", lambda: npz(SHAPE % (b"9" * 40))),
    "deflate that breaks off": ("npz", lambda: npz(SHAPE % b"1", bytes(4), 8).replace(b"\x9b", b"\xff", 1)),
    "member of exabytes": ("pth-zip", lambda: member_of_exabytes(seeds.torch_program(b"}"))),
    "width of a value": ("trace-manifest", lambda: (
        b'{"tensors": {"a": {"bits": %s, "signed": true, "shape": [2]}}}' % (b"9" * 30))),
    "width that is text": ("trace-manifest", lambda: (
        b'{"tensors": {"a": {"bits": "6", "signed": true, "shape": [2]}}}')),
}


@pytest.mark.parametrize("what", FOUND)
def test_refused_in_one_line(what, tmp_path):
    name, make = FOUND[what]
    path = tmp_path / READERS[name].name
    path.write_bytes(make())
    with pytest.raises(IntflowError) as caught:
        READERS[name].read(path)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 1000 and "emory to" not in text and "allocate" not in text


@pytest.mark.parametrize("change", [
    lambda file: file.attrs.__setitem__("steps", h5py.Empty("i8")),
    lambda file: file.attrs.__setitem__("epoch", "[" * 5000),
    lambda file: file.attrs.__setitem__("epoch", '"one"'),
    lambda file: file.attrs.__setitem__("images", "-5"),
    lambda file: file["parameters"].__setitem__("x", h5py.SoftLink("/nowhere")),
    lambda file: file["parameters"].__setitem__("x", np.ones(3)),
    lambda file: file["parameters"].__setitem__("x", h5py.ExternalLink("/etc/passwd", "/")),
])
def test_a_signed_checkpoint_that_lies(change, tmp_path):
    """Its checksum is right: somebody made it on purpose."""
    out = io.BytesIO(seeds.checkpoint())
    with h5py.File(out, "r+") as file:
        change(file)
    path = tmp_path / "checkpoint.h5"
    path.write_bytes(seeds.signed(out.getvalue()))
    with pytest.raises(IntflowError):
        READERS["checkpoint"].read(path)


@pytest.mark.parametrize("text, value", [("1e-3", (1, 1000)), ("2.50", (5, 2)), ("1/8", (1, 8)), ("1E2", (100, 1))])
def test_exact_numbers(text, value):
    assert exact(text).as_integer_ratio() == value


@pytest.mark.parametrize("text", ["1e401", "1e-401", "1E+999999999", "1/0", "x", "9" * 101, "nan", "inf"])
def test_no_exact_numbers(text):
    with pytest.raises(ValueError):
        exact(text)
