"""What a float is, wherever it hides: in an array, a tuple, a tensor, an object of the engine."""

import numpy as np

from .edges import is_report

DEPTH = 3       # container in container; deeper ones are reached by the functions that open them
MANY = 10_000   # elements of an object array that are looked at one by one


def find_float(value, name, depth=DEPTH):
    """(where, type) of the first float or complex number in a value, or None.

    Parameters
    ----------
    value : anything. Lists, tuples, sets, dictionaries, arrays of objects and objects of intflow
        (but the watch itself) are opened, `depth` deep.
    name : str; how the value is called where it was found.

    Examples
    --------
    find_float((1, 0.5), "x") -> ("x[1]", "float"); find_float(np.zeros(3), "a") -> ("a",
    "float64 array (3,)"); find_float(Fraction(1, 2), "rate") -> None.
    """
    kind = float_type(value)
    if kind:
        return name, kind
    if depth == 0:
        return None
    for part, inner in parts(value):
        if is_report(value, part):
            continue
        found = find_float(inner, name + part, depth - 1)
        if found:
            return found
    return None


def float_type(value):
    """The type in words of a float or complex scalar, array or data type, or None."""
    if isinstance(value, (float, complex)) and not isinstance(value, np.generic):
        return type(value).__name__
    if isinstance(value, (np.ndarray, np.generic)):
        if any(dtype.kind in "fc" for dtype in dtypes(value.dtype)):
            shape = f" array {value.shape}" if isinstance(value, np.ndarray) else " scalar"
            return f"{value.dtype}{shape}"
    return None


def dtypes(dtype):
    """The data type, or those of its fields."""
    if dtype.subdtype:
        return dtypes(dtype.subdtype[0])
    if dtype.fields:
        return [inner for field in dtype.fields.values() for inner in dtypes(field[0])]
    return [dtype]


def parts(value):
    """[(how it is written, value)] of everything directly inside a value."""
    if isinstance(value, dict):
        return [(f"[{key!r}]", inner) for key, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{i}]", inner) for i, inner in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return [("{...}", inner) for inner in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [(f".flat[{i}]", inner) for i, inner in enumerate(value.ravel()[:MANY].tolist())]
    if is_ours(type(value).__module__) and hasattr(value, "__dict__"):
        return [(f".{name}", inner) for name, inner in vars(value).items()]
    return []


def is_ours(module):
    """Whether a class of this module holds values of the engine."""
    return module.startswith("intflow.") and not module.startswith("intflow.audit.")
