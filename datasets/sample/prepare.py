"""The sample that is shipped: a small class-balanced cut of Fashion-MNIST.

`python -m intflow.datasets.sample.prepare --from DIR` remakes the file from the four original
IDX files, bit for bit under the same HDF5 and zlib; its arrays and sums always.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import pack
from ..fashion_mnist.prepare import SET as FASHION_MNIST
from ..pack_writer import write_pack
from ..source import ArrayImages, BadData

FILE = Path(__file__).with_name("fashion-mnist-sample.h5")
PER_CLASS = {"train": 500, "test": 100}


def cut(split, per_class):
    """The first `per_class` images of every class, in their original order."""
    rank = np.zeros(len(split), np.int64)
    for label in range(len(FASHION_MNIST.classes)):
        members = np.flatnonzero(split.labels == label)
        rank[members] = np.arange(len(members))
    chosen = np.flatnonzero(rank < per_class)
    return ArrayImages(split.read(chosen), split.labels[chosen])


def make(folder, out):
    """Write the sample from a folder with Fashion-MNIST's files."""
    whole = FASHION_MNIST.read(folder, FASHION_MNIST)
    sample = replace(
        whole, name="sample", title="Fashion-MNIST sample", is_sample=True,
        note="a sample: 5,000 training and 1,000 test images of Fashion-MNIST",
        train=cut(whole.train, PER_CLASS["train"]), test=cut(whole.test, PER_CLASS["test"]),
    )
    return write_pack(out, sample, FASHION_MNIST.homepage, compress=True)


def read(folder, known=None):
    """The sample as a Source, from the file beside this one."""
    return pack.open_pack(FILE)


SET = replace(
    FASHION_MNIST, name="sample", title="Fashion-MNIST sample", read=read,
    found=lambda folder: FILE.is_file(), files=(), downloads=(),
)

if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Remake the sample from Fashion-MNIST.")
    parser.add_argument("--from", dest="folder", required=True, metavar="DIR")
    parser.add_argument("--out", default=str(FILE), metavar="FILE")
    arguments = parser.parse_args()
    try:
        print(make(arguments.folder, arguments.out))
    except BadData as error:
        sys.exit(f"Error: {error}")
