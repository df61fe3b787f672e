"""intflow: neural networks trained in integers, from the pixel to the weight update.

The names below are imported when first used, so that `import intflow` is quick.
"""

import importlib

__version__ = "0.1.0"

_LAZY = {
    "Counters": "intflow.training:Counters",
    "Fixed": "intflow.formats:Fixed",
    "Minifloat": "intflow.formats:Minifloat",
    "Tensor": "intflow.formats:Tensor",
    "Trainer": "intflow.training:Trainer",
    "data": "intflow.data",
    "device": "intflow.device",
    "kernels": "intflow.kernels",
    "layers": "intflow.layers",
    "models": "intflow.models",
    "parallel": "intflow.parallel",
    "schemes": "intflow.quantizers",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name):
    """Import a lazy attribute on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module 'intflow' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    value = importlib.import_module(module)
    if attribute:
        value = getattr(value, attribute)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
