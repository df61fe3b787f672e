"""Folders of pictures: how they are divided, decoded and resampled."""

from fractions import Fraction

import numpy as np
import pytest
from data import makers

from intflow.data import open_dataset, read_picture
from intflow.data.sources import module
from intflow.errors import DatasetError

pixels = module("pixels")


def test_train_and_val(tmp_path):
    makers.write_classes(tmp_path / "train", {"b": 2, "a": 3})
    makers.write_classes(tmp_path / "val", {"b": 1})
    data = open_dataset(tmp_path)
    assert data.classes == ("a", "b") and data.shape == (3, 256, 256)
    assert list(data.train.labels) == [0, 0, 0, 1, 1] and list(data.test.labels) == [1]
    assert np.array_equal(data.train.read([4, 0], threads=2), data.train.read([4, 0]))


def test_every_tenth_of_a_class_is_for_testing(tmp_path):
    makers.write_classes(tmp_path, {"a": 21, "b": 9})
    data = open_dataset(tmp_path)
    assert len(data.train) == 28 and list(data.test.labels) == [0, 0]
    tenth = read_picture(tmp_path / "a" / "009.jpg", (3, 256, 256))
    assert np.array_equal(data.test.read([0])[0], tenth)
    assert "every tenth" in data.note


@pytest.mark.parametrize("header", ["", "file,wnid,class_index,name\n", "Name,Class index,file\n"])
def test_flat_folder_with_table(tmp_path, header):
    for i in range(3):
        makers.write_picture(tmp_path / f"{i}.jpg", seed=i)
    row = '"cat, or so",{1},{0}.jpg\n' if header.startswith("Name") else '{0}.jpg,n0,{1},"cat, or so"\n'
    rows = "".join(row.format(i, label) for i, label in enumerate((2, 0, 2)))
    (tmp_path / "labels.csv").write_text(header + rows)
    data = open_dataset(tmp_path)
    assert data.classes == ("cat, or so", "1", "cat, or so")
    assert list(data.train.labels) == [2, 0, 2] == list(data.test.labels)
    assert "the test images are the training images" in data.note


def test_folder_and_its_pack_hold_the_same(tmp_path):
    makers.write_classes(tmp_path / "folder", {"a": 10, "b": 10})
    folder = open_dataset(tmp_path / "folder")
    prepare = module("prepare").prepare
    known = module("imagenet_folder.prepare").SET
    data = open_dataset(prepare(known, tmp_path / "folder", tmp_path / "x.h5"))
    for split in ("train", "test"):
        a, b = getattr(folder, split), getattr(data, split)
        assert np.array_equal(a.read(range(len(a))), b.read(range(len(b))))
        assert np.array_equal(a.labels, b.labels)


def test_weights_of_resampling_are_a_partition_of_one():
    for height, size in ((375, 256), (256, 341), (3, 7), (1, 5), (1000, 256), (7, 1)):
        rows, weights = pixels.triangle(height, size, 0, size)
        assert (weights.sum(axis=1) == pixels.ONE).all() and (weights >= 0).all()
        assert rows.min() >= 0 and rows.max() < height


def test_enlarging_is_linear_interpolation():
    """Against fractions: within the rounding of the weights and of the one final rounding."""
    column = makers.images(1, 5)[0]
    out = pixels.resample(column[:, None, None], 12, 0, 12).ravel()
    for i, got in enumerate(out):
        centre = min(max(Fraction((2 * i + 1) * 5, 24) - Fraction(1, 2), 0), 4)
        low = int(centre)
        high = min(low + 1, 4)
        exact = column[low] * (1 - (centre - low)) + int(column[high]) * (centre - low)
        assert abs(int(got) - exact) <= Fraction(1, 2) + Fraction(3 * 255, pixels.ONE)


def test_constant_pictures_stay_constant_and_mirrors_commute():
    flat = np.full((37, 91, 3), 200, np.uint8)
    assert (pixels.cover(flat, (64, 48)) == 200).all()
    noise = makers.images(1, 61, 83, 3)[0]
    there = pixels.cover(noise, (32, 32))
    assert np.array_equal(pixels.cover(noise[::-1, ::-1], (32, 32)), there[:, ::-1, ::-1])


def test_a_picture_of_the_right_size_keeps_every_byte(tmp_path):
    path = makers.write_picture(tmp_path / "x.png", 256, 256)
    raw = pixels.decode(path)
    assert np.array_equal(read_picture(path, (3, 256, 256)), raw.transpose(2, 0, 1))
    grey = makers.write_picture(tmp_path / "g.png", 28, 28, mode="L")
    image = read_picture(grey, (1, 28, 28))
    assert np.array_equal(image[0], pixels.decode(grey)[:, :, 0])
    assert read_picture(path, (3, 224, 224), "image_folder").tolist() == raw[16:240, 16:240].transpose(
        2, 0, 1).tolist()


def test_extreme_shapes_stay_small(tmp_path):
    path = makers.write_picture(tmp_path / "line.png", 1, 60000)
    assert read_picture(path, (3, 256, 256)).shape == (3, 256, 256)
    with pytest.raises(DatasetError, match="network expects 4"):
        read_picture(path, (4, 8, 8))
