"""How few bits the weights of a published network need: fixed point against minifloats.

Every format of a grid takes the weights in turn, activations as they are; the network is evaluated
in integers, and the smallest format of each kind that loses no more than was allowed is chosen.
What these two cost, in bytes and in gates, is the answer.
"""

from fractions import Fraction

import numpy as np

from ..data import evaluation_batches
from ..errors import FormatError, ShapeError, UsageError
from ..models import find_model
from ..training.evaluate import BATCH, TOP5_FROM, evaluate
from .convert import convert
from .float_forward import float_forward, normalise
from .match import match
from .study_choice import METRICS, REFERENCES, choose
from .study_formats import kind, multiplier_size, short_name, weight_bytes
from .study_ranges import weight_ranges


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
    dict, ready for JSON: model, images, calibration_images, activations, fp32 (errors), formats
    (rows of `measure`), left_out ({name: why}), layers (rows of `weight_ranges`), and what
    `choose` says.

    Raises
    ------
    UsageError : a metric that this network has not; an unknown reference. WeightsError.
    """
    _check(schemes, metric, reference)
    preprocessing = find_model(model).preprocessing
    report = {"model": model, "images": len(split), "calibration_images": len(images),
              "activations": schemes[0].activation_bits, "fp32": None, "formats": [],
              "left_out": {}}
    for scheme in schemes:
        try:
            trainer = convert(model, tensors, scheme, images, kernels=kernels)
        except FormatError as error:        # of exponents too far apart for 64 bits
            report["left_out"][short_name(scheme.weights)] = str(error)
            say(f"{short_name(scheme.weights)} is left out: {error}")
            continue
        if not report["formats"]:
            _check_classes(trainer.network.classes, split, metric)
            report.update(_published(trainer, preprocessing, tensors, split, reference, say))
        row = measure(trainer, scheme, split, preprocessing)
        report["formats"].append(row)
        report.update(choose(report, Fraction(loss_points), metric, reference))
        say(f"{row['weights']}: {points(row)}")
        if each:
            each(report)
    if not report["formats"]:
        raise FormatError("none of these formats can hold the weights; use fewer exponent bits")
    return report


def _published(trainer, preprocessing, tensors, split, reference, say):
    """What is known before any format: ranges of the weights, and the errors in fp32."""
    network = trainer.network
    published = match(network.layers, tensors)
    found = {"layers": weight_ranges(network.layers, published, preprocessing)}
    if reference == "fp32":
        found["fp32"] = float_errors(network, published, preprocessing, split, trainer.kernels)
        say(f"fp32: {points(found['fp32'])}")
    return found


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


def _check_classes(classes, split, metric):
    """The labels are those of the network, and enough for the metric."""
    if int(split.labels.max()) >= classes:
        raise ShapeError(f"labels go up to {split.labels.max()}, the weights tell {classes} "
                         "classes apart; name the data they were trained for")
    if metric == "top5" and classes < TOP5_FROM:
        raise UsageError(f"top-5 errors are counted from {TOP5_FROM} classes up, these weights "
                         f"have {classes}; use --metric top1")
