"""What workers exchange so that each has the sum of all gradients.

A ring of K workers cuts every tensor of n numbers into K parts of m = ceil(n / K). In K - 1
rounds each worker adds a part that it receives and passes it on; in K - 1 more the finished parts
go round. So a worker sends 2 (K - 1) m numbers, receives as many, and adds (K - 1) m.

`exchange` says what the engine hands to MPI in a step, whatever algorithm MPI then takes.
"""

from ..formats import Fixed
from .counts import Counts
from .widths import container, stored_bits

MAXIMUM_BYTES = 8           # the largest error of a layer
TOTALS_BYTES = 2 * 4 * 8    # wrong images and loss, of four 64-bit words each


def travelling(bits):
    """The format in which a sum of at most `bits` bits travels: 16, 32 or 64.

    Examples
    --------
    15: 16 bits; 17: 32; 33: 64.
    """
    return Fixed(next(width for width in (16, 32, 64) if bits <= width), 0)


def exchange(gradients, maxima):
    """{kind: {"messages", "bytes"}} of one worker and step; see `parallel.traffic`.

    gradients : [(numbers, bits of the sum over the whole batch)]. maxima : errors that are narrowed
    by their largest.

    Examples
    --------
    One layer of 1000 weights and 22 bits, one maximum: 4000 bytes, 8 bytes, and 64 of totals.
    """
    size = sum(n * stored_bits(travelling(bits)) // 8 for n, bits in gradients)
    counts = {"gradients": (len(gradients), size), "maxima": (maxima, maxima * MAXIMUM_BYTES),
              "totals": (1, TOTALS_BYTES)}
    return {kind: {"messages": messages, "bytes": size}
            for kind, (messages, size) in counts.items() if messages}


def ring(n, fmt, workers):
    """Counts of one worker for one tensor, exact sums that travel in the format `fmt`."""
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
