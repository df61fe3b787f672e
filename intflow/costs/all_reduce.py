"""What workers exchange so that each has the sum of all gradients.

A ring of K workers cuts every tensor of n numbers into K parts of m = ceil(n / K). In K - 1
rounds each worker adds a part that it receives and passes it on; in K - 1 more the finished parts
go round. So a worker sends 2 (K - 1) m numbers, receives as many, and adds (K - 1) m.
"""

from .counts import Counts
from .widths import container


def ring(n, fmt, workers):
    """Counts of one worker for one tensor: exact sums, as wide as the engine stores a gradient."""
    part = -(-n // workers)
    sent = 2 * (workers - 1) * part
    return Counts.of([("add", container(fmt), (workers - 1) * part)],
                     [("gradients", sent, fmt)], [("gradients", sent, fmt)])


def narrow_bits(bits, workers):
    """Bits of a sum of K codes of `bits` bits: log2(K) more, rounded up.

    Examples
    --------
    8 bits, 4 workers: 4 * 127 = 508, 10 bits.
    """
    return bits + (workers - 1).bit_length()


def sent_bytes(sizes, bits, workers):
    """Bytes that one worker sends for tensors of these sizes, `bits` a number, packed.

    Examples
    --------
    One tensor of 1000, 8 bits, 4 workers: 2 * 3 * 250 = 1500 bytes.
    """
    numbers = sum(2 * (workers - 1) * -(-n // workers) for n in sizes)
    return -(-numbers * bits // 8)
