"""Optimisers: from gradients to weights. One line each in `OPTIMIZERS`."""

from .sgd import SGD

OPTIMIZERS = {optimizer.name: optimizer for optimizer in (SGD,)}

__all__ = ["OPTIMIZERS", "SGD"]
