"""What arithmetic costs in hardware, counted from stated models: gates of multipliers.

For architects: nothing here computes a network.
"""

from .gates import GATES, Gates
from .multipliers import fixed_multiplier, minifloat_multiplier, weight_multiplier

__all__ = ["GATES", "Gates", "fixed_multiplier", "minifloat_multiplier", "weight_multiplier"]
