"""intflow summary"""

import json

import click

from . import options


@click.command(epilog="Example: intflow summary --model vgg7 --bits 2888")
@click.argument("run", required=False)
@click.option("--model", default=None, metavar="NAME", help="Such as lenet, vgg7 or alexnet.")
@options.bits
@options.scheme
@options.scheme_options
@options.width
@click.option("--classes", default=None, type=click.IntRange(1), metavar="N",
              help="[default: 10, ImageNet models 1000]")
@click.option("--batch-size", default=None, type=click.IntRange(1), metavar="N",
              help="Default: the paper's.")
@options.device
@options.json_output
def command(run, model, bits, scheme, width, classes, batch_size, device, as_json, **named):
    """Layers, shapes, formats, parameters and proven accumulator bounds of a network.

    Of RUN, a run folder or a checkpoint, also the bits that its accumulators needed, where it was
    trained with --counters or --device."""
    from ..training.summary import summarize, summarize_run

    if (run is None) == (model is None):
        raise click.UsageError("summary takes either RUN or --model NAME, such as --model lenet")
    if run is None:
        report = summarize(model, bits, scheme, width, classes, batch_size, device,
                           **options.given(named))
    elif device is not None:
        raise click.UsageError("a RUN has its own device; give --device with --model")
    else:
        report = summarize_run(options.checkpoint_path(run))
    if as_json:
        click.echo(json.dumps(report))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    columns = ["layer", "output", "format", "weights", "fwd", "err", "grad"]
    if report.get("steps") and "device" in report:
        columns.remove("format")                # so that 80 columns do
    for name in columns:
        table.add_column(name, justify="left" if name in ("layer", "output", "format") else "right",
                         no_wrap=True)
    for row in report["layers"]:
        table.add_row(*(_on_device(row, name, _cell(_measured(row, name))) for name in columns))
    console = Console(highlight=False)
    console.print(f"{report['model']} {report['bits']} ({report['scheme']}), input "
                  f"{report['input']}, batch {report['batch_size']}", markup=False)
    console.print("fwd, err, grad: accumulator bits "
                  + ("needed/proven" if report.get("steps") else "proven")
                  + (f", then of {report['device']} (* can overflow)"
                     if "device" in report else ""), markup=False)
    console.print(table)
    others = report["parameters"] - report["weights"]
    others = f" and {others:,} biases and multipliers" if others else ""
    console.print(f"{report['weights']:,} weights{others}, {report['mac']:,} multiply-adds an image; "
                  f"{report['weight_bytes']:,} bytes of master weights", markup=False)
    for name, plan in report.get("memory", {}).items():
        console.print(f"memory, {name}: {_planned(plan)}", markup=False)
    if run is not None:
        console.print(_counted(report, run), markup=False)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", markup=False)


def _planned(plan):
    """A plan of memory in megabytes, on one line with its parts."""
    names = {"arena": "step", "master": "weights", "state": "optimiser", "data": "data"}
    parts = ", ".join(f"{said} {_megabytes(plan[part]):,}" for part, said in names.items())
    return f"{_megabytes(plan['total']):,} MB ({parts})"


def _megabytes(size):
    return -(-size // 10**6)


def _measured(row, name):
    """A value of a row; of accumulators that were measured "needed/proven", with a "!" if one
    overflowed."""
    if name not in row.get("measured", {}):
        return row.get(name)
    return f"{'!' if row['overflows'][name] else ''}{row['measured'][name]}/{row[name]}"


def _on_device(row, name, cell):
    """The cell with the device's width behind it, and a "*" where that can overflow."""
    if name not in row.get("device", {}):
        return cell
    return f"{cell} {row['device'][name]}{'*' if row['can_overflow'][name] else ' '}"


def _counted(report, run):
    if not report["steps"]:
        return f"{run} counted nothing; train with --counters to measure the bits that were needed"
    overflows = sum(sum(row.get("overflows", {}).values()) for row in report["layers"])
    return f"measured over {report['steps']:,} steps, {overflows:,} overflows"


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
