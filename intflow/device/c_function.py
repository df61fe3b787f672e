"""A product written in C, reached through ctypes.

    void product(int64_t *out, const int32_t *a, const int32_t *b, const int32_t *geometry);

Arrays are dense and in logical order, the last axis fastest; `out` comes zeroed. `geometry` holds
the 20 integers of `Geometry.integers`:

     0 N    1 C    2 H    3 W        input (a linear layer: H = W = KH = KW = OH = OW = 1)
     4 O    5 I    6 KH   7 KW       weight; I is C / groups
     8 OH   9 OW                     output
    10 stride h   11 stride w   12 top   13 bottom   14 left   15 right
    16 dilation h   17 dilation w   18 groups   19 product: 0 forward, 1 error, 2 gradient
"""

import ctypes

import numpy as np

LONG, INT = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_int32)
PRODUCT = ctypes.CFUNCTYPE(None, LONG, INT, INT, INT)


def as_python(function):
    """A function f(a, b, geometry) -> array; Python callables come back as they are.

    function : a Python callable, or a C function of ctypes (`ctypes.CDLL("./array.so").product`,
        or a PRODUCT made from an address).
    """
    if not hasattr(function, "argtypes"):                     # every C function of ctypes has them
        return function
    pointer = PRODUCT(ctypes.cast(function, ctypes.c_void_p).value)

    def call(a, b, geometry):
        out = np.zeros(geometry.result_shape, np.int64)
        sizes = np.array(geometry.integers(), np.int32)
        pointer(out.ctypes.data_as(LONG), *(array.ctypes.data_as(INT) for array in (a, b, sizes)))
        return out

    call.c_function = function                                # keeps its library alive
    return call
