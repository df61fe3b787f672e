"""Losses: the error at the top, in integers. One line each in `LOSSES`."""

from .hinge import SquaredHinge
from .loss import Loss, count_wrong
from .softmax import SoftmaxCrossEntropy
from .sum_of_squares import SumOfSquares

LOSSES = {loss.name: loss for loss in (SumOfSquares, SoftmaxCrossEntropy, SquaredHinge)}

__all__ = ["LOSSES", "Loss", "SoftmaxCrossEntropy", "SquaredHinge", "SumOfSquares", "count_wrong"]
