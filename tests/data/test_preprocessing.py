"""What published networks expect of an image: exact centres, sizes, order of channels, codes."""

from fractions import Fraction

import numpy as np
import pytest
from data import makers

from intflow.data import Preprocessing, evaluation_batches, open_dataset
from intflow.data.encode import centres_of
from intflow.data.preprocessing import IMAGENET, shorter_side
from intflow.errors import DatasetError, FormatError, ShapeError
from intflow.formats import Fixed
from intflow.kernels import load
from intflow.training.encoder import Encoder

KERNELS = load("reference")
PHOTOGRAPHS = Preprocessing(256, 224, **IMAGENET)


def test_numbers_are_exact():
    """255 * 0.485 = 123.675 = 124 - 13/40, and so on; every pixel's value is (code - r) * scale."""
    assert PHOTOGRAPHS.centres == (124, 116, 104)
    assert PHOTOGRAPHS.remainders == (Fraction(-13, 40), Fraction(7, 25), Fraction(-47, 100))
    for c in range(3):
        mean, std = PHOTOGRAPHS.mean[c], PHOTOGRAPHS.std[c]
        for u in (0, 1, 124, 255):
            code = u - PHOTOGRAPHS.centres[c]
            value = (code - PHOTOGRAPHS.remainders[c]) * PHOTOGRAPHS.scales[c]
            assert value == (Fraction(u, 255) - mean) / std


def test_centre_is_cut_out_and_resized():
    images = makers.images(2, 3, 12, 16)
    pre = Preprocessing(12, 8)
    assert np.array_equal(pre(images, None, (8, 8), KERNELS), images[:, :, 2:10, 4:12])
    assert shorter_side(images, 9, KERNELS).shape == (2, 3, 9, 12)
    assert shorter_side(np.zeros((1, 3, 375, 500), np.uint8), 256, KERNELS).shape[2:] == (256, 341)
    assert Preprocessing()(images, None, (12, 16), KERNELS) is images
    blue = Preprocessing(channels="bgr")(images, None, (12, 16), KERNELS)
    assert np.array_equal(blue, images[:, [2, 1, 0]])


@pytest.mark.parametrize("error, message, make", [
    (FormatError, "rgb or bgr", lambda: Preprocessing(channels="brg")),
    (FormatError, "divide by 255", lambda: Preprocessing(mean=(124, 116, 104))),
    (FormatError, "above 0", lambda: Preprocessing(std=(1, 0, 1))),
    (FormatError, "a mean and a std", lambda: Preprocessing(mean=("0.5",))),
    (ShapeError, "centre of 256", lambda: Preprocessing(224, 256)),
    (ShapeError, "come out as 8 x 8", lambda: Preprocessing(8)(
        np.zeros((1, 3, 8, 8), np.uint8), None, (9, 9), KERNELS)),
    (DatasetError, "no centre of 9", lambda: Preprocessing(crop=9)(
        np.zeros((1, 3, 8, 8), np.uint8), None, (9, 9), KERNELS)),
])
def test_refused(error, message, make):
    with pytest.raises(error, match=message):
        make()


def test_in_the_place_of_a_rule(tmp_path, monkeypatch):
    """A flat folder with a table, opened by its name; the centre of each picture in batches."""
    folder = tmp_path / "few-photographs"
    for i in range(3):
        makers.write_picture(folder / f"{i}.png", 256, 256, seed=i)
    (folder / "labels.csv").write_text("".join(f"{i}.png,n{i},{2 - i},name {i}\n" for i in range(3)))
    data = open_dataset("few-photographs", data_dir=tmp_path)
    assert data.name == "few-photographs" and data.classes == ("name 2", "name 1", "name 0")
    batch, = evaluation_batches(data.test, 5, (3, 224, 224), PHOTOGRAPHS, kernels=KERNELS)
    assert list(batch.labels) == [2, 1, 0]
    assert np.array_equal(batch.images, data.test.read(range(3))[:, :, 16:240, 16:240])
    assert len(open_dataset("few-photographs", data_dir=folder).test) == 3
    monkeypatch.setenv("INTFLOW_DATA", str(tmp_path))
    assert len(open_dataset("few-photographs").test) == 3


def test_packs_by_a_name_of_ones_own(tmp_path):
    makers.write_pack(tmp_path / "mine.h5")
    assert open_dataset("mine", data_dir=tmp_path).name == "toy"


def test_encoder():
    assert PHOTOGRAPHS.encoding == "centred:124,116,104"
    images = np.array([[[[124, 0]], [[255, 116]], [[100, 104]]]], np.uint8)
    encoder = Encoder(PHOTOGRAPHS.encoding, Fixed(9, 8, symmetric=True))
    x = encoder.encode(KERNELS, images).check()
    assert x.axes == "HWNC" and x.codes.dtype == np.int16
    assert x.logical().tolist() == [[[[0, -124]], [[139, 0]], [[-4, 0]]]]
    with pytest.raises(FormatError, match="9 signed bits, got Q0.7"):
        Encoder(PHOTOGRAPHS.encoding, Fixed(8, 7))


def test_encoding_by_name():
    assert centres_of("centred:0,255").tolist() == [0, 255]
    assert centres_of("unit") is None and centres_of("symmetric") is None
    for wrong in ("centred", "centred:", "centred:1,,2", "centred:256", "centred:-1", "centred:1.5"):
        with pytest.raises(FormatError, match="one pixel from 0 to 255"):
            centres_of(wrong)
