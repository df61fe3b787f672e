"""The files of a study: study.json, formats.csv, layers.csv, and a picture where matplotlib is."""

import csv
import json
import os
from pathlib import Path

from ..errors import UsageError

PICTURE = "study.png"
LABELS = {"fixed": "fixed point", "minifloat": "minifloat"}


def write_report(report, folder):
    """study.json and two tables, each written whole or not at all; returns the folder."""
    folder = make_folder(folder)
    _replace(folder / "study.json", json.dumps(report, indent=2) + "\n")
    for name in ("formats", "layers"):
        _replace(folder / f"{name}.csv", _table(report[name]))
    return folder


def make_folder(folder):
    """The folder, made where it is missing; UsageError where it cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: {error.strerror}; name a folder that can be written")
    return Path(folder)


def draw(report, folder):
    """Error against bits of both kinds, as a picture.

    Returns
    -------
    Path of the picture, or None where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    error = "top5_error" if report["metric"] == "top5" else "test_error"
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for kind, label in LABELS.items():
        rows = [row for row in report["formats"] if row["kind"] == kind]
        if not rows:
            continue
        best = {}
        for row in rows:
            place = row["bits"], 100 * row[error]
            best[place[0]] = min(place[1], best.get(place[0], place[1]))
            axes.annotate(row["weights"], place, fontsize="x-small", xytext=(4, 4),
                          textcoords="offset points")
        line, = axes.plot(best.keys(), best.values(), label=label)
        axes.plot([row["bits"] for row in rows], [100 * row[error] for row in rows], "o",
                  color=line.get_color())
    name, base = report["reference"]["weights"], 100 * report["reference"][error]
    axes.axhline(base, color="grey", label=name)
    axes.axhline(base + report["loss_points"], color="grey", linestyle=":",
                 label=f"{report['loss_points']:g} more")
    axes.set(title=f"{report['model']}, {report['images']} images", xlabel="bits of a weight",
             ylabel=f"{report['metric']} error, %")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    path = Path(folder) / PICTURE
    FigureCanvasAgg(figure).print_png(path)
    return path


def _table(rows):
    """CSV of a list of dicts with the same keys."""
    from io import StringIO

    text = StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _replace(path, text):
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
