"""What training costs, counted from stated models: operations, bytes, energy; gates of multipliers.

For architects: nothing here computes a network. Read `counts.py` (what is counted), `kernels.py`
(what a kernel takes), `layers.py` (what a layer calls), `operations.py` (a whole step).
"""

from .all_reduce import narrow_bits, ring, sent_bytes
from .counts import OPERATIONS, ROLES, Counts
from .energy import EnergyTable, read_energy
from .gates import GATES, Gates
from .multipliers import fixed_multiplier, minifloat_multiplier, weight_multiplier
from .operations import PASSES, count_step, exchange_of, totals
from .products import product_sizes
from .scale_sim import scale_sim_csv
from .slots import FLOATS, Floats, slots_of
from .timeloop import problem_yaml
from .wrpn import compute_cost

__all__ = [
    "FLOATS", "GATES", "OPERATIONS", "PASSES", "ROLES", "Counts", "EnergyTable", "Floats", "Gates",
    "compute_cost", "count_step", "exchange_of", "fixed_multiplier", "minifloat_multiplier", "narrow_bits",
    "problem_yaml", "product_sizes", "read_energy", "ring", "scale_sim_csv", "sent_bytes",
    "slots_of", "totals", "weight_multiplier",
]
