"""Packs: written whole or not at all, streamed or read, and trusted in nothing."""

import h5py
import numpy as np
import pytest
from data import makers

from intflow.data import open_dataset
from intflow.data.sources import BadData, module
from intflow.errors import DatasetError

pack, writer, source = module("pack"), module("pack_writer"), module("source")


@pytest.mark.parametrize("compress", [False, True])
def test_round_trip(tmp_path, compress):
    data = open_dataset(makers.write_pack(tmp_path / "a" / "toy.h5", compress=compress))
    assert np.array_equal(data.train.read(range(20)), makers.images(20, 1, 6, 6, seed=20))
    assert np.array_equal(data.test.labels, makers.labels(10))
    assert data.classes == tuple("abcdefghij") and data.train.in_memory
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["toy.h5"]


@pytest.mark.parametrize("compress", [False, True])
def test_streaming_reads_the_same(tmp_path, compress):
    path = makers.write_pack(tmp_path / "toy.h5", compress=compress)
    whole, streamed = pack.open_pack(path), pack.open_pack(path, whole_limit=0)
    assert whole.train.in_memory and not streamed.train.in_memory
    order = [7, 3, 3, 19, 0]
    assert np.array_equal(streamed.train.read(order), whole.train.read(order))
    assert streamed.train.read([]).shape == (0, 1, 6, 6)
    pack.check_images(path)


def test_grey_packs_without_a_channel_axis(tmp_path):
    path = makers.write_pack(tmp_path / "toy.h5", compress=True)
    with h5py.File(path, "r+") as file:
        for split in ("train", "test"):
            old = file[f"{split}/images"]
            images, digest = old[:, 0], old.attrs["sha256"]
            del file[f"{split}/images"]
            file[split].create_dataset("images", data=images).attrs["sha256"] = digest
    assert open_dataset(path).shape == (1, 6, 6)


def test_the_same_data_gives_the_same_bytes(tmp_path):
    a, b = (makers.write_pack(tmp_path / name).read_bytes() for name in ("a.h5", "b.h5"))
    assert a == b


class Stops(source.ArrayImages):
    """Fails at the n-th read, like a killed program; counts what it read before."""

    def __init__(self, images, labels, after):
        super().__init__(images, labels)
        self.after, self.count = after, 0

    def read(self, indices, threads=1):
        if self.after == 0:
            raise KeyboardInterrupt
        self.after -= 1
        self.count += len(indices)
        return super().read(indices)


def toy(after):
    images = makers.images(40, 3, 8, 8)
    train = Stops(images, makers.labels(40), after)
    return source.Source("toy", "toy", tuple("abcdefghij"), "unit", "", "a test", train,
                         source.ArrayImages(images[:10], makers.labels(10)))


def test_a_stopped_run_goes_on_and_never_harms_the_old_pack(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "BLOCK", 4 * 192)
    monkeypatch.setattr(writer, "SAVE_EVERY", 8 * 192)
    whole = writer.write_pack(tmp_path / "whole.h5", toy(99), "x").read_bytes()
    path = tmp_path / "toy.h5"
    old = makers.write_pack(path).read_bytes()
    with pytest.raises(KeyboardInterrupt):
        writer.write_pack(path, toy(5), "x")
    assert path.read_bytes() == old
    rest = toy(99)
    assert writer.write_pack(path, rest, "x").read_bytes() == whole
    assert rest.train.count == 40 - 16     # four blocks of five were on the disk for good


def test_a_partial_file_of_other_data_is_not_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "BLOCK", 192)
    monkeypatch.setattr(writer, "SAVE_EVERY", 192)
    with pytest.raises(KeyboardInterrupt):
        writer.write_pack(tmp_path / "toy.h5", toy(5), "x")
    other = toy(99)
    writer.write_pack(tmp_path / "toy.h5", other, "another source")
    assert other.train.count == 40


def test_two_runs_at_once_are_refused(tmp_path):
    with writer._locked(tmp_path / "toy.h5.partial.json", "toy.h5"):
        with pytest.raises(BadData, match="another run is writing it"):
            makers.write_pack(tmp_path / "toy.h5")


def test_other_files_are_never_written_over(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadData, match="is no pack"):
        makers.write_pack(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_every_cut_and_many_altered_bytes_are_found(tmp_path):
    """A damaged pack is refused, or reads as the very same data (padding has no meaning)."""
    path = makers.write_pack(tmp_path / "toy.h5")
    content, good = path.read_bytes(), open_dataset(path)
    damaged = tmp_path / "damaged.h5"
    for end in range(0, len(content), 211):
        damaged.write_bytes(content[:end])
        with pytest.raises(DatasetError):
            open_dataset(damaged)
    survived = 0
    for at in range(0, len(content), 83):
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1:])
        try:
            data = open_dataset(damaged)
        except DatasetError:
            continue
        survived += 1
        assert np.array_equal(data.train.read(range(20)), good.train.read(range(20)))
        assert np.array_equal(data.train.labels, good.train.labels)
    assert survived < len(content) // 83


def test_a_file_cut_while_it_is_read(tmp_path):
    path = makers.write_pack(tmp_path / "toy.h5")
    streamed = pack.open_pack(path, whole_limit=0)
    path.write_bytes(path.read_bytes()[:streamed.train.offset + 40])
    with pytest.raises(BadData, match="ended while it was read"):
        streamed.train.read([5])
