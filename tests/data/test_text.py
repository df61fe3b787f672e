"""Texts: tokens, vocabularies, streams and windows; and what is no text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.data import batches, evaluation_batches, open_dataset, reading, steps_per_epoch
from intflow.data.dataset import Split
from intflow.data.sources import module
from intflow.errors import DatasetError

text = module("text")


@pytest.mark.parametrize("unit, written, tokens", [
    ("words", "a b\nc", ["a", "b", "<eos>", "c", "<eos>"]),
    ("words", " a  b \n\nc \r\n", ["a", "b", "<eos>", "<eos>", "c", "<eos>"]),
    ("words", "", []),
    ("characters", "a b\nü", ["a", "U+0020", "b", "U+000A", "ü"]),
])
def test_tokens(unit, written, tokens):
    assert text.tokens_of(written, unit) == tokens


@pytest.mark.parametrize("train, others, most, vocabulary", [
    ("b b a c", "a", 0, ["b", "a", "c"]),
    ("b b a c", "d", 0, ["b", "a", "c", "<unk>"]),
    ("b b a c", "a", 2, ["b", "<unk>"]),
    ("b b a c d", "a", 3, ["b", "a", "<unk>"]),
    ("b b a c", "a", 3, ["b", "a", "c"]),
    ("<unk> b b a c c c", "a", 3, ["c", "b", "<unk>"]),
])
def test_vocabulary(train, others, most, vocabulary):
    assert text.vocabulary_of([train.split(), others.split()], most, "here") == vocabulary


def write(tmp_path, content, name="mine.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_is_cut_into_three_parts(tmp_path):
    """40 characters: 36 train, 2 valid, 2 test; every token comes back by its name."""
    written = "abcdefghij" * 4
    dataset = open_dataset(write(tmp_path, written), text=reading("characters"))
    assert dataset.encoding == "tokens" and dataset.classes == tuple("abcdefghij")
    parts = [dataset.train, dataset.valid, dataset.test]
    assert [len(part.tokens) for part in parts] == [36, 2, 2]
    assert "".join(dataset.classes[i] for part in parts for i in part.tokens) == written
    assert (dataset.train.labels == dataset.train.tokens[1:]).all()


def test_a_network_keeps_its_vocabulary(tmp_path):
    known = ("x", "y", "<unk>", "<eos>")
    dataset = open_dataset(write(tmp_path, "x z y\n" * 20), text=reading("words", 0, known))
    assert dataset.classes == known
    assert dataset.train.tokens[:4].tolist() == [0, 2, 1, 3]


def test_three_files_are_a_set(tmp_path):
    """Files that are not the published ones are refused by name, and read as a file by path."""
    for part in ("train", "valid", "test"):
        write(tmp_path, "no market\n" * 60, f"ptb.{part}.txt")
    with pytest.raises(DatasetError, match="not Penn Treebank: 600 bytes where the published file has"):
        open_dataset("ptb", tmp_path)
    assert open_dataset(tmp_path / "ptb.train.txt").classes == ("<eos>", "market", "no")


@given(length=st.integers(2, 60), streams=st.integers(1, 6), steps=st.integers(1, 7), start=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_windows_follow_the_text(length, streams, steps, start):
    """Put side by side again, windows are the streams; labels are what comes next."""
    split = Split(text.Tokens(np.arange(length, dtype=np.int32)))
    part = (length - 1) // streams
    whole = part // steps
    if not whole:
        with pytest.raises(DatasetError, match="use a smaller --batch-size"):
            steps_per_epoch(split, streams, (steps,))
        return
    assert steps_per_epoch(split, streams, (steps,)) == whole
    made = list(batches(split, streams, (steps,), "none", 1, 0, start))
    assert [window.step for window in made] == list(range(start, whole))
    for window in made:
        for b, (tokens, labels) in enumerate(zip(window.images.tolist(), window.labels.tolist())):
            first = b * part + window.step * steps
            assert tokens == list(range(first, first + steps))
            assert labels == list(range(first + 1, first + steps + 1))


@pytest.mark.parametrize("length, told", [(2, 1), (11, 10), (2348, 2340)])
def test_an_evaluation_tells_all_but_the_rest(length, told):
    """(N - 1) // 10 tokens of ten streams, in windows of up to 100."""
    split = Split(text.Tokens(np.arange(length, dtype=np.int32)))
    made = [window.labels for window in evaluation_batches(split, 100, (4,))]
    assert sum(labels.size for labels in made) == told
    assert all(labels.shape[1] <= 100 for labels in made)


@pytest.mark.parametrize("content, unit, words", [
    (b"", "words", "0 words in its train part"),
    (b"one two", "words", "words in its valid part"),
    (b"caf\xe9 " * 50, "words", r"not UTF-8 text \(byte 3\)"),
    (b"a\0b" * 50, "characters", "zero byte at character 1"),
])
def test_bad_text(tmp_path, content, unit, words):
    with pytest.raises(DatasetError, match=words) as caught:
        open_dataset(write(tmp_path, content), text=reading(unit))
    assert "\n" not in str(caught.value)


def test_a_vocabulary_without_the_unknown(tmp_path):
    with pytest.raises(DatasetError, match="'z' is not in the vocabulary, which has no <unk>"):
        open_dataset(write(tmp_path, "x z\n" * 40), text=reading("words", 0, ("x", "<eos>")))


def test_ptb_is_not_here(tmp_path):
    with pytest.raises(DatasetError, match="put ptb.train.txt, ptb.valid.txt, ptb.test.txt into a folder"):
        open_dataset("ptb", tmp_path)
