"""A simulator under the engine: its products take the place of the engine's, which compares.

    def my_array(x, w, geometry):               # (N, C, H, W), (O, I, KH, KW) -> (N, O, OH, OW)
        ...
    trainer.replace_product("conv2d_1", "forward", my_array)
    result = trainer.step(images, labels, record=True)
    result.tensor("conv2d_1/output")

Operands and results of the three products, all in logical order:

    forward    x (N, C, H, W), w (O, I, KH, KW) -> y (N, O, OH, OW)
    error      e (N, O, OH, OW), w              -> error at x
    gradient   x, e                             -> gradient at w

A linear layer has (N, I), (O, I) and (N, O).
"""

from dataclasses import dataclass, field

import numpy as np

from ..errors import Mismatch, RangeError, ShapeError, UnknownNameError, UsageError
from ..formats import Tensor
from .c_function import as_python
from .geometry import geometry_of

PRODUCTS = ("forward", "error", "gradient")
ON_DIFFERENCE = ("raise", "collect")
TO_MEMORY = {"NCHW": ("HWNC", (2, 3, 0, 1)), "NC": ("NC", (0, 1)),
             "OIHW": ("HWIO", (2, 3, 1, 0)), "OI": ("IO", (1, 0))}


@dataclass
class Replacement:
    """A product that someone else computes.

    function : f(a, b, geometry) -> integer array of geometry.result_shape; a and b are s32 arrays
        of their own memory.
    compare : whether the engine computes the product too.
    on_difference : "raise" a Mismatch, or "collect" it and go on with the simulator's integers.
    calls : products computed so far. differences : list of Mismatch, the first of each product.
    """

    function: object
    compare: bool = True
    on_difference: str = "raise"
    calls: int = 0
    differences: list = field(default_factory=list)

    def compute(self, geometry, a, b, engine):
        """The product as a Tensor in memory order; `engine()` gives the engine's own."""
        self.calls += 1
        codes = np.asarray(self.function(_operand(a), _operand(b), geometry))
        _check(codes, geometry)
        fmt = geometry.formats[2]
        if self.compare:
            own = engine()
            fmt = own.format
            self._compare(geometry, own.logical(), codes)
        if codes.size and not (fmt.contains(int(codes.min())) and fmt.contains(int(codes.max()))):
            raise RangeError(
                f"{geometry.layer} {geometry.product}: the simulator gave {codes.min()}.."
                f"{codes.max()}, outside the {fmt.bits} bits proven for this product; mend it, or "
                "compare to see where it differs")
        axes, order = TO_MEMORY[geometry.axes]
        return Tensor(np.ascontiguousarray(codes.transpose(order), fmt.dtype), fmt, axes)

    def _compare(self, geometry, expected, got):
        if np.array_equal(expected, got):
            return
        first = tuple(np.argwhere(expected != got)[0].tolist())
        index = dict(zip(geometry.axes.lower(), first))
        difference = Mismatch(geometry.layer, geometry.product, index, int(expected[first]),
                              int(got[first]))
        if self.on_difference == "raise":
            raise difference
        self.differences.append(difference)


class ReplacedProducts:
    """Stands where `ops.Products` stands; asks `beneath` for all that is not replaced.

    beneath : the engine's products, exact or a device's; what else they offer shows through.
    """

    def __init__(self, beneath):
        self.beneath, self.replaced = beneath, {}

    def __getattr__(self, name):
        return getattr(self.__dict__["beneath"], name)

    def forward(self, layer, x, w, window):
        def engine():
            return self.beneath.forward(layer, x, w, window)

        return self._ask("forward", layer, window, (x, w), x.shape, w.shape, engine)

    def error(self, layer, e, w, window, input_shape):
        def engine():
            return self.beneath.error(layer, e, w, window, input_shape)

        return self._ask("error", layer, window, (e, w), input_shape, w.shape, engine)

    def gradient(self, layer, x, e, window, weight_shape):
        def engine():
            return self.beneath.gradient(layer, x, e, window, weight_shape)

        return self._ask("gradient", layer, window, (x, e), x.shape, weight_shape, engine)

    def _ask(self, product, layer, window, operands, input_shape, weight_shape, engine):
        replacement = self.replaced.get((layer, product))
        if replacement is None:
            return engine()
        geometry = geometry_of(layer, product, window, operands, input_shape, weight_shape)
        return replacement.compute(geometry, *operands, engine)


def replace_product(network, layer, product, function, compare=True, on_difference="raise"):
    """Let `function` compute one product of one layer from now on; returns its Replacement.

    Parameters
    ----------
    layer, product : "conv2d_1"; "forward", "error" or "gradient".
    function : a Python callable, a C function of ctypes (see `c_function`), or None to give the
        product back to the engine.
    compare, on_difference : see `Replacement`.

    Raises
    ------
    UnknownNameError, UsageError : for names and options that do not exist.
    """
    layers = [inner.name for inner in network.layers.walk() if inner.parameters()]
    if layer not in layers:
        raise UnknownNameError("layer with products", layer, layers)
    if product not in PRODUCTS:
        raise UnknownNameError("product", product, PRODUCTS)
    if on_difference not in ON_DIFFERENCE:
        raise UsageError(f'on_difference is "raise" or "collect", got {on_difference!r}')
    if not isinstance(network.products, ReplacedProducts):
        network.products = ReplacedProducts(network.products)
    if function is None:
        return network.products.replaced.pop((layer, product), None)
    if not callable(function):
        raise UsageError(f"a product is a function or None, got {type(function).__name__}")
    replacement = Replacement(as_python(function), compare, on_difference)
    network.products.replaced[layer, product] = replacement
    return replacement


def _operand(tensor):
    """Codes in logical order, s32: operands have at most 16 bits."""
    return np.array(tensor.logical(), np.int32)


def _check(codes, geometry):
    if codes.dtype.kind not in "iu" or codes.shape != geometry.result_shape:
        raise ShapeError(
            f"{geometry.layer} {geometry.product}: the simulator gave {codes.dtype} "
            f"{codes.shape}, expected integers {geometry.result_shape}, axes {geometry.axes}")
