"""Filters brought to one range, where a batch norm behind them takes the factor back.

    B(w . x) = B'((w factor) . x)      with mean' = mean factor, and variance' = variance factor**2

so every filter can be encoded at a step of its own, at no cost in the integer network: the steps go
into the multipliers of the batch norm.  [FAQ filters]
"""

import numpy as np

TWENTIETHS = range(20, 6, -1)       # of a filter's largest weight, where it may saturate
EXACT_BITS = 8                      # from here on nothing saturates


def equalised(weight, bits):
    """(weights of one range, factor of every filter).

    Parameters
    ----------
    weight : float64 (O, ...); bits : of its codes, symmetric.

    Returns
    -------
    weight : float64, clipped, and multiplied by factor, so that the largest code of every filter is
        reached at one power-of-two step.
    factor : float64 (O,), above 0.

    Examples
    --------
    8 bits, filters [127] and [254]: steps 1 and 2; at the step 2 both become 254, factors 2 and 1.
    """
    top = (1 << bits - 1) - 1
    step = best_steps(np.abs(weight).reshape(len(weight), -1), top, bits)
    common = np.exp2(np.floor(np.log2(step.max(initial=2.0 ** -99))))
    each = step.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(weight / each, -top, top) * common, common / step


def best_steps(magnitudes, top, bits):
    """The step of every row with the smallest sum of squared differences; float64 (O,)."""
    largest = magnitudes.max(axis=1, initial=0)
    largest = np.where(largest > 0, largest, top)
    shares = TWENTIETHS if bits < EXACT_BITS else TWENTIETHS[:1]
    steps = np.array([largest * share / (20 * top) for share in shares])
    losses = np.array([_loss(magnitudes, step[:, None], top) for step in steps])
    return steps[losses.argmin(axis=0), np.arange(len(largest))]


def _loss(magnitudes, step, top):
    nearest = np.minimum(np.rint(magnitudes / step), top) * step
    return ((magnitudes - nearest) ** 2).sum(axis=1)
