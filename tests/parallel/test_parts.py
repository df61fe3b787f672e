"""What a group is made of, without MPI: shares, sums of Python integers, threads, failures."""

import os
import signal
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow import Trainer
from intflow.data import batches
from intflow.errors import BackendError, OverflowStop, RangeError, ShapeError, UsageError
from intflow.group import ALONE, Alone, Idle, share_of
from intflow.kernels import load
from intflow.layers import Flatten, Linear, Sequential
from intflow.parallel import find_group
from intflow.parallel.launch import is_launched, launched_rank
from intflow.parallel.limbs import joined, split
from intflow.parallel.node import threads_for
from intflow.parallel.watchman import Watchman

KERNELS = load("portable", 1)


@given(st.integers(1, 300), st.integers(1, 40))
def test_shares_are_the_whole_batch(whole, size):
    shares = [share_of(rank, size, whole) for rank in range(size)]
    images = [i for s in shares if s.counts for i in range(s.first, s.first + s.count)]
    assert images == list(range(whole))
    counts = [s.count for s in shares if s.counts]
    assert max(counts) - min(counts) <= 1
    assert all((s.first, s.count) == (0, 1) for s in shares if not s.counts)


BIG = st.integers(-(1 << 127), (1 << 127) - 1)


@given(st.lists(st.lists(st.integers(-(1 << 119), 1 << 119), min_size=2, max_size=2),
                min_size=1, max_size=5), BIG)
def test_integers_of_any_size_are_summed(workers, one):
    summed = sum(split(numbers) for numbers in workers)
    assert joined(summed) == [sum(column) for column in zip(*workers)]
    assert joined(split([one])) == [one]


def test_larger_integers_are_refused():
    with pytest.raises(RangeError, match="below 2\\*\\*127"):
        split([0, 1 << 127])


@pytest.mark.parametrize("cores, workers, own, threads", [
    (8, 3, 8, 2), (8, 2, 4, 4), (2, 3, 2, 1), (1, 1, 1, 1), (64, 2, 64, 32)])
def test_threads_share_the_cores(cores, workers, own, threads):
    assert threads_for(cores, workers, own) == threads


@pytest.mark.parametrize("variables, rank, several", [
    ({"PMI_RANK": "1", "PMI_SIZE": "2"}, 1, True), ({"PMI_RANK": "0", "PMI_SIZE": "1"}, 0, False),
    ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, 3, True), ({}, 0, False),
    ({"PMI_RANK": "x", "PMI_SIZE": "2"}, 0, False)])
def test_launchers_are_known(monkeypatch, variables, rank, several):
    for name in [name for name in os.environ if name.startswith(("PMI", "OMPI", "SLURM"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (launched_rank(), is_launched()) == (rank, several)


def test_without_mpi_it_is_said_what_to_do(monkeypatch):
    assert find_group("none") is ALONE
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "intflow.parallel.mpi", raising=False)
    with pytest.raises(BackendError, match="pip install 'intflow\\[mpi\\]'"):
        find_group("mpi")


@pytest.mark.parametrize("size", [2, 3, 7])
def test_workers_read_what_one_would(size):
    """Order, crops and flips go by the place in the whole batch."""
    class Split:
        shape, tokens = (1, 8, 8), None
        labels = np.arange(11)

        def __len__(self):
            return 11

        def read(self, indices, threads=1):
            return np.random.default_rng(0).integers(0, 256, (11, 1, 8, 8), np.uint8)[indices]

    def read(share=None):
        return list(batches(Split(), 5, (1, 8, 8), "crop_flip", 1, 2, kernels=KERNELS, share=share))

    shares = [share_of(rank, size, 5) for rank in range(size)]
    parts = [read(share) for share in shares if share.counts]
    for step, batch in enumerate(read()):
        assert (np.concatenate([p[step].images for p in parts]) == batch.images).all()
        assert np.concatenate([p[step].labels for p in parts]).tolist() == batch.labels.tolist()


def small(batch_size=4, **settings):
    return Trainer(Sequential(Flatten(), Linear(2)), input_shape=(1, 2, 2), batch_size=batch_size,
                   kernels=KERNELS, **settings)


class Second(Alone):
    """Worker 1 of 2, whose other one has nothing to add."""

    rank, size = 1, 2


def test_a_share_of_another_size_is_refused():
    images, labels = np.zeros((3, 1, 2, 2), np.uint8), np.zeros(3, int)
    with pytest.raises(ShapeError, match="share of a batch of 4 is 2 images, got 3"):
        small(group=Second()).step(images, labels, whole=4)
    with pytest.raises(ShapeError, match="proven for batches of 2, got 4"):
        small(2, group=Second()).step(images[:2], labels[:2], whole=4)


def test_a_device_that_may_overflow_in_the_sum_over_the_batch_is_refused():
    images, labels = np.zeros((4, 1, 2, 2), np.uint8), np.zeros(4, int)
    device = '[gradient]\nbits = 17\noverflow = "saturate"\n'      # 4 * 127 * 127 = 64516 needs 17
    small(4, device=device, group=Second()).step(images, labels)
    device = device.replace("17", "16")
    with pytest.raises(UsageError, match="linear_1: .* 2 workers cannot follow"):
        small(4, device=device, group=Second()).step(images, labels)


def test_the_idle_add_nothing():
    class Two(Alone):
        """The other worker has 5 everywhere."""

        size = 2

        def sum(self, codes):
            return codes + 5

        def totals(self, numbers):
            return [number + 5 for number in numbers]

    idle = Idle(Two())
    assert idle.sum(np.array([3, -4], np.int8)).tolist() == [5, 5]
    assert idle.totals([7, 1 << 90]) == [5, 5]


def test_a_failure_keeps_its_class():
    try:
        from intflow.parallel import notes
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"no MPI here: {error}")
    error = notes.error_of(2, notes.packed(1, "OverflowStop", "conv2d_1: too much"))
    assert type(error) is OverflowStop and str(error) == "worker 2: conv2d_1: too much"
    error = notes.error_of(1, notes.packed(1, "MemoryError", "out of memory"))
    assert (str(error), error.exit_code) == ("worker 1: out of memory", 1)
    error = notes.error_of(1, notes.packed(1, "OverflowTrap", "the sum 200 does not fit"))
    assert str(error) == "worker 1: the sum 200 does not fit"


@pytest.mark.parametrize("end, line", [
    ("dismissed", b""),
    ("killed", b"intflow: a worker was killed, and with it the job; try again\n"),
])
def test_the_watchman_speaks_of_the_killed_alone(end, line):
    read, write = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.dup2(write, 2)
        os.environ.update(PMI_RANK="0", PMI_SIZE="2")
        watchman = Watchman.hired("auto")
        watchman.expect("fill the disk")
        watchman.expect("try again")
        if end == "dismissed":
            watchman.dismiss()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(worker, 0)
    os.close(write)
    with open(read, "rb") as said:          # ends when the watchman has gone
        assert said.read() == line
