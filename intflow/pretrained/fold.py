"""Published numbers of a layer, as its integer twin needs them.

    x = (c - remainder) * scale        what the network was trained on, c the code of a pixel
    w . x = (w scale) . c - w scale remainder

so the preprocessing goes into the first layer: into its weights, and into its bias or, where there
is none, into the mean of the batch norm behind it. Under a scheme that folds them, batch norms go
into the weights as well: A (w . x + b) + B = (A w) . x + (A b + B).
"""

import numpy as np

from ..errors import WeightsError
from ..formats import Fixed, Tensor, shiftexp
from .float_forward import affine

FIXED_BITS = 62         # all of fp32's mantissa down to 2**-37 of the largest number


def input_format(preprocessing):
    """Format of the codes of pixels, at a step near their value in the published network.

    Examples
    --------
    std 0.225: a code is worth 1 / (255 * 0.225) = 1 / 57.4; the step is 1/64.
    """
    return Fixed(9, shiftexp(round(1 / max(preprocessing.scales))))


def folded(layer, published, preprocessing=None):
    """The numbers of a Conv2d or Linear.

    Parameters
    ----------
    layer : built or prepared; `layer.folds` is the batch norm that goes into it, or None.
    published : {layer name: {role: float32 array}}, as `match` gives them.
    preprocessing : Preprocessing for the layer that reads images, else None.

    Returns
    -------
    weight : float64 (O, I/groups, KH, KW) or (O, I).
    bias : float64 (O,), or None where the layer has none.
    offset : float64 (O,); what the layer's sums lack because it has no bias to put it in, or 0.
    """
    own = published[layer.name]
    weight = own["weight"].astype(np.float64)
    bias = own["bias"].astype(np.float64) if "bias" in own else None
    offset = 0
    if preprocessing is not None:
        weight, offset = _on_pixels(weight, preprocessing)
    if layer.folds:
        scale, shift = affine(published[layer.folds.name], layer.folds.epsilon)
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        bias = shift if bias is None else bias * scale + shift
        offset = offset * scale
    return (weight, None, offset) if bias is None else (weight, bias + offset, 0)


def _on_pixels(weight, preprocessing):
    """(weights for codes of pixels at the input's step, bias that the remainders ask for)."""
    lshift = input_format(preprocessing).frac_bits
    each = [1, -1] + [1] * (weight.ndim - 2)
    scales, remainders = (np.array([float(v) for v in values]).reshape(each)
                          for values in (preprocessing.scales, preprocessing.remainders))
    scaled = weight * scales
    return np.ldexp(scaled, lshift), -(scaled * remainders).reshape(len(weight), -1).sum(axis=1)


def fixed(values, axes):
    """Real numbers as integers of up to FIXED_BITS bits, one power-of-two step for all.

    values : float64, in logical order of `axes` ("HWIO" from OIHW, "IO" from OI, "C").

    Raises
    ------
    WeightsError : an infinity or not-a-number.

    Exactness
    ---------
    The step is 2**-60 of the power of two at or below the largest: rounding is below the last bit
    of fp32 for all numbers down to 2**-36 of the largest.

    Examples
    --------
    1.5 and -0.25: the largest lies in [1, 2), so 1.5 * 2**60 and -2**58.
    """
    if not np.isfinite(values).all():
        raise WeightsError("the weights give numbers that are not finite, as from a negative variance "
                           "of a batch norm; get the file again")
    top = np.frexp(np.abs(values).max(initial=0))[1]
    frac_bits = FIXED_BITS - 1 - int(top)
    codes = np.rint(np.ldexp(values, frac_bits)).astype(np.int64)
    order = {"HWIO": (2, 3, 1, 0), "IO": (1, 0), "C": (0,)}[axes]
    codes = np.ascontiguousarray(codes.transpose(order))
    return Tensor(codes, Fixed(FIXED_BITS, frac_bits, symmetric=True), axes)
