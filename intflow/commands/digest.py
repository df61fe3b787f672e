"""intflow digest"""

import click

from . import options


@click.command(epilog="Example: intflow digest runs/lenet-2888")
@click.argument("run")
def command(run):
    """Print the SHA-256 of the integer state of RUN, a run folder or a checkpoint.

    Weights, formats, optimiser state and step count enter; equal digests are equal runs.
    """
    from ..training.load import load_checkpoint

    trainer, _ = load_checkpoint(options.checkpoint_path(run))
    click.echo(trainer.digest())
