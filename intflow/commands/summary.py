"""intflow summary"""

import json

import click

from . import options


@click.command(epilog="Example: intflow summary --model vgg7 --bits 2888")
@options.model
@options.bits
@options.scheme
@options.width
@click.option("--classes", default=None, type=click.IntRange(1), metavar="N",
              help="[default: 10, ImageNet models 1000]")
@click.option("--batch-size", default=None, type=click.IntRange(1), metavar="N",
              help="Default: the paper's.")
@options.json_output
def command(model, bits, scheme, width, classes, batch_size, as_json):
    """Layers, shapes, formats, parameters and proven accumulator bounds of a network."""
    from ..training.summary import summarize

    report = summarize(model, bits, scheme, width, classes, batch_size)
    if as_json:
        click.echo(json.dumps(report))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    columns = ("layer", "output", "format", "weights", "fwd", "err", "grad")
    for name in columns:
        table.add_column(name, justify="left" if name in ("layer", "output", "format") else "right",
                         no_wrap=True)
    for row in report["layers"]:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console = Console(highlight=False)
    console.print(f"{model} {report['bits']} ({scheme}), input {report['input']}, batch "
                  f"{report['batch_size']}; proven accumulator bits fwd, err, grad", markup=False)
    console.print(table)
    others = report["parameters"] - report["weights"]
    others = f" and {others:,} biases and multipliers" if others else ""
    console.print(f"{report['weights']:,} weights{others}, {report['mac']:,} multiply-adds an image; "
                  f"{report['weight_bytes']:,} bytes of master weights", markup=False)
    for warning in report["warnings"]:
        console.print(f"warning: {warning}", markup=False)


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
