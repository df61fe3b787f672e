"""Tensor: integer codes, what they mean, and which axis is which."""

from dataclasses import dataclass

import numpy as np

from intflow.errors import FormatError, RangeError, ShapeError

LOGICAL = {"HWNC": "NCHW", "HWIO": "OIHW", "IO": "OI"}


@dataclass(frozen=True, eq=False, repr=False)
class Tensor:
    """Integer codes with a format and named axes.

    Parameters
    ----------
    codes : integer ndarray. Stored as it comes, in memory order.
    format : Fixed, Uniform, Binary, PowerOfTwo or Minifloat; value = format.value(code).
    axes : str, one capital letter an axis: HWNC and NC for activations and errors, HWIO and IO
        for weights and gradients, any other order where a file or a report needs it.

    Raises
    ------
    FormatError
        If `codes` is not an array of integers: no float ever enters a tensor.
    ShapeError
        If `axes` does not name every axis once.

    Examples
    --------
    codes [[64, -128]], Fixed(8, 7), "NC": values 1/2 and -1.
    """

    codes: np.ndarray
    format: object
    axes: str

    def __post_init__(self):
        kind = getattr(self.codes, "dtype", None) or type(self.codes).__name__
        if not (isinstance(self.codes, np.ndarray) and self.codes.dtype.kind in "iu"):
            raise FormatError(f"a Tensor holds an array of integer codes, got {kind};"
                              " quantize real numbers first")
        if len(set(self.axes)) != len(self.axes) or len(self.axes) != self.codes.ndim:
            raise ShapeError(f"axes {self.axes!r} do not name each axis of shape"
                             f" {self.codes.shape} once")

    @property
    def shape(self):
        """Sizes in memory order, as `axes`."""
        return self.codes.shape

    @property
    def logical_axes(self):
        """The order of axes that `logical` returns: NCHW, OIHW or OI."""
        return LOGICAL.get(self.axes, self.axes)

    def logical(self):
        """Return the codes in logical order, contiguous: NCHW, OIHW or (O, I); a copy if need be.

        Examples
        --------
        Shape (5, 6, 2, 3) with axes HWNC -> (2, 3, 5, 6); (784, 10) with axes IO -> (10, 784).
        """
        order = [self.axes.index(axis) for axis in self.logical_axes]
        return np.ascontiguousarray(self.codes.transpose(order))

    def values(self):
        """Return an object array of Fractions in memory order. Slow: for tests and reports."""
        values = np.empty(self.codes.shape, dtype=object)
        values.ravel()[:] = [self.format.value(code) for code in self.codes.ravel().tolist()]
        return values

    def check(self):
        """Return self, or raise RangeError naming the first code that the format lacks."""
        if not all(self.format.contains(code) for code in np.unique(self.codes).tolist()):
            self._refuse(self.codes.ravel().tolist())
        return self

    def _refuse(self, codes):
        flat = next(i for i, code in enumerate(codes) if not self.format.contains(code))
        index = tuple(int(i) for i in np.unravel_index(flat, self.shape))
        raise RangeError(f"code {codes[flat]} at {index} of axes {self.axes} is none of"
                         f" {self.format}; saturate it or take a wider format")

    def __repr__(self):
        sizes = " ".join(f"{axis}={size}" for axis, size in zip(self.axes, self.shape))
        return f"Tensor({sizes}, {self.codes.dtype}, {self.format})"
