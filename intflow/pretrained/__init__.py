"""Published networks: fp32 files to arrays, arrays to layers, and the fp32 network itself.

    read_weights (readers.py)     a file -> {name: fp32 array}; nothing in it is executed
    match (match.py)              layers and arrays -> {layer: {"weight": ..., "bias": ...}}
    float_forward.py              the network in fp32: what an integer network is compared with
    convert (convert.py)          arrays and a few images -> the network in integers, a Trainer

Floats are at home here: this is the edge where published numbers come in. No step of a network
runs through this folder.
"""

from .float_forward import float_forward
from .match import match
from .readers import read_weights

__all__ = ["float_forward", "match", "read_weights"]
