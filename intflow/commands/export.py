"""intflow export"""

import inspect
import json

import click

from . import options

EXAMPLE = "intflow export runs/lenet-2888 --format c --out lenet-c"


@click.command(epilog=f"Example, after a training: {EXAMPLE}")
@click.argument("run")
@click.option("--format", "fmt", required=True, metavar="FORMAT",
              help="c, hex, onnx or safetensors.")
@click.option("--out", required=True, metavar="DIR", help="Folder to make; must not hold anything.")
@click.option("--batch-size", default=None, type=click.IntRange(1), metavar="N",
              help="Images at a time, for the formats that fix it (c, onnx).")
@options.json_output
def command(run, fmt, out, batch_size, as_json):
    """Write the network of RUN, a run folder or a checkpoint, for other programs.

    c: a C99 program that predicts and trains. hex: $readmemh memories. onnx: a graph that computes
    the same integers. safetensors: integer codes with their formats.
    """
    from ..export import find_export
    from ..export.folder import new_folder
    from ..training.load import load_checkpoint

    write = find_export(fmt)
    chosen = writer_options(write, fmt, batch_size)
    with new_folder(out) as draft:
        source = load_checkpoint(options.checkpoint_path(run))
        report = {"format": fmt, "out": str(out), **write(source, draft, **chosen)}
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:14} {', '.join(map(str, value)) if isinstance(value, list) else value}")


def writer_options(write, fmt, batch_size):
    """The options that a writer is called with; a UsageError where it does not take one."""
    if batch_size is None:
        return {}
    if "batch_size" not in inspect.signature(write).parameters:
        raise click.UsageError(f"--batch-size is for formats that fix it; {fmt} does not")
    return {"batch_size": batch_size}
