"""How a batch norm is computed: one file each, one line each in `NORMS`.

A scheme picks one by `batch_norm`; the layer (batch_norm2d.py) holds the parameters.
"""

from .frozen import Frozen
from .integer import Integer
from .norm import Norm
from .shift import Shift

NORMS = {"affine": Frozen, "integer": Integer, "shift": Shift}

__all__ = ["NORMS", "Frozen", "Integer", "Norm", "Shift"]
