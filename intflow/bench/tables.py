"""A network as a table of layers, from which other engines build theirs."""

from ..errors import UsageError
from ..layers import Residual, Sequential

PLAIN = ("conv2d", "linear", "max_pool2d", "avg_pool2d", "relu", "requantize", "flatten",
         "subsample")


def table_of(layers):
    """Rows of a built Sequential, ready for JSON; what is the identity under its scheme is left
    out.

    Returns
    -------
    [{"kind", ...settings}]; conv2d and linear also have "weight", their shape OIHW or OI; residual
    has "body" and "shortcut", tables themselves.

    Raises
    ------
    UsageError : a layer that the peers have no counterpart of.
    """
    rows = []
    for layer in layers.layers:
        if isinstance(layer, Sequential):
            rows += table_of(layer)
        elif isinstance(layer, Residual):
            rows.append({"kind": "residual", "body": table_of(layer.body),
                         "shortcut": table_of(layer.shortcut)})
        elif layer.kind in PLAIN:
            rows.append(_row(layer))
        elif not layer.is_identity:
            raise UsageError(f"no peer has {layer.kind} ({layer.name}); measure another model, or "
                             "leave the peers out with --no-peers")
    return rows


def _row(layer):
    row = {"kind": layer.kind, **layer.settings()}
    if layer.kind in ("conv2d", "linear"):
        row["weight"] = list(layer.weight.master.logical().shape)
    return row
