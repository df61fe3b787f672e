"""The smallest format of each kind that loses little enough, and what a minifloat then saves."""

from fractions import Fraction

METRICS = {"top1": "test_error", "top5": "top5_error"}
REFERENCES = ("fp32", "widest")


def choose(report, loss_points, metric, reference):
    """Choose among the rows of a study.

    Parameters
    ----------
    report : dict with images (how many), fp32 (errors) and formats (rows of `study.measure`).
    loss_points : Fraction; points of a hundred that a format may lose.
    metric : name of METRICS. reference : name of REFERENCES; what losses are counted from.

    Returns
    -------
    dict: loss_points, metric, reference (name and error), chosen ({kind: name or None}), and
    storage_saved and multiplier_ratio (None unless both kinds have a format that will do).

    Exactness
    ---------
    Losses are counted in images, so that one at the limit is within it.

    Examples
    --------
    fp32 errs on 0.36, s8 on 0.365, s7 on 0.38, at most one point: s8 is chosen. With e4m2 (7 bits)
    beside it, storage_saved is near 1 - 7/8.
    """
    error = METRICS[metric]
    origin, base = _reference(report, error, reference)
    chosen = {row["kind"]: None for row in report["formats"]}
    for row in sorted(report["formats"], key=lambda row: _size(row, error), reverse=True):
        lost = Fraction(round((row[error] - base) * report["images"]), report["images"])
        if 100 * lost <= loss_points:
            chosen[row["kind"]] = row
    return {
        "loss_points": float(loss_points), "metric": metric,
        "reference": {"weights": origin, error: base},
        "chosen": {kind: row and row["weights"] for kind, row in chosen.items()},
        **_savings(chosen.get("fixed"), chosen.get("minifloat")),
    }


def _savings(fixed, small):
    """What the minifloat costs beside the fixed-point format."""
    if fixed is None or small is None:
        return {"storage_saved": None, "multiplier_ratio": None}
    return {"storage_saved": 1 - small["weight_bytes"] / fixed["weight_bytes"],
            "multiplier_ratio": small["multiplier_nand2"] / fixed["multiplier_nand2"]}


def _reference(report, error, reference):
    """(name, error) of what losses are counted from; of equally wide formats the better."""
    if reference == "fp32":
        return "fp32", report["fp32"][error]
    widest = min(report["formats"], key=lambda row: (-row["bits"], row[error]))
    return widest["weights"], widest[error]


def _size(row, error):
    """What makes a format smaller: bits; of equals, fewer errors; then fewer gates."""
    return row["bits"], row[error], row["multiplier_nand2"]
