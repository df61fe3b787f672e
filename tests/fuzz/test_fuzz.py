"""A few damaged files for every reader; scripts/fuzz makes ten thousand."""

from pathlib import Path

import pytest
from fuzz.readers import READERS
from fuzz.worker import Guard, one

CASES = 30


@pytest.fixture(scope="module")
def guard():
    return Guard()


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name, guard, tmp_path):
    """Read, or refused in one line: nothing runs, nothing is written, little memory is asked for."""
    for number in range(CASES):
        assert one(name, READERS[name], number, tmp_path / "case", guard) is None, number


@pytest.mark.parametrize("name", READERS)
def test_cases_are_the_same_everywhere(name):
    """A finding is named by its number."""
    first = [READERS[name].case(name, number) for number in range(3)]
    assert first == [READERS[name].case(name, number) for number in range(3)]
    assert len(set(first)) > 1


def test_the_guard_sees_what_a_file_must_not_do(guard, tmp_path):
    """Programs, files written elsewhere, files read elsewhere."""
    import os

    (tmp_path / "outside").write_text("secret")
    for act in (lambda path: os.system("true"), lambda path: open(tmp_path / "new", "w").close(),
                lambda path: Path(tmp_path, "outside").read_text()):
        reader = type(READERS["idx"])(act, "x", READERS["idx"].sources)
        assert one("idx", reader, 0, tmp_path / "case", guard) is not None
    reader = type(READERS["idx"])(lambda path: path.read_bytes(), "x", READERS["idx"].sources)
    assert one("idx", reader, 0, tmp_path / "case", guard) is None
