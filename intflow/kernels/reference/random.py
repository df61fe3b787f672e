"""The random stream of random_streams.py: Philox4x32-10 (Salmon et al., Random123)."""

import numpy as np

from ...random_streams import purpose_number
from .primitives import check_between

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85          # golden ratio, sqrt(3) - 1
ROUNDS = 10
U32 = 0xFFFFFFFF
STREAM_LENGTH = 1 << 34


def philox4x32(counter, key):
    """Philox4x32-10: four words from a counter of four and a key of two.

    Parameters
    ----------
    counter, key : 4 and 2 Python integers or u64 arrays, each value below 2**32.

    Exactness
    ---------
    Products are below 2**64; only the low 32 bits of a key sum are kept.

    Examples
    --------
    All zeros: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0 = c0 * MULTIPLIERS[0]
        p1 = c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & U32, (p0 >> 32) ^ c3 ^ k1, p0 & U32
        k0, k1 = (k0 + KEY_STEPS[0]) & U32, (k1 + KEY_STEPS[1]) & U32
    return c0, c1, c2, c3


def random_u32(out, seed, purpose, step, tensor, first=0):
    """Elements first .. first + n - 1 of a random stream.

    Parameters
    ----------
    out : (n,) u32. Overwritten.
    seed : int in [0, 2**64).
    purpose : name or number, see random_streams.PURPOSES.
    step, tensor : int in [0, 2**32).
    first : int >= 0; first + n <= 2**34.

    Examples
    --------
    seed 0, purpose 0, step 0, tensor 0: element 0 is 0x6627e8d5, element 256 is 0xe169c58d.
    """
    check_between("random_u32", "seed", seed, 0, (1 << 64) - 1)
    check_between("random_u32", "first", first, 0, STREAM_LENGTH - out.size)
    purpose = purpose_number(purpose)
    for name, value in (("purpose", purpose), ("step", step), ("tensor", tensor)):
        check_between("random_u32", name, value, 0, U32)
    i = np.arange(first, first + out.size, dtype=np.uint64)
    block = ((i >> np.uint64(10)) << np.uint64(8)) | (i & np.uint64(255))
    word = (i >> np.uint64(8)) & np.uint64(3)
    zero = np.zeros_like(i)
    counter = block, zero + np.uint64(tensor), zero + np.uint64(step), zero + np.uint64(purpose)
    words = philox4x32(counter, (seed & U32, seed >> 32))
    out[...] = np.choose(word.astype(np.int64), words)
