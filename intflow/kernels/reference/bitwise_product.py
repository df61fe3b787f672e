"""Products of tensors that lie in memory as bits: unpacked, then multiplied as integers.

Lingo: as in conv.py and bitwise.py. A tensor of codes is a sum of *planes* of bits: code = sum
over p of steps[p] * bit_p, with the steps 1, 2, 4, ... and the last one negative for signed codes
(two's complement). A tensor of *signs* has one plane and no steps: bit 1 is +1, bit 0 is -1.
"""

import numpy as np

from ...errors import ShapeError
from .bitwise import check_words, from_words
from .conv import conv2d_forward


def bitwise_forward(out, x, w, channels, x_steps, w_steps, stride, padding, dilation, groups):
    """`conv2d_forward` of operands that are given by their bits.

    Parameters
    ----------
    out : (OH, OW, N, O) s32. Overwritten.
    x : (P, H, W, N, Iw) u64; planes packed along the I input channels.
    w : (Q, KH, KW, Gw, O) u64; planes packed along the I/groups input channels of a group.
    channels : int, I/groups.
    x_steps, w_steps : tuples of P and Q ints, or () for signs (then P or Q is 1).
    stride, padding, dilation, groups : as in `conv2d_forward`; padding is the number 0, for signs
        too: a tap outside the image adds nothing.

    Exactness
    ---------
    Exact where the sum fits s32; signs: |sum| <= KH * KW * I/groups. With N products of signs,
    sum = N - 2 * popcount(x xor w).

    Examples
    --------
    One pixel, signs x = 1, -1, 1 (word 5), w = 1, 1, -1 (word 3), channels 3: x xor w = 6 has two
    bits, out = 3 - 2 * 2 = -1.
    """
    codes = _from_planes(x, x_steps, channels * groups)
    weights = _from_planes(np.swapaxes(w, -1, -2), w_steps, channels)
    conv2d_forward(out, codes, np.ascontiguousarray(np.swapaxes(weights, -1, -2)),
                   stride, padding, dilation, groups)


def _from_planes(words, steps, length):
    """Codes s64 of planes packed along the last axis."""
    if len(words) != max(1, len(steps)):
        raise ShapeError("bitwise_forward takes one step for each plane, or none for one plane of "
                         f"signs; got {len(words)} planes and steps {steps}")
    check_words("bitwise_forward", words, (*words.shape[:-1], length))
    bits = from_words(words, length)
    if not steps:
        return 2 * bits[0] - 1
    return sum(step * plane for step, plane in zip(steps, bits))
