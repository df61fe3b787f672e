"""Which range the weights of every layer ask for, in exponents of two.

    highest   floor(log2) of the largest weight of a layer
    lowest    the highest exponent below which nothing counts: without the weights below
              2**lowest the sum of squares lacks at most one in 10,000
    binades   highest - lowest + 1, the powers of two that a minifloat has to tell apart

Weights near zero are many and say little, and channels that training gave up have nothing else; so
it is squares that are counted, not weights.
"""

import numpy as np

from .fold import folded

LACKING = 10_000        # one in so many of the squares may lie below the lowest exponent


def weight_ranges(layers, published, preprocessing):
    """One row a layer with weights.

    Parameters
    ----------
    layers : built for a scheme that folds batch norms; the weights seen are those behind the fold.
    published : {layer name: {role: float32 array}}, as `match` gives them.
    preprocessing : Preprocessing; it is part of the first layer's weights.

    Returns
    -------
    list of dicts: layer, source, weights (how many), and what `exponents` says.
    """
    rows = []
    for layer in layers.walk():
        if layer.kind not in ("conv2d", "linear"):
            continue
        weight, _, _ = folded(layer, published, preprocessing if layer.is_first else None)
        rows.append({"layer": layer.name, "source": layer.source, "weights": weight.size,
                     **exponents(weight)})
    return rows


def exponents(weight):
    """The range of an array of weights.

    weight : float64, any shape.

    Returns
    -------
    dict: highest, lowest, binades (ints, as above; None, None and 0 where all weights are zero),
    and exponent_bits, which tell the binades and a zero apart.

    Examples
    --------
    0.75, -0.5, 0.1, 0.001: exponents -1, -1, -4, and -10, which does not count; 4 binades, which
    with a zero take 3 bits.
    """
    weight = weight[weight != 0]
    if not weight.size:
        return {"highest": None, "lowest": None, "binades": 0, "exponent_bits": 0}
    used = np.frexp(weight)[1].reshape(-1) - 1
    highest = int(used.max())
    down = highest - used
    squares = np.bincount(down, (weight / 2.0 ** highest).reshape(-1) ** 2)
    # What lies k binades down and further, for every k.
    below = np.cumsum(squares[::-1])[::-1]
    binades = int((below * LACKING > below[0]).sum())
    return {"highest": highest, "lowest": highest - binades + 1, "binades": binades,
            "exponent_bits": binades.bit_length()}
