"""Optimisers: from gradients to weights. One line each in `OPTIMIZERS`."""

from .adamax import AdaMax
from .clipped_sgd import ClippedSGD
from .momentum import Momentum
from .sgd import SGD

OPTIMIZERS = {optimizer.name: optimizer for optimizer in (SGD, AdaMax, Momentum, ClippedSGD)}

__all__ = ["OPTIMIZERS", "AdaMax", "ClippedSGD", "Momentum", "SGD"]
