"""intflow compare"""

import json
from pathlib import Path

import click

from . import options


@click.command(epilog="Example: intflow compare benchmarks/compare/sample.toml --out runs/compare")
@click.argument("file", metavar="FILE.toml")
@click.option("--out", required=True, metavar="DIR",
              help="Folder of the runs, one each, of report.json and of compare.png.")
@options.data_dir
@click.option("--epochs", type=click.IntRange(1), default=None, metavar="N",
              help="In place of the file's.")
@click.option("--max-steps", type=click.IntRange(0), default=None, metavar="N",
              help="Stop every run after N steps.")
@options.threads
@options.backend
@click.option("--quiet", is_flag=True, help="Errors and the table only.")
@options.json_output
def command(file, out, quiet, as_json, **shared):
    """Train one model under several schemes, bits or widths, and print one table.

    FILE.toml holds the keys of a run's config.toml: at its top those of all runs, in a table
    [runs.NAME] those of one. A run that is done is not trained again; one that was stopped goes on
    where it was.
    """
    from ..pretrained.finetune import from_weights
    from ..training.compare import compare, read_comparison, train_all, write_report
    from ..training.memory import keep_freed_memory
    from .compare_picture import draw
    from .reporters import make_reporter

    keep_freed_memory()
    shared = {name: value for name, value in shared.items() if value not in (None, "", "auto")}
    runs = read_comparison(file, **shared)
    reporter = make_reporter(quiet)
    with reporter:
        done = train_all(runs, out, reporter, from_weights)
    if not done:
        reporter.say("interrupted; saved. Go on with the same command")
        return 130
    rows = compare(runs, out)
    write_report(rows, Path(out) / "report.json")
    if draw(rows, Path(out) / "compare.png") is None:
        click.echo("no picture: it needs matplotlib; pip install intflow[plots]", err=True)
    if as_json:
        click.echo(json.dumps(rows))
        return 0
    _print(rows)
    return 0


def _print(rows):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for name in ("run", "bits", "width"):
        table.add_column(name, overflow="fold")
    for name in ("error %", "KiB", "MMAC", "Mcost", "img/s", "digest"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["run"], row["bits"], row["width"], f"{100 * row['test_error']:.2f}",
            f"{row['model_bytes'] / 1024:,.0f}", f"{row['mac'] / 1e6:,.1f}",
            f"{row['wrpn_cost'] / 1e6:,.0f}", f"{row['images_per_second']:.0f}", row["digest"][:8])
    console = Console(highlight=False)
    console.print(table)
    console.print("KiB: weights at the bits of their codes; cost: multiply-accumulates of an image "
                  "times the bits of both operands", markup=False)
