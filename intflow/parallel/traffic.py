"""What is exchanged, counted where it is handed to MPI.

A *message* is one collective sum or maximum; its bytes are those of the array that every worker
puts in and gets back. How many bytes then travel depends on the algorithm: in a ring of K workers
each sends 2 (K - 1) / K of them (see `costs.all_reduce`).
"""

KINDS = ("gradients", "sums", "maxima", "totals", "control")


class Traffic:
    """Counts since the start, or since they were taken.

    gradients : that travel beside the backward pass. sums : over the images, of batch norms.
    maxima : of errors, for their common step. totals : loss and other counts of a step.
    control : whether to stop, and the checks at the start.
    """

    def __init__(self):
        self._counts = {kind: [0, 0] for kind in KINDS}

    def add(self, kind, size):
        """A message of `size` bytes."""
        self._counts[kind][0] += 1
        self._counts[kind][1] += size

    def to_dict(self):
        """{kind: {"messages", "bytes"}} of the kinds that occurred."""
        return {kind: {"messages": messages, "bytes": size}
                for kind, (messages, size) in self._counts.items() if messages}

    def taken(self):
        """`to_dict`; the counts begin anew."""
        counts = self.to_dict()
        self.__init__()
        return counts
