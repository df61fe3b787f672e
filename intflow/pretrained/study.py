"""How few bits the weights of a published network need: fixed point against minifloats.

Every format of a grid takes the weights in turn, activations as they are; the network is evaluated
in integers, and the smallest format of each kind that loses no more than was allowed is chosen. What
these two cost, in bytes and in gates, is the answer.
"""

from fractions import Fraction

import numpy as np

from ..data import evaluation_batches
from ..errors import UsageError
from ..models import find_model
from ..training.evaluate import BATCH, TOP5_FROM, evaluate
from .convert import IMAGES, LARGE_IMAGES, convert
from .float_forward import float_forward, normalise
from .match import match
from .study_formats import kind, multiplier_size, short_name, weight_bytes
from .study_ranges import weight_ranges

METRICS = {"top1": "test_error", "top5": "top5_error"}
REFERENCES = ("fp32", "widest")


class First:
    """The first images of a Split, as a Split.

    Parameters
    ----------
    split : Split; count : int, or None for all.
    """

    def __init__(self, split, count=None):
        self.labels, self.shape = split.labels[:count], split.shape
        self.in_memory = split.in_memory
        self.read = split.read

    def __len__(self):
        return len(self.labels)


def study(model, tensors, schemes, images, split, *, kernels, loss_points=1, metric="top1",
          reference="fp32", say=print, each=None):
    """Evaluate a network at every format, and choose.  [FLOAT study]

    Parameters
    ----------
    model, tensors, images, kernels : as `convert` takes them; images calibrate.
    schemes : list of FloatWeight, as `parse_grid` gives them.
    split : Split or First; what is evaluated.
    loss_points : Fraction or int; points of a hundred that a format may lose.
    metric : name of METRICS; what must not lose more.
    reference : "fp32", the published network; "widest", the format of most bits.
    say : called with one line at every format that is done.
    each : None, or called with the report so far at every format that is done.

    Returns
    -------
    dict, ready for JSON: images, fp32, formats (rows of `measure`), layers (rows of
    `weight_ranges`), and what `choose` says.

    Raises
    ------
    UsageError : a metric that this network has not; an unknown reference. WeightsError.
    """
    _check(schemes, metric, reference)
    preprocessing = find_model(model).preprocessing
    report = {"model": model, "images": len(split), "calibration_images": len(images),
              "activations": schemes[0].activation_bits, "fp32": None, "formats": []}
    for scheme in schemes:
        trainer = convert(model, tensors, scheme, images, kernels=kernels)
        if not report["formats"]:
            _require_metric(metric, trainer.network.classes, model)
            published = match(trainer.network.layers, tensors)
            report["layers"] = weight_ranges(trainer.network.layers, published, preprocessing)
            if reference == "fp32":
                report["fp32"] = float_errors(trainer.network, published, preprocessing, split,
                                              kernels)
                say(f"fp32: {points(report['fp32'])}")
        row = measure(trainer, scheme, split, preprocessing)
        report["formats"].append(row)
        report.update(choose(report, Fraction(loss_points), metric, reference))
        say(f"{row['weights']}: {points(row)}")
        if each:
            each(report)
    return report


def calibration_images(model, dataset, kernels):
    """The first training images, as the model's preprocessing makes them; labels are not read.

    Returns
    -------
    u8 (N, C, H, W); LARGE_IMAGES of them from 128 pixels a side up, else IMAGES.
    """
    entry = find_model(model)
    size = entry.input_shape[1:]
    count = min(len(dataset.train), LARGE_IMAGES if max(size) >= 128 else IMAGES)
    images = dataset.train.read(range(count), kernels.threads)
    return entry.preprocessing(images, None, size, kernels)


def measure(trainer, scheme, split, preprocessing):
    """One row: a format, its errors, what its weights and its multiplier cost.

    Returns
    -------
    dict: weights (name), kind, bits, weight_bytes, multiplier_nand2, test_error, top5_error (from
    100 classes up), loss, digest.
    """
    fmt = scheme.weights
    errors = evaluate(trainer, split, preprocessing)
    for unasked in ("images", "wrong", "images_per_second"):
        del errors[unasked]
    counts = [p.master.codes.size for p in trainer.network.parameters if p.role == "weight"]
    size = multiplier_size(fmt, scheme.activation_bits)
    return {
        "weights": short_name(fmt), "kind": kind(fmt), "bits": fmt.bits,
        "weight_bytes": weight_bytes(counts, fmt.bits), "multiplier_nand2": float(size), **errors,
    }


def float_errors(network, published, preprocessing, split, kernels):
    """Errors of the published network in fp32, as fractions: test_error, and top5_error.

    network : Network, of whose layers the structure is taken.
    """
    wrong = wrong5 = 0
    stream = evaluation_batches(split, BATCH, network.input_shape, preprocessing, kernels.threads,
                                kernels)
    try:
        for batch in stream:
            y = float_forward(network.layers, normalise(batch.images, preprocessing), published)
            order = np.argsort(-y, axis=1, kind="stable")[:, :5]
            hits = order == batch.labels[:, None]
            wrong += int((~hits[:, 0]).sum())
            wrong5 += int((~hits.any(axis=1)).sum())
    finally:
        stream.close()
    errors = {"test_error": wrong / len(split)}
    return errors if network.classes < TOP5_FROM else {**errors, "top5_error": wrong5 / len(split)}


def choose(report, loss_points, metric, reference):
    """The smallest format of each kind that loses little enough, and what the minifloat saves.

    Returns
    -------
    dict: loss_points, metric, reference (name and error), chosen ({kind: name or None}), and
    storage_saved and multiplier_ratio (None where a kind has no format that will do).

    Examples
    --------
    fp32 errs on 0.36, s8 on 0.365, s7 on 0.38, at most one point: fixed is s8. With e4m2 (7 bits)
    storage_saved is near 1 - 7/8.
    """
    error = METRICS[metric]
    origin, base = _reference(report, error, reference)
    count = report["images"]
    chosen = {}
    for row in report["formats"]:
        lost = 100 * Fraction(round((row[error] - base) * count), count)
        best = chosen.setdefault(row["kind"], None)
        if lost <= loss_points and (best is None or _size(row, error) < _size(best, error)):
            chosen[row["kind"]] = row
    fixed, small = chosen.get("fixed"), chosen.get("minifloat")
    both = fixed is not None and small is not None
    return {
        "loss_points": float(loss_points), "metric": metric,
        "reference": {"weights": origin, error: base},
        "chosen": {name: row and row["weights"] for name, row in chosen.items()},
        "storage_saved": 1 - small["weight_bytes"] / fixed["weight_bytes"] if both else None,
        "multiplier_ratio":
            small["multiplier_nand2"] / fixed["multiplier_nand2"] if both else None,
    }


def _reference(report, error, reference):
    """(name, error) of what losses are counted from; of equally wide formats the better."""
    if reference == "fp32":
        return "fp32", report["fp32"][error]
    widest = min(report["formats"], key=lambda row: (-row["bits"], row[error]))
    return widest["weights"], widest[error]


def _size(row, error):
    """What makes a format smaller: bits; of equals, fewer errors; then fewer gates."""
    return row["bits"], row[error], row["multiplier_nand2"]


def points(errors):
    """The errors of a row as a person reads them."""
    top5 = f", top-5 {100 * errors['top5_error']:.2f} %" if "top5_error" in errors else ""
    return f"error {100 * errors['test_error']:.2f} %{top5}"


def _check(schemes, metric, reference):
    if not schemes:
        raise UsageError("a study needs formats of weights; name some, such as s4..s12,e4m1..e4m6")
    if metric not in METRICS or reference not in REFERENCES:
        raise UsageError(f"a study counts {' or '.join(METRICS)} errors from "
                         f"{' or '.join(REFERENCES)}, got {metric} from {reference}")


def _require_metric(metric, classes, model):
    if metric == "top5" and classes < TOP5_FROM:
        raise UsageError(f"top-5 errors are counted from {TOP5_FROM} classes up, {model} has "
                         f"{classes}; use --metric top1")
