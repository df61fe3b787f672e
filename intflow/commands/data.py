"""`intflow data`: the data sets, where they are, and how to get them."""

import json
import sys
import time

import click

PROGRESS_EVERY = 2.0   # seconds between two lines of progress  # edge: wall-clock time


@click.group("data", invoke_without_command=True, epilog="Example: intflow data info sample")
@click.pass_context
def command(context):
    """List, inspect, fetch and prepare data sets."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


_data_dir = click.option(
    "--data-dir", metavar="DIR", help="Data folder; else INTFLOW_DATA, else the cache folder."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@command.command("list", epilog="Example: intflow data list")
@_data_dir
@_json
def list_(data_dir, as_json):
    """List the data sets and where each one is."""
    from ..data.commands import list_rows

    rows = list_rows(data_dir)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        where = row["where"] or "not here"
        click.echo(f"{row['name']:16} {row['image']:11} {row['classes'] or '':4} {where}")


@command.command("info", epilog="Example: intflow data info sample")
@click.argument("name")
@_data_dir
@_json
def info_(name, data_dir, as_json):
    """Show what a data set holds, and compare its checksums.

    NAME is a name of `intflow data list`, a pack, or a folder."""
    from ..data.commands import info

    facts = info(name, data_dir, _reporter())
    if as_json:
        click.echo(json.dumps(facts))
        return
    for key, value in facts.items():
        if value not in ("", None, []):
            click.echo(f"{key:24} {_short(value)}")


@command.command("fetch", epilog="Example: intflow data fetch mnist")
@click.argument("name")
@_data_dir
def fetch_(name, data_dir):
    """Download the original files of a data set, checksums compared."""
    from ..data.commands import fetch

    folder = fetch(name, data_dir, _reporter())
    click.echo(f"{folder} holds {name}; train with --data {name}")


@command.command("prepare", epilog="Example: intflow data prepare mnist --from downloads/ --out mnist.h5")
@click.argument("name")
@click.option("--from", "folder", required=True, metavar="DIR", help="Where the files are.")
@click.option("--out", metavar="FILE", help="The pack; else NAME.h5 in the data folder.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1),
              help="Pictures decoded side by side.")
@_data_dir
def prepare_(name, folder, out, threads, data_dir):
    """Turn original files into one HDF5 pack; run it again to go on after an interruption."""
    from ..data.commands import prepare

    try:
        path = prepare(name, folder, out, data_dir, _reporter(), threads)
    except KeyboardInterrupt:
        click.echo("Stopped; run the same command again to go on.", err=True)
        sys.exit(130)
    click.echo(f"{path} is ready; train with --data {path}")


def _short(value, limit=12):
    if not isinstance(value, list):
        return str(value)
    shown = ", ".join(map(str, value[:limit]))
    return shown + (f", ... ({len(value)} in all)" if len(value) > limit else "")


def _reporter():
    """report(what, done, total) for long work: one line on stderr, now and then."""
    last = {"time": time.monotonic(), "shown": False}

    def report(what, done, total):
        now = time.monotonic()
        finished = total and done >= total
        if (finished and last["shown"]) or now - last["time"] >= PROGRESS_EVERY:
            share = f" {100 * done // total:3d} %" if total else ""
            click.echo(f"{what}: {done} of {total or '?'}{share}", err=True)
            last.update(time=now, shown=not finished)

    return report
