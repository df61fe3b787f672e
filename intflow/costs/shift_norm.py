"""What a shift batch norm costs: passes over its numbers, without a multiplication.

round(log2 |c|) counts as a look-up, the place of the leading one, and a comparison.
"""

from ..formats import Fixed
from . import kernels
from .counts import Counts

WIDE = "64"
BELOW = Fixed(32, 0)


def forward(n, x, y):
    """Sums of x; sums of c AP2(c); a shift, an offset and a saturation: three passes."""
    centred = [("shift", WIDE, 2 * n), ("add", WIDE, 2 * n)]
    return Counts.of(
        [("add", WIDE, n), *centred, *_exponent(n), ("shift", WIDE, n), ("add", WIDE, n),
         ("shift", WIDE, n), ("add", WIDE, 2 * n), ("compare", WIDE, 2 * n)],
        [("activations", 3 * n, x)], [("activations", n, y)])


def backward(n, x, e):
    """The largest error; sums of e, e AP2(c) and AP2(c)**2; the error: (counts, its format)."""
    centred = [("shift", WIDE, 2 * n), ("add", WIDE, 2 * n)]
    counts = Counts.of(
        [*centred, *_exponent(2 * n), ("shift", WIDE, 2 * n), ("add", WIDE, 3 * n),
         ("shift", WIDE, 3 * n), ("add", WIDE, 4 * n)],
        [("errors", 2 * n, e), ("activations", 2 * n, x)], [("errors", n, BELOW)])
    return kernels.max_abs(n, e, "errors") + counts, BELOW


def _exponent(n):
    return [("lookup", WIDE, n), ("compare", WIDE, n)]
