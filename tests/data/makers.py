"""Small data files in every published format, made by the tests themselves."""

import gzip
import struct

import numpy as np

PIXELS = 3 * 32 * 32


def images(count, *shape, seed=0):
    """u8 noise (count, *shape)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def labels(count, classes=10):
    """0, 1, 2, ... again and again, u8."""
    return (np.arange(count) % classes).astype(np.uint8)


def idx_bytes(array, kind=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, train=20, test=10, zipped=False, side=6):
    """The four IDX files of a grey set."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("t10k", test)):
        arrays = {"images-idx3": images(count, side, side, seed=count), "labels-idx1": labels(count)}
        for what, array in arrays.items():
            content = idx_bytes(array)
            path = folder / f"{name}-{what}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return folder


CIFAR10_BINARY = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
CIFAR10_PYTHON = [name[:-4] for name in CIFAR10_BINARY]


def cifar_records(count, label_bytes=1, seed=0):
    """Binary records; the class is i % 10, a coarse class of CIFAR-100 is 7."""
    pixels = images(count, PIXELS, seed=seed)
    columns = [labels(count)[:, None], pixels]
    if label_bytes == 2:
        columns.insert(0, np.full((count, 1), 7, np.uint8))
    return np.concatenate(columns, axis=1).tobytes()


def write_cifar10(folder, count=4):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(CIFAR10_BINARY):
        (folder / name).write_bytes(cifar_records(count, seed=seed))
    return folder


def write_cifar10_python(folder, count=4):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(CIFAR10_PYTHON):
        batch = python2_batch(images(count, PIXELS, seed=seed), labels(count).tolist(), b"labels")
        (folder / name).write_bytes(batch)
    return folder


def python2_batch(pixels, classes, key, dtype=b"u1", function=b"cnumpy.core.multiarray\n_reconstruct\n"):
    """A batch pickled as Python 2 did for the published files: protocol 2, byte strings."""
    rows, columns = pixels.shape
    array = b"".join([
        function, b"cnumpy\nndarray\n", b"K\0\x85", short(b"b"), b"\x87R",
        b"(K\1", integer(rows), integer(columns), b"\x86",
        b"cnumpy\ndtype\n", short(dtype), b"K\0K\1\x87R",
        b"(K\3", short(b"|"), b"NNN", integer(-1), integer(-1), b"K\0tb",
        b"\x89T", struct.pack("<I", pixels.size), pixels.tobytes(), b"tb",
    ])
    names = b"".join(short(f"img_{i}.png".encode()) for i in range(rows))
    numbers = b"".join(integer(n) for n in classes)
    return b"".join([
        b"\x80\x02}q\x01(",
        short(b"batch_label"), short(b"training batch 1 of 5"),
        short(key), b"](", numbers, b"e",
        short(b"data"), array,
        short(b"filenames"), b"](", names, b"e",
        b"u.",
    ])


def short(text):
    return b"U" + bytes([len(text)]) + text


def integer(n):
    return b"K" + bytes([n]) if 0 <= n < 256 else b"J" + struct.pack("<i", n)


def write_mat(path, count=5, **changes):
    """An SVHN file; its labels are 1 .. 10, 10 for the digit zero."""
    import scipy.io

    variables = {
        "X": images(count, 32, 32, 3).transpose(1, 2, 3, 0),
        "y": (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None],
    }
    scipy.io.savemat(path, {**variables, **changes}, do_compression=True)
    return path


def write_svhn(folder, count=12):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train_32x32.mat", "test_32x32.mat"):
        write_mat(folder / name, count)
    return folder


def write_picture(path, height=40, width=30, seed=0, mode="RGB"):
    """A picture of a few coarse blocks, so that JPEG keeps it well."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    channels = () if mode == "L" else (3,)
    small = images(1, 4, 3, *channels, seed=seed)[0]
    Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST).save(path)
    return path


def write_classes(folder, counts, first=0):
    """<class>/*.jpg; `counts` pictures for each class name."""
    for name, count in counts.items():
        for i in range(count):
            write_picture(folder / name / f"{i:03}.jpg", seed=first + i)
    return folder


def write_pack(path, train=20, test=10, shape=(1, 6, 6), classes=10, **options):
    """A pack of noise."""
    from intflow.data.sources import module

    splits = {
        name: module("source").ArrayImages(images(n, *shape, seed=n), labels(n, classes))
        for name, n in (("train", train), ("test", test))
    }
    source = module("source").Source(
        "toy", "a toy", tuple("abcdefghij"[:classes]), "symmetric", "none", "made by a test",
        **splits
    )
    return module("pack_writer").write_pack(path, source, "a test", **options)
