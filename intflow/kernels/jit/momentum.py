"""The update with momentum in groups of 1024, whose random numbers and steps stay in L1."""

import numpy as np
from numba import njit

from ...random_streams import PURPOSES
from .primitives import (
    SERIAL, add, flat, launch, maximum, minimum, narrowed, share, sub,
)
from .random import GROUP, U32, random_group
from .update import FAR, round_by_division, round_by_shift, subtract

FARTHEST = 1 << 40      # no step of v beyond this matters: v saturates below 2**31
DIVIDE = -1             # in place of a shift
MOMENTUM, UPDATE = PURPOSES["momentum"], PURPOSES["update"]


def momentum_update(w, v, update, g, gain, loss, decay, finer, lo, hi, limit, seed, step, tensor,
                    ntask):
    """One parallel pass."""
    n = w.size
    w, v, g = flat(w, n), flat(v, n), flat(g, n)
    update = flat(update, n if update.size else 0)
    stream = tensor, step, seed & U32, seed >> 32
    launch(_momentum_update_part, n, ntask,
           w, v, update, g, _term(*gain), _term(*loss), _term(*decay), finer, lo, hi, limit,
           stream)


def _term(p, q, rshift):
    """(p, lshift, log2 of D or DIVIDE, D, bits that D has above 32)."""
    p, q, rshift = int(p), int(q), int(rshift)              # Python's do not wrap below
    divisor = q << max(rshift, 0)
    shift = divisor.bit_length() - 1 if divisor & (divisor - 1) == 0 else DIVIDE
    return p, max(-rshift, 0), shift, divisor, max(0, (divisor - 1).bit_length() - 32)


@njit(**SERIAL)
def _round(out, a, random, term):
    p, lshift, shift, divisor, drop = term
    if shift == DIVIDE:
        round_by_division(out, a, random, p, lshift, divisor, drop)
    else:
        round_by_shift(out, a, random, p, lshift, shift, divisor, drop)


@njit(**SERIAL)
def _gather(total, steps):
    for i in range(total.size):
        total[i] = add(total[i], minimum(maximum(steps[i], -FARTHEST), FARTHEST))


@njit(**SERIAL)
def _negate(steps):
    for i in range(steps.size):
        steps[i] = sub(0 * steps[i], steps[i])


@njit(**SERIAL)
def _move(v, total, limit):
    for i in range(v.size):
        x = add(np.int64(v[i]), total[i])
        v[i] = narrowed(minimum(maximum(x, -limit), limit), v)


@njit(**SERIAL)
def _draw(random, group, stream, purpose):
    tensor, step, key0, key1 = stream
    random_group(random, group, tensor, step, purpose, key0, key1)


@njit(**SERIAL)
def _momentum_update_part(w, v, update, g, gain, loss, decay, finer, lo, hi, limit, stream, task,
                          ntask):
    groups = (w.size + GROUP - 1) // GROUP
    first, last = share(groups, task, ntask)
    random = np.empty(GROUP, np.uint32)
    steps, total = np.empty(GROUP, np.int64), np.empty(GROUP, np.int64)
    one = 1, 0, finer, 1 << finer, 0
    for group in range(first, last):
        i, j = group * GROUP, min(group * GROUP + GROUP, w.size)
        s, t = steps[:j - i], total[:j - i]
        _draw(random, groups + group, stream, MOMENTUM)
        _round(t, v[i:j], random, loss)
        _negate(t)
        _draw(random, group, stream, MOMENTUM)
        _round(s, g[i:j], random, gain)
        _gather(t, s)
        if decay[0]:
            _draw(random, 2 * groups + group, stream, MOMENTUM)
            _round(s, w[i:j], random, decay)
            _gather(t, s)
        _move(v[i:j], t, limit)
        _draw(random, group, stream, UPDATE)
        _round(s, v[i:j], random, one)
        subtract(w[i:j], update[i:j], s, lo, hi, FAR)
