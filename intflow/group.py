"""The workers that share a batch: what one of them needs to know of all.

Sums and maxima over the images of a batch go through the group of the run, so that N workers
compute what one would: integer sums do not depend on their order. `Alone` is the group of one and
says what every group offers; `parallel/` has the one of many processes.
"""

from typing import NamedTuple


class Share(NamedTuple):
    """A worker's part of a batch: `count` of its `whole` images, from image `first` on.

    counts : False for a worker without an image of its own, where there are more workers than
        images. It computes the first image along, so that it takes part in every exchange: that
        changes no maximum, and to sums it adds nothing; see `Idle`.
    """

    first: int
    count: int
    whole: int
    counts: bool = True


def share_of(rank, size, whole):
    """The Share of worker `rank` of `size`: as equal as can be, the longer ones first.

    Examples
    --------
    8 images, 3 workers: images 0-2, 3-5, 6-7. 2 images: 0, 1, and the third computes image 0 along.
    """
    count, longer = divmod(whole, size)
    if rank >= whole:
        return Share(0, 1, whole, counts=False)
    return Share(rank * count + min(rank, longer), count + (rank < longer), whole)


class Alone:
    """One worker that holds the whole batch.

    rank : int; number of this worker. size : int; how many there are.
    threads : int or None; tasks that this worker should split its kernels into, None for its own
        choice. traffic : counts of what is exchanged, None where nothing is.
    """

    rank = 0
    size = 1
    threads = None
    traffic = None

    def share(self, whole):
        """This worker's Share of a batch of `whole` images."""
        return share_of(self.rank, self.size, whole)

    def sum(self, codes):
        """Integer array, summed over the workers element by element; the caller proves the bits."""
        return codes

    def start_sum(self, codes, bits):
        """`sum` beside what follows: the array that is returned is whole after `finish_sums`.

        bits : hold the sum over all workers; it may travel in as few.
        """
        return codes

    def finish_sums(self):
        """Wait until all that was started is whole."""

    def maximum(self, value):
        """The largest of the workers' integers."""
        return value

    def totals(self, numbers):
        """Integers below 2**127, each summed over the workers."""
        return list(numbers)

    def any(self, flag):
        """Whether the flag is set at one of the workers."""
        return bool(flag)

    def agree(self, text):
        """Raise UsageError, everywhere, unless all workers give the same text."""

    def expect(self, advice):
        """What to tell a user whose program was killed."""

    def leave(self, code, message, say):
        """The end of the program: `say` the message, once for all workers."""
        if message:
            say(message)


ALONE = Alone()


class Idle:
    """A group as a worker sees it that only computes the first image along: it adds nothing."""

    def __init__(self, group):
        self.group, self.rank, self.size = group, group.rank, group.size

    def sum(self, codes):
        """The sum of the others."""
        return self.group.sum(codes * 0)

    def start_sum(self, codes, bits):
        """The sum of the others, after `finish_sums`."""
        return self.group.start_sum(codes * 0, bits)

    def finish_sums(self):
        """Wait until all that was started is whole."""
        self.group.finish_sums()

    def maximum(self, value):
        """The largest of the workers' integers."""
        return self.group.maximum(value)

    def totals(self, numbers):
        """The totals of the others."""
        return self.group.totals([0 for _ in numbers])


_joined = ALONE


def join(group):
    """Make `group` the one of this process, so that its end is told to the others."""
    global _joined
    _joined = group
    return group


def joined():
    """The group that this process belongs to."""
    return _joined
