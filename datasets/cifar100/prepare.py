"""CIFAR-100: the published binary or Python files to a pack (fine labels)."""

from .. import cifar
from ..prepare import main
from ..source import DataSet, Download, File

SET = DataSet(
    name="cifar100",
    title="CIFAR-100",
    classes=cifar.CLASSES_100,
    shape=cifar.SHAPE,
    encoding="symmetric",
    licence="none stated; cite Krizhevsky, Learning Multiple Layers of Features from Tiny "
            "Images, 2009",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    read=cifar.read_folder,
    found=lambda folder: cifar.layout_of(folder, "cifar100") is not None,
    files=(
        File("train.bin", 153700000),
        File("test.bin", 30740000),
        File("train", md5="16019d7e3df5f24257cddd939b257f8d"),
        File("test", md5="f0ef6b0ae62326f3e7ffdfab6717acfc"),
    ),
    downloads=(
        Download(
            "cifar-100-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
            "03b5dce01913d631647c71ecec9e9cb8",
            ("cifar-100-binary/train.bin", "cifar-100-binary/test.bin"),
        ),
    ),
    folder="cifar-100-binary",
)

if __name__ == "__main__":
    main(SET)
