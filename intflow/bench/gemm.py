"""Matrix products of signed bytes with exact s32 sums: x (M, K) . w (K, N)."""

from ..kernels.geometry import geometry
from .contest import Team
from .products import describe, lines, race

SHAPES = ((1024, 1024, 1024), (2048, 2048, 2048), (128, 8192, 1024), (8192, 4608, 512),
          (32, 9216, 4096))
LARGEST = 127

__all__ = ["lines", "run"]


def run(options, tell):
    """One row a shape."""
    with Team(options) as team:
        return {"rows": [_row(shape, options, tell, team) for shape in options.shapes or SHAPES]}


def _row(shape, options, tell, team):
    m, k, n = shape
    tell(f"gemm {m}x{k}x{n}")
    sizes = geometry((1, 1, m, k), (1, 1, k, n), (1, 1, m, n), (1, 1), (0, 0, 0, 0), (1, 1), 1)
    return race(f"{m}x{k}x{n}", ["forward"], describe(sizes), m * k * n, LARGEST, options, team)
