"""The random stream on vectors: a lane is a block, so nothing is shuffled between lanes.

Words travel as the low halves of u64 lanes: a round is then two 32x32 multiplications, two
shifts and four xors of whole lanes. The high halves may hold anything in between.
"""

import numpy as np
from numba import njit

from ...random_streams import purpose_number
from ..buffers import is_planning
from .primitives import SERIAL, add, band, bxor, mul, narrowed, srl

GROUP = 1024            # elements of 256 blocks
BLOCKS = 256
U32 = 0xFFFFFFFF
MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
KEY_STEP_0, KEY_STEP_1 = 0x9E3779B9, 0xBB67AE85


def random_u32(out, seed, purpose, step, tensor, first=0):
    """Whole groups straight into out, parts of groups through a buffer."""
    stream = (tensor, step, purpose_number(purpose), seed & U32, seed >> 32)
    if not is_planning():
        _random_u32(out, np.empty(GROUP, np.uint32), first, *stream)


@njit(inline="always", **SERIAL)        # inlined early, or the loop over blocks is no vector loop
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10; u64 operands below 2**32, results in the low halves."""
    for _ in range(10):
        p0 = mul(band(c0, U32), MULTIPLIER_0)
        p1 = mul(band(c2, U32), MULTIPLIER_1)
        c0, c1 = bxor(bxor(srl(p1, 32), c1), k0), p1
        c2, c3 = bxor(bxor(srl(p0, 32), c3), k1), p0
        k0, k1 = add(k0, KEY_STEP_0), add(k1, KEY_STEP_1)
    return c0, c1, c2, c3


@njit(**SERIAL)
def random_group(out, group, tensor, step, purpose, key0, key1):
    """The 1024 elements of one group of a stream; out u32."""
    words0, words1, words2, words3 = out[:256], out[256:512], out[512:768], out[768:1024]
    first_block = np.uint64(group << 8)
    for j in range(BLOCKS):
        w0, w1, w2, w3 = philox4x32(
            add(first_block, j), np.uint64(tensor), np.uint64(step), np.uint64(purpose),
            np.uint64(key0), np.uint64(key1),
        )
        words0[j], words1[j] = narrowed(w0, out), narrowed(w1, out)
        words2[j], words3[j] = narrowed(w2, out), narrowed(w3, out)


@njit(**SERIAL)
def _random_u32(out, buffer, first, tensor, step, purpose, key0, key1):
    done = 0
    while done < out.size:
        group, skip = (first + done) >> 10, (first + done) & (GROUP - 1)
        if skip == 0 and out.size - done >= GROUP:
            random_group(out[done:done + GROUP], group, tensor, step, purpose, key0, key1)
            done += GROUP
        else:
            random_group(buffer, group, tensor, step, purpose, key0, key1)
            for i in range(min(GROUP - skip, out.size - done)):
                out[done + i] = buffer[skip + i]
            done += GROUP - skip
