"""intflow predict"""

import json

import click

from . import options


@click.command(epilog="Example, after a training: intflow predict runs/lenet-2888 digit.png")
@click.argument("checkpoint")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), metavar="N",
              help="Classes to name per image.")
@options.threads
@options.backend
@options.json_output
def command(checkpoint, images, top, threads, backend, as_json):
    """Classify IMAGES with CHECKPOINT, a run folder or a checkpoint file."""
    from ..training.load import load_checkpoint
    from ..training.predict import predict

    trainer, about = load_checkpoint(options.checkpoint_path(checkpoint), threads, backend)
    rows = predict(trainer, about, images, top)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        ranked = ", ".join(f"{c['name']} ({c['output']:.3f})" for c in row["classes"])
        click.echo(f"{row['image']}: {ranked}")
