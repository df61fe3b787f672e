"""The workers that share a batch: what one of them needs to know of all.

Sums and maxima over the images of a batch go through the group of the run, so that N workers
compute what one would: integer sums do not depend on their order.
"""


class Alone:
    """One worker that holds the whole batch.

    rank : int; number of this worker. size : int; how many there are.
    """

    rank = 0
    size = 1

    def sum(self, codes):
        """Integer array, summed over the workers element by element; the caller proves the bits."""
        return codes

    def maximum(self, value):
        """The largest of the workers' integers."""
        return value


ALONE = Alone()
