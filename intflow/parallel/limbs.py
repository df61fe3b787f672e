"""Integers of up to 128 bits as rows of 64-bit ones that may be summed.

    n = limb[0] + limb[1] * 2**32 + limb[2] * 2**64 + limb[3] * 2**96

The lower three lie in [0, 2**32), so sums over fewer than 2**31 workers fit.
"""

import numpy as np

from ..errors import RangeError

LIMBS, BITS = 4, 32


def split(numbers):
    """int64 (n, 4) of n integers in [-2**127, 2**127).

    Examples
    --------
    -1: [2**32 - 1, 2**32 - 1, 2**32 - 1, -1].
    """
    for number in numbers:
        if not -(1 << 127) <= number < 1 << 127:
            raise RangeError(f"workers sum integers below 2**127, got {number}; use fewer images")
    low = (1 << BITS) - 1
    rows = [[*(n >> BITS * i & low for i in range(LIMBS - 1)), n >> BITS * (LIMBS - 1)]
            for n in map(int, numbers)]
    return np.array(rows, np.int64).reshape(-1, LIMBS)


def joined(limbs):
    """The integers of `split`, also where several of its arrays were added."""
    return [sum(limb << BITS * i for i, limb in enumerate(row)) for row in limbs.tolist()]
