"""Every bad input that data can have, in one table: each gives one line and nothing else."""

import gzip
import struct

import h5py
import numpy as np
import pytest
from data import makers

from intflow.data import open_dataset
from intflow.errors import DatasetError, IntflowError, UnknownNameError

MNIST = "train-images-idx3-ubyte"


def idx(folder, name=MNIST, content=None, change=None):
    """IDX files of which one is exchanged, changed, or (with neither) taken away."""
    path = makers.write_idx(folder / "set") / name
    if change is not None:
        content = change(path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    return folder / "set"


def cifar(folder, name="data_batch_2.bin", content=None, maker=makers.write_cifar10):
    path = maker(folder / "set") / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    return folder / "set"


def batch(folder, **changes):
    options = dict(pixels=makers.images(2, makers.PIXELS), classes=[1, 2], key=b"labels")
    content = makers.python2_batch(**{**options, **changes})
    return cifar(folder, "test_batch", content, makers.write_cifar10_python)


def svhn(folder, **changes):
    makers.write_mat(makers.write_svhn(folder / "set") / "test_32x32.mat", **changes)
    return folder / "set"


def svhn_bytes(folder, change):
    path = makers.write_svhn(folder / "set") / "train_32x32.mat"
    path.write_bytes(change(path.read_bytes()))
    return folder / "set"


def pack(folder, change=None, content=None, **options):
    """A pack after `change(h5py file)`, or after `content(bytes)`."""
    path = makers.write_pack(folder / "set.h5", **options)
    if content is not None:
        path.write_bytes(content(path.read_bytes()))
    if change is not None:
        with h5py.File(path, "r+") as file:
            change(file)
    return path


def exchange(name, *arguments, **options):
    """A change that puts another data set in the place of one."""

    def change(file):
        del file[name]
        file.create_dataset(name, *arguments, **options)

    return change


def link(name, to):
    def change(file):
        del file[name]
        file[name] = to

    return change


def outside(file):
    del file["train/images"]
    file["train"].create_dataset("images", (20, 1, 6, 6), "u1", external=[("/etc/passwd", 0, 720)])


def virtual(file):
    del file["train/images"]
    layout = h5py.VirtualLayout((20, 1, 6, 6), "u1")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (20, 1, 6, 6))
    file["train"].create_virtual_dataset("images", layout)


def attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


def flip_pixel(file):
    file["test/images"][3, 0, 2, 2] ^= 1


def flip_label(file):
    file["train/labels"][3] = 9


def classes(folder, counts, val=None):
    """train/ (and val/) with these pictures."""
    makers.write_classes(folder / "set" / "train", counts)
    if val is not None:
        makers.write_classes(folder / "set" / "val", val)
    return folder / "set"


def empty(folder, *names):
    for name in names:
        (folder / "set" / name).mkdir(parents=True)
    return folder / "set"


def table(folder, text):
    makers.write_picture(folder / "set" / "a.jpg")
    (folder / "set" / "labels.csv").write_bytes(text)
    return folder / "set"


def picture(folder, change):
    """A folder whose first picture is damaged; it is found when it is read."""
    makers.write_classes(folder / "set", {"a": 10, "b": 10})
    path = folder / "set" / "a" / "000.jpg"
    path.write_bytes(change(path.read_bytes()))
    return folder / "set"


def png_of(width, height):
    """A PNG that is only a header claiming this size."""
    import zlib

    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return head + struct.pack(">I", 9) + b"IDAT" + bytes(13)


def file(folder, name, content):
    (folder / name).write_bytes(content)
    return folder / name


LABELS = "train-labels-idx1-ubyte"
HUGE = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**16, 2**16)

# what is wrong: (folder -> what to open, part of the message)
CASES = {
    # names and paths
    "unknown name": (lambda f: "fashon_mnist", "did you mean fashion_mnist"),
    "name not on disk": (lambda f: "cifar10", "run `intflow data fetch cifar10`"),
    "guest not on disk": (lambda f: "imagenet_folder", "prepare imagenet_folder --from DIR"),
    "missing file": (lambda f: f / "absent.h5", "no such file or folder"),
    "empty folder": (lambda f: f, "no data set in this folder"),
    "text file": (lambda f: file(f, "x.h5", b"hello"), "not a pack"),
    "empty file": (lambda f: file(f, "x.h5", b""), "not a pack"),
    "IDX file as a path": (lambda f: idx(f, change=bytes) / MNIST, "named by their folder"),
    # IDX
    "IDX missing": (lambda f: idx(f, LABELS), f"{LABELS}: missing"),
    "IDX truncated": (lambda f: idx(f, change=lambda b: b[:-5]), "truncated or damaged"),
    "IDX too long": (lambda f: idx(f, change=lambda b: b + b"x"), "truncated or damaged"),
    "IDX cut header": (lambda f: idx(f, content=b"\0\0\x08\x03\0\0"), "truncated inside its header"),
    "IDX empty": (lambda f: idx(f, content=b""), "not an IDX file"),
    "IDX of another kind": (lambda f: idx(f, content=b"GIF89a" * 9), "not an IDX file"),
    "IDX of floats": (lambda f: idx(f, change=lambda b: b[:2] + b"\x0d" + b[3:]), "type 0x0d"),
    "IDX labels as images": (lambda f: idx(f, change=lambda b: b[:3] + b"\1" + b[4:]), "1 axes"),
    "IDX claiming exabytes": (lambda f: idx(f, content=HUGE), "truncated or damaged"),
    "gzip claiming exabytes": (lambda f: idx(f, content=gzip.compress(HUGE)), "truncated or damaged"),
    "gzip truncated": (
        lambda f: idx(f, change=lambda b: gzip.compress(b)[:-30]), "truncated or damaged gzip"),
    "gzip altered": (
        lambda f: idx(f, change=lambda b: gzip.compress(b, 0)[:300] + b"!" + gzip.compress(b, 0)[301:]),
        "damaged gzip"),
    "gzip short inside": (lambda f: idx(f, change=lambda b: gzip.compress(b[:-9])), "truncated, 727 of"),
    "gzip long inside": (lambda f: idx(f, change=lambda b: gzip.compress(b + b"x")), "goes on after"),
    "IDX counts differ": (
        lambda f: idx(f, LABELS, makers.idx_bytes(makers.labels(19))), "20 train images but 19 labels"),
    "IDX zero images": (
        lambda f: idx(idx(f, LABELS, makers.idx_bytes(makers.labels(0))).parent, content=makers.idx_bytes(
            makers.images(0, 6, 6))), "0 train images but 20 labels"),
    "IDX images without pixels": (
        lambda f: idx(f, content=makers.idx_bytes(makers.images(20, 0, 6))), "images of 0 x 6 pixels"),
    "IDX shapes differ": (
        lambda f: idx(f, content=makers.idx_bytes(makers.images(20, 5, 5))), "both must have one shape"),
    # CIFAR
    "CIFAR batch missing": (cifar, "data_batch_2.bin missing beside"),
    "CIFAR truncated": (lambda f: cifar(f, content=makers.cifar_records(4)[:-1]), "not whole records"),
    "CIFAR empty": (lambda f: cifar(f, content=b""), "not whole records"),
    "CIFAR label": (
        lambda f: cifar(f, content=b"\x0a" + makers.cifar_records(4)[1:]), "label 10 is out of range"),
    "batch truncated": (
        lambda f: cifar(f, "test_batch", makers.python2_batch(
            makers.images(2, makers.PIXELS), [1, 2], b"labels")[:99], makers.write_cifar10_python),
        "truncated or not a Python batch"),
    "batch with code": (
        lambda f: batch(f, function=b"cos\nsystem\n"), "wants to import os.system"),
    "batch of objects": (lambda f: batch(f, dtype=b"O8"), "does not hold unsigned bytes"),
    "batch of another shape": (lambda f: batch(f, pixels=makers.images(2, 99)), "no 'data' of N x 3072"),
    "batch of another set": (lambda f: batch(f, key=b"fine_labels"), "no list 'labels'"),
    "batch with labels missing": (lambda f: batch(f, classes=[1]), "2 images but 1 labels"),
    "batch label": (lambda f: batch(f, classes=[1, 10]), "label 10 is out of range"),
    "batch negative label": (lambda f: batch(f, classes=[1, -1]), "no list 'labels' of small"),
    # SVHN
    "mat missing": (
        lambda f: [makers.write_svhn(f / "set"), (f / "set" / "test_32x32.mat").unlink()][0],
        "test_32x32.mat: missing"),
    "mat truncated": (
        lambda f: svhn_bytes(f, lambda b: b[:len(b) // 2]), "no variable y in it; it is truncated"),
    "mat of another kind": (lambda f: svhn_bytes(f, lambda b: b"P6 1 1" * 99), "not a MATLAB file"),
    "mat without y": (lambda f: svhn(f, y=np.zeros((0, 0))), "5 images but labels of 0 x 0"),
    "mat of doubles": (lambda f: svhn(f, X=np.zeros((32, 32, 3, 5))), "X is double"),
    "mat shape": (lambda f: svhn(f, X=np.zeros((28, 28, 3, 5), np.uint8)), "28 x 28 x 3 x 5"),
    "mat zero images": (
        lambda f: svhn(f, X=np.zeros((32, 32, 3, 0), np.uint8), y=np.zeros((0, 1), np.uint8)), "zero"),
    "mat label": (lambda f: svhn(f, y=np.full((5, 1), 11, np.uint8)), "label 11 is out of range"),
    # packs
    "pack truncated": (lambda f: pack(f, content=lambda b: b[:-1]), "truncated"),
    "pack cut to its signature": (lambda f: pack(f, content=lambda b: b[:20]), "truncated or damaged"),
    "HDF5 of another kind": (lambda f: pack(f, lambda h: h.attrs.clear()), "not a pack"),
    "pack of the future": (lambda f: pack(f, attribute("version", 2)), "pack version 2"),
    "pack encoding": (lambda f: pack(f, attribute("encoding", "rot13")), "encoding 'rot13'"),
    "pack pixel altered": (lambda f: pack(f, flip_pixel), "altered, /test/images"),
    "pack label altered": (lambda f: pack(f, flip_label), "altered, /train/labels"),
    "pack without sums": (lambda f: pack(f, lambda h: h["classes"].attrs.clear()), "altered, /classes"),
    "pack part missing": (lambda f: pack(f, lambda h: h.pop("test")), "test/images is missing"),
    "pack group for array": (
        lambda f: pack(f, lambda h: [h.pop("classes"), h.create_group("classes")]), "not an array"),
    "pack of floats": (
        lambda f: pack(f, exchange("train/images", data=np.zeros((20, 1, 6, 6), "f4"))), "float32"),
    "pack shape": (
        lambda f: pack(f, exchange("train/images", data=np.zeros((20, 36), "u1"))), "expected 4 axes"),
    "pack zero images": (
        lambda f: pack(f, exchange("train/images", data=np.zeros((0, 1, 6, 6), "u1"))), "zero images"),
    "pack counts": (lambda f: pack(f, lambda h: h.move("test/labels", "x") or h.move(
        "train/labels", "test/labels") or h.move("x", "train/labels")), "images but"),
    "pack labels out of range": (lambda f: pack(f, classes=2, change=lambda h: relabel(h, 2)),
                                 "label 2 is out of range"),
    "pack claiming terabytes": (
        lambda f: pack(f, exchange("train/images", (10**6, 3, 1000, 1000), "u1", chunks=(1, 3, 99, 99))),
        "claims 3000000000000 bytes"),
    "pack claiming terabytes unwritten": (
        lambda f: pack(f, exchange("train/images", (10**6, 3, 1000, 1000), "u1")), "more than the file"),
    "pack soft link": (lambda f: pack(f, link("train/images", h5py.SoftLink("/test/images"))), "outside"),
    "pack external link": (
        lambda f: pack(f, link("train/images", h5py.ExternalLink("/etc/x.h5", "a"))), "leads outside"),
    "pack external data": (lambda f: pack(f, outside), "leads outside"),
    "pack virtual data": (lambda f: pack(f, virtual), "leads outside"),
    # folders of pictures
    "no val": (lambda f: classes(f, {"a": 1}), "has no val/ or test/"),
    "train without classes": (lambda f: empty(f, "train", "val"), "zero images"),
    "class without pictures": (lambda f: empty(f, "train/a", "val/a"), "zero images"),
    "val empty": (
        lambda f: [classes(f, {"a": 1}), empty(f, "val")][0], "zero images"),
    "val with a strange class": (lambda f: classes(f, {"a": 1}, {"b": 1}), "class b is not among"),
    "table empty": (lambda f: table(f, b""), "zero images"),
    "table only header": (lambda f: table(f, b"file,wnid,class_index,name\n"), "zero images"),
    "table bad header": (lambda f: table(f, b"picture,kind\na.jpg,1\n"), "must name the columns"),
    "table short line": (lambda f: table(f, b"a.jpg,n0,1\na.jpg\n"), "has 1 columns only"),
    "table climbing out": (lambda f: table(f, b"../a.jpg,n0,1,x\n"), "leads outside"),
    "table absolute": (lambda f: table(f, b"/etc/a.jpg,n0,1,x\n"), "leads outside"),
    "table file missing": (lambda f: table(f, b"b.jpg,n0,1,x\n"), "b.jpg: missing"),
    "table label negative": (lambda f: table(f, b"a.jpg,n0,-1,x\n"), "class index '-1'"),
    "table label absurd": (lambda f: table(f, b"a.jpg,n0,99999999,x\n"), "class index '99999999'"),
    "table not text": (lambda f: table(f, b"\xff\xfe\x00"), "cannot be read as a table"),
    "picture torn": (lambda f: picture(f, lambda b: b[:len(b) // 2]), "000.jpg: unreadable picture"),
    "picture of another kind": (lambda f: picture(f, lambda b: b"hello"), "no picture in it"),
    "picture claiming gigabytes": (lambda f: picture(f, lambda b: png_of(60000, 60000)), "exceeds limit"),
    "picture claiming megabytes": (lambda f: picture(f, lambda b: png_of(8500, 8500)), "8500 x 8500"),
}


def relabel(h, label):
    """Out-of-range labels under a right sum."""
    import hashlib

    values = h["train/labels"][...]
    values[0] = label
    h["train/labels"][...] = values
    h["train/labels"].attrs["sha256"] = hashlib.sha256(values.data).hexdigest()


@pytest.mark.parametrize("what", CASES)
def test_bad_input(what, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INTFLOW_DATA", raising=False)
    (tmp_path / "here").mkdir()
    make, message = CASES[what]
    target = make(tmp_path / "here")
    with pytest.raises(IntflowError) as caught:
        data = open_dataset(target)
        data.train.read(range(len(data.train)))
    text = str(caught.value)
    assert message in text and "\n" not in text and len(text) < 600
    assert isinstance(caught.value, (DatasetError, UnknownNameError))


def test_a_data_folder_that_does_not_exist(tmp_path):
    with pytest.raises(DatasetError, match="no such data folder"):
        open_dataset("mnist", data_dir=tmp_path / "absent")
