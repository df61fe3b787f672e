"""MNIST: the published IDX files to a pack."""

from .. import idx
from ..prepare import main
from ..source import DataSet, Download, File, numbered

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def _download(name, md5):
    return Download(name, tuple(mirror + name for mirror in MIRRORS), md5)


SET = DataSet(
    name="mnist",
    title="MNIST",
    classes=numbered(10),
    shape=(1, 28, 28),
    encoding="unit",
    licence="CC BY-SA 3.0 (as commonly stated)",
    homepage="http://yann.lecun.com/exdb/mnist/",
    read=idx.read_folder,
    found=idx.found,
    files=(
        File("train-images-idx3-ubyte", 47040016, "6bbc9ace898e44ae57da46a324031adb"),
        File("train-labels-idx1-ubyte", 60008, "a25bea736e30d166cdddb491f175f624"),
        File("t10k-images-idx3-ubyte", 7840016, "2646ac647ad5339dbf082846283269ea"),
        File("t10k-labels-idx1-ubyte", 10008, "27ae3e4e09519cfbb04c329615203637"),
    ),
    downloads=(
        _download("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        _download("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        _download("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        _download("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
)

if __name__ == "__main__":
    main(SET)
