"""CIFAR-10: the published binary or Python batches to a pack."""

from .. import cifar
from ..prepare import main
from ..source import DataSet, Download, File

BINARY = tuple(f"data_batch_{i}.bin" for i in range(1, 6)) + ("test_batch.bin",)
PYTHON = tuple(f"data_batch_{i}" for i in range(1, 6)) + ("test_batch",)
BINARY_MD5 = (
    "5dd7e06a14cb22eb9f671a540d1b7c25", "5ea93a67294ea407fff1d09f752e9692",
    "942cd6a4bcdd0dd3c604fbe906cb4421", "ae636b3ba5c66a11e91e8cb52e771fcb",
    "53f37980c15c3d472c316c40844f3f0d", "803d5f7f4d78ea53de84dbe85f74fb6d",
)
PYTHON_MD5 = (
    "c99cafc152244af753f735de768cd75f", "d4bba439e000b95fd0a9bffe97cbabec",
    "54ebc095f3ab1f0389bbae665268c751", "634d18415352ddfa80567beed471001a",
    "482c414d41f54cd18b22e5b47cb7c3cb", "40351d587109b95175f43aff81a1287e",
)

SET = DataSet(
    name="cifar10",
    title="CIFAR-10",
    classes=cifar.CLASSES_10,
    shape=cifar.SHAPE,
    encoding="symmetric",
    licence="none stated; cite Krizhevsky, Learning Multiple Layers of Features from Tiny "
            "Images, 2009",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    read=cifar.read_folder,
    found=lambda folder: cifar.layout_of(folder, "cifar10") is not None,
    files=tuple(File(name, 30730000, md5) for name, md5 in zip(BINARY, BINARY_MD5))
    + tuple(File(name, md5=md5) for name, md5 in zip(PYTHON, PYTHON_MD5)),
    downloads=(
        Download(
            "cifar-10-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            "c32a1d4ab5d03f1284b67883e8d87530",
            tuple(f"cifar-10-batches-bin/{name}" for name in BINARY),
        ),
    ),
    folder="cifar-10-batches-bin",
)

if __name__ == "__main__":
    main(SET)
