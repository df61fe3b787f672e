"""intflow study"""

import json

import click

from . import options

EXAMPLE = ("Example: intflow study --model resnet20 --from resnet20.safetensors --data cifar10 "
           "--images 1000 --weights s4..s8,e3m1..e3m3")


@click.command(epilog=EXAMPLE)
@click.option("--model", required=True, metavar="NAME",
              help="A network with published weights: resnet20, squeezenet1_1, vgg16, ...")
@click.option("--from", "weights_file", required=True, metavar="FILE",
              help="Published weights: .pth, .safetensors, .npz, .h5 or .onnx.")
@options.data
@options.data_dir
@click.option("--weights", "grid", default=None, metavar="LIST",
              help="Formats to compare; A..B is a run.  [default: s4..s12,e4m1..e4m6]")
@click.option("--activations", default=8, show_default=True, metavar="BITS",
              help="Bits of the activations.")
@click.option("--loss-points", default="1", show_default=True, metavar="X",
              help="Points of a hundred that the smallest format may lose.")
@click.option("--metric", default="top1", show_default=True, metavar="NAME",
              help="What must not lose more: top1 or top5.")
@click.option("--reference", default="fp32", show_default=True, metavar="NAME",
              help="What losses are counted from: fp32, or the widest format.")
@click.option("--images", default=None, type=click.IntRange(1), metavar="N",
              help="Only the first N test images.")
@options.threads
@options.backend
@options.json_output
@click.option("--out", default=None, metavar="DIR",
              help="Folder for study.json, formats.csv, layers.csv and a picture.")
def command(model, weights_file, data, data_dir, grid, activations, loss_points, metric, reference,
            images, threads, backend, as_json, out):
    """How few bits the weights of a published network need: fixed point against minifloats.

    Every format is evaluated in integers. The smallest of each kind that loses little enough is
    chosen, and what the minifloat saves in storage and multipliers is printed.
    """
    from ..data import open_dataset
    from ..kernels import load
    from ..pretrained.convert import calibration_images, require_published
    from ..pretrained.readers import read_weights
    from ..pretrained.study import First, study
    from ..pretrained.study_files import draw, make_folder, write_report
    from ..pretrained.study_formats import GRID, parse_grid

    schemes = parse_grid(grid or GRID, activations)
    allowed = _points(loss_points)
    kernels = load(backend, threads)
    dataset = open_dataset(data or None, data_dir or None)
    if out:
        make_folder(out)
    require_published(model, schemes[0])
    calibration = calibration_images(model, dataset, kernels)
    click.echo(f"calibration: the first {len(calibration)} training images"
               + (f" ({dataset.note})" if dataset.note else ""), err=True)
    report = study(
        model, read_weights(weights_file), schemes, calibration, First(dataset.test, images),
        kernels=kernels, loss_points=allowed, metric=metric, reference=reference,
        say=lambda line: click.echo(line, err=True),
        each=(lambda so_far: write_report(so_far, out)) if out else None)
    if out and draw(report, out) is None:
        click.echo("no picture: it needs matplotlib; pip install intflow[plots]", err=True)
    if as_json:
        click.echo(json.dumps(report))
        return
    _print(report, dataset.title)


def _points(text):
    """ "1", "0.5" or "1/2" as an exact Fraction that is not negative."""
    from ..errors import UsageError
    from ..formats import exact

    try:
        points = exact(text)
    except ValueError:
        points = -1
    if points < 0:
        raise UsageError(f'--loss-points takes a number such as 1 or 0.5, got "{text}"')
    return points


def _print(report, title):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"{report['model']}, {title}: {report['images']:,} images, activations of "
                  f"{report['activations']} bits", markup=False)
    for heading, rows in (("formats", _formats(report)), ("layers", _layers(report))):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
        for number, name in enumerate(rows[0]):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
    for line in _conclusion(report):
        console.print(line, markup=False)


def _formats(report):
    """Cells of the table of formats, its heading first."""
    has_top5 = "top5_error" in report["formats"][0]
    heading = ["weights", "bits", "error %", *(["top-5 %"] if has_top5 else []), "loss", "bytes",
               "gates", "chosen"]
    fp32 = [report["fp32"]] if report["fp32"] else []
    rows = [*fp32, *report["formats"]]
    return [heading, *(_cells(row, has_top5, report["chosen"]) for row in rows)]


def _cells(row, has_top5, chosen):
    name = row.get("weights", "fp32")
    errors = [f"{100 * row['test_error']:.2f}"]
    if has_top5:
        errors.append(f"{100 * row['top5_error']:.2f}")
    if "bits" not in row:
        return [name, "32", *errors, "", "", "", ""]
    return [name, str(row["bits"]), *errors, f"{row['loss']:.4f}", f"{row['weight_bytes']:,}",
            f"{row['multiplier_nand2']:.0f}", "*" if name in chosen.values() else ""]


def _layers(report):
    """Cells of the table of ranges."""
    heading = ["layer", "weights", "exponents", "binades", "exponent bits"]
    return [heading, *([
        row["source"] or row["layer"], f"{row['weights']:,}",
        "none" if row["highest"] is None else f"{row['lowest']} .. {row['highest']}",
        str(row["binades"]), str(row["exponent_bits"])] for row in report["layers"])]


def _conclusion(report):
    """What was found, in sentences."""
    reference = report["reference"]["weights"]
    allowed = report["loss_points"]
    within = (f"within {allowed:g} point{'' if allowed == 1 else 's'} of {reference} "
              f"({report['metric']})")
    for kind, name in report["chosen"].items():
        kind = {"fixed": "fixed-point format", "minifloat": "minifloat"}[kind]
        yield f"smallest {kind} {within}: {name}" if name else f"no {kind} of these is {within}"
    if report["storage_saved"] is None:
        return
    saved, gates = 100 * report["storage_saved"], report["multiplier_ratio"]
    small, fixed = report["chosen"]["minifloat"], report["chosen"]["fixed"]
    more = "more" if saved < 0 else "less"
    yield f"{small} takes {abs(saved):.1f} % {more} storage than {fixed}"
    yield f"its multiplier has {gates:.2f} times the gates (NAND2 equivalents)"
