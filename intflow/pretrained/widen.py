"""Stored numbers of any float type to fp32.

    type       bytes   to fp32
    float16      2     exact
    bfloat16     2     exact: the upper half of an fp32
    float32      4     as it is
    float64      8     rounded to nearest; beyond fp32's range it becomes infinite

Integers are counters of a training, or weights that somebody has quantised already: no reader
returns them.
"""

import numpy as np

BFLOAT16 = "bfloat16"
WIDTHS = {"float16": 2, BFLOAT16: 2, "float32": 4, "float64": 8}


def stored_dtype(kind):
    """The little-endian NumPy type in which numbers of this kind lie in a file.

    Examples
    --------
    "float64" -> "<f8"; "bfloat16" -> "<u2", its bits.
    """
    letter = "u" if kind == BFLOAT16 else "f"
    return np.dtype(f"<{letter}{WIDTHS[kind]}")


def to_fp32(stored, kind):
    """An array as it lies in a file, as fp32.

    Parameters
    ----------
    stored : array of `stored_dtype(kind)`, or of another byte order of it.
    kind : a name of WIDTHS.

    Returns
    -------
    float32 of the same shape, contiguous.

    Examples
    --------
    bfloat16 0x3fc0 -> 1.5 (fp32 0x3fc00000).
    """
    if kind == BFLOAT16:
        wide = stored.astype(np.uint32, order="C")
        wide <<= 16
        return wide.view(np.float32)
    with np.errstate(over="ignore"):
        return np.array(stored, np.float32, order="C")
