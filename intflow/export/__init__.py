"""A trained network for other programs: C, hex memories, ONNX, safetensors.

`EXPORTS` is the one table: format -> module and function below this folder, imported when used.
"""

import importlib

from ..errors import UnknownNameError

EXPORTS = {
    "c": "c.write",
    "hex": "hex.write",
    "onnx": "onnx.write",
    "safetensors": "safetensors.write",
}


def find_export(name):
    """The writer of a format: write(source, out_dir, **options) -> report.

    source : (Trainer, attributes), as `training.load.load_checkpoint` returns them; the attributes
        may be {} for a Trainer of one's own.
    out_dir : folder, made where it is missing; files of the same names are replaced.
    report : plain dictionary: "files" (list of names), and what the format has to say.

    Raises
    ------
    UnknownNameError : a format that is not in `EXPORTS`.
    """
    if name not in EXPORTS:
        raise UnknownNameError("export format", name, EXPORTS)
    module, function = EXPORTS[name].rsplit(".", 1)
    return getattr(importlib.import_module(f".{module}", __name__), function)
