"""Batches: a function of seed, epoch and step; the thread behind them closes cleanly."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from data import makers
from hypothesis import given
from hypothesis import strategies as st

from intflow.data import batches, epoch_order, evaluation_batches, open_dataset
from intflow.data.augment import PAD, RULES, larger, window
from intflow.data.resize import to_size
from intflow.errors import DatasetError, UnknownNameError
from intflow.kernels.reference.encode import resize_bilinear
from intflow.kernels.reference.random import random_u32
from intflow.random_streams import PURPOSES

KERNELS = SimpleNamespace(random_u32=random_u32, resize_bilinear=resize_bilinear)


@pytest.fixture
def split(tmp_path):
    return open_dataset(makers.write_pack(tmp_path / "toy.h5", train=23)).train


def run(split, **changes):
    options = dict(batch_size=5, input_shape=split.shape, rule="crop_flip", seed=3, epoch=1,
                   kernels=KERNELS)
    return list(batches(split, **{**options, **changes}))


def same(a, b):
    return len(a) == len(b) and all(
        x.step == y.step and np.array_equal(x.images, y.images) and np.array_equal(x.labels, y.labels)
        for x, y in zip(a, b)
    )


def test_an_epoch_is_a_permutation_without_the_incomplete_batch(split):
    epoch = run(split, rule="none")
    assert [b.step for b in epoch] == [0, 1, 2, 3]
    order = epoch_order(23, 3, 1, KERNELS)
    assert sorted(order) == list(range(23))
    for batch in epoch:
        chosen = order[5 * batch.step:5 * batch.step + 5]
        assert np.array_equal(batch.images, split.read(chosen))
        assert np.array_equal(batch.labels, split.labels[chosen])


def test_the_order_is_that_of_64_bit_keys():
    words = np.empty(20, np.uint32)
    random_u32(words, 3, PURPOSES["shuffle"], 1, 0)
    keys = [(int(words[2 * i]) << 32) | int(words[2 * i + 1]) for i in range(10)]
    assert list(epoch_order(10, 3, 1, KERNELS)) == sorted(range(10), key=keys.__getitem__)


def test_same_seed_same_bits_and_resuming_changes_nothing(split):
    whole = run(split)
    assert same(whole, run(split))
    assert same(whole[2:], run(split, start_step=2))
    assert run(split, start_step=4) == []
    assert not same(whole, run(split, epoch=2)) and not same(whole, run(split, seed=4))


def test_threads_change_nothing(tmp_path):
    makers.write_classes(tmp_path, {"a": 10, "b": 10})
    split = open_dataset(tmp_path).train
    options = dict(input_shape=(3, 32, 32), rule="image_folder")
    assert same(run(split, **options), run(split, threads=3, **options))


def test_evaluation_keeps_order_and_the_last_batch(split):
    parts = list(evaluation_batches(split, 10, split.shape, "crop_flip", kernels=KERNELS))
    assert [len(b.labels) for b in parts] == [10, 10, 3]
    assert np.array_equal(np.concatenate([b.images for b in parts]), split.read(range(23)))


def test_grey_becomes_rgb_by_replication(split):
    images = run(split, input_shape=(3, 12, 12), rule="none")[0].images
    assert images.shape == (5, 3, 12, 12) and images.flags.c_contiguous
    assert np.array_equal(images[:, 0], images[:, 2])


def test_errors_reach_the_consumer(split, tmp_path):
    for options, message in (
        (dict(input_shape=(2, 6, 6)), None),
        (dict(batch_size=24), "a batch of 24 is more than the 23 training images"),
        (dict(batch_size=0), "makes no batch"),
    ):
        if message:
            with pytest.raises(DatasetError, match=message):
                run(split, **options)
    with pytest.raises(UnknownNameError, match="did you mean crop_flip"):
        run(split, rule="crop_flp")
    makers.write_classes(tmp_path / "p", {"a": 10, "b": 10})
    (tmp_path / "p" / "a" / "003.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    torn = open_dataset(tmp_path / "p").train
    with pytest.raises(DatasetError, match="003.jpg: unreadable picture"):
        run(torn, input_shape=(3, 8, 8))


def test_colour_images_for_a_grey_model(tmp_path):
    colour = open_dataset(makers.write_pack(tmp_path / "c.h5", shape=(3, 6, 6))).train
    with pytest.raises(DatasetError, match="have 3 channels, the model expects 1"):
        run(colour, input_shape=(1, 6, 6))


def test_reading_is_ahead_but_bounded_and_stops_when_closed(split):
    read = []

    class Counting:
        labels, shape = split.labels, split.shape

        def __len__(self):
            return len(split)

        def read(self, indices, threads):
            read.append(len(indices))
            return split.read(indices)

    stream = batches(Counting(), 1, split.shape, "none", 1, 1, kernels=KERNELS)
    next(stream)
    deadline = time.monotonic() + 5
    while len(read) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(read) == 4      # one consumed, two waiting, one in hand
    stream.close()
    assert not [t for t in threading.enumerate() if t.name == "intflow batches"]


def test_crop_and_flip_are_the_documented_function_of_the_word(split):
    words = np.empty(5, np.uint32)
    random_u32(words, 3, PURPOSES["augment"], 1, 0, first=10)
    chosen = split.read(epoch_order(23, 3, 1, KERNELS)[10:15])
    for rule in ("crop", "crop_flip"):
        got = run(split, rule=rule)[2].images
        for image, word, out in zip(chosen, words.tolist(), got):
            padded = np.pad(image, ((0, 0), (PAD, PAD), (PAD, PAD)))
            top, left = ((word & 0x7FFF) * 9) >> 15, (((word >> 15) & 0xFFFF) * 9) >> 16
            want = padded[:, top:top + 6, left:left + 6]
            want = want[:, :, ::-1] if rule == "crop_flip" and word >> 31 else want
            assert np.array_equal(out, want)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_windows_lie_inside(word, height, width, flip):
    image = np.arange(81, dtype=np.uint8).reshape(1, 1, 9, 9)
    out = window(image, np.array([word], np.uint32), (height, width), flip)[0, 0]
    out = out[:, ::-1] if flip and word >> 31 else out
    top, left = divmod(int(out[0, 0]), 9)
    assert np.array_equal(out, image[0, 0, top:top + height, left:left + width])


def test_every_offset_occurs_equally_often():
    """All 2**16 values of the bits that choose a column: shares differ by at most one."""
    words = (np.arange(1 << 16, dtype=np.uint32) << 15)
    counts = np.bincount(((words.astype(np.int64) >> 15 & 0xFFFF) * 9) >> 16)
    assert len(counts) == 9 and counts.max() - counts.min() <= 1


def test_sizes_of_image_folder():
    assert larger((224, 227)) == (256, 256) and larger((32, 64)) == (37, 73)
    assert larger((299, 8)) == (342, 9)


def test_halving_before_resizing_averages_every_pixel():
    image = makers.images(1, 1, 64, 64)
    quarters = image.astype(int).reshape(1, 1, 32, 2, 32, 2).sum(axis=(3, 5))
    assert np.array_equal(to_size(image, (32, 32), KERNELS), (quarters + 2) >> 2)
    assert (to_size(np.full((2, 3, 256, 256), 77, np.uint8), (28, 30), KERNELS) == 77).all()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_gives_the_asked_size(rule, split):
    for words in (None, np.arange(4, dtype=np.uint32) << 29):
        out = RULES[rule](split.read(range(4)), words, (9, 7), KERNELS)
        assert out.shape == (4, 1, 9, 7) and out.dtype == np.uint8


def test_a_stream_that_nobody_closes_does_not_keep_its_thread(split):
    stream = batches(split, 1, split.shape, "none", 1, 1, kernels=KERNELS)
    next(stream)
    del stream
    assert not [t for t in threading.enumerate() if t.name == "intflow batches"]
