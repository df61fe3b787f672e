"""One round of every fault; scripts/faults makes a hundred."""

from random import Random

import pytest
from command_line import call
from faults.rounds import FILES, ROUNDS, Place, Skipped, damaged


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("faults"))


# Damage is below, file by file; signals from outside are in test_command_line and test_long_runs.
@pytest.mark.parametrize("kind", ["killed inside a write", "full disk", "read only"])
def test_a_round(kind, place):
    try:
        ROUNDS[kind](place, Random(1))
    except Skipped as reason:
        pytest.skip(str(reason))


class First(Random):
    """A Random that always chooses one thing."""

    def __init__(self, name):
        super().__init__(1)
        self.name = name

    def choice(self, _):
        return self.name


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [
    lambda content: content[:len(content) // 2], lambda content: b"", lambda content: None,
    lambda content: content[:200] + bytes([content[200] ^ 4]) + content[201:],
], ids=["half", "empty", "missing", "a bit"])
def test_damage(name, change, place):
    """Of every file that a run writes; what the message says to do leads to the same bits."""
    damaged(place, First(name), change)


def test_nothing_whole_is_left(place, capsys):
    """Then the message says how to get the same bits once more."""
    run = place.fresh(place.stopped)
    for name in ("checkpoint.h5", "best.h5"):
        (run / name).write_bytes(b"")
    code, _, err = call(capsys, "train", "--resume", run)
    assert code == 1 and f"start again, for the same bits, with: intflow train --config {run}" in err
    (run / "config.toml").write_bytes(b"=")
    code, _, err = call(capsys, "train", "--resume", run)
    assert code == 1 and "start again" not in err and len(err.splitlines()) == 1


def test_a_folder_that_cannot_be_gone_on_with(place, capsys):
    run = place.fresh(place.stopped)
    for name in ("checkpoint.h5", "best.h5"):
        (run / name).unlink()
    code, _, err = call(capsys, *place.train(run))
    assert code == 2 and "has no checkpoint" in err
