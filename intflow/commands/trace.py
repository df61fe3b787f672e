"""intflow trace"""

import json

import click

from . import options


@click.command(
    epilog="Example, on a fresh install: "
           "intflow trace --model lenet --bits 2888 --batch-size 8 --steps 2 --out trace.h5",
)
@click.option("--model", default=None, metavar="NAME", help="Such as lenet, vgg7 or alexnet.")
@click.option("--resume", default=None, metavar="RUN",
              help="Trace what follows RUN, a run folder or a checkpoint; RUN stays as it is.")
@click.option("--steps", default=1, show_default=True, type=click.IntRange(1), metavar="N",
              help="Training steps to write.")
@click.option("--out", required=True, metavar="TRACE",
              help="TRACE.h5, TRACE.npz, or a folder for $readmemh text.")
@click.option("--bits", default=None, metavar="WAGE",
              help="Bits of weights, activations, gradients, errors; 32 is wide.  [default: 2888]")
@click.option("--scheme", default=None, metavar="NAME",
              help="How W, A, G and E are quantised.  [default: wage]")
@options.scheme_options
@click.option("--from", "weights", default=None, metavar="FILE",
              help="Begin from published weights, as `intflow train` does.")
@options.momentum
@options.weight_decay
@click.option("--data", default=None, metavar="NAME|PATH",
              help="Data set or file; a small sample that comes with intflow if not given.")
@click.option("--data-dir", default=None, metavar="DIR", help="Where data sets lie.")
@click.option("--batch-size", type=click.IntRange(1), default=None, metavar="N",
              help="Default: the paper's.")
@click.option("--lr", default=None, metavar="RATE", help="Such as 8 or 1/8.")
@click.option("--loss", default=None, metavar="NAME", help="sse or softmax.")
@click.option("--augment", default=None, metavar="RULE",
              help="none, crop, crop_flip or image_folder.")
@click.option("--width", default=None, metavar="X", help="Channels times this.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=None, metavar="N",
              help="All that is random follows from it.  [default: 1]")
@click.option("--threads", type=click.IntRange(1), default=None, metavar="N",
              help="Default: all cores.")
@click.option("--backend", default=None, metavar="NAME",
              help="reference, portable, avx2, vnni or amx; all give the same bits.")
@options.device
@options.json_output
def command(resume, steps, out, as_json, **values):
    """Write every integer of a few training steps to TRACE.

    The steps are those of `intflow train` with the same options, or those that --resume RUN would
    take; writing them down changes nothing. Layers, tensors and their meaning: docs/devices.md.
    """
    from ..pretrained.finetune import from_weights
    from ..training import Config
    from ..training.trace import trace, trace_resumed

    values = options.given(values)
    if (resume is None) == ("model" not in values):
        raise click.UsageError("trace needs either --model NAME, such as --model lenet, or "
                               "--resume RUN")
    if resume is None:
        config = Config(**values)
        report = trace(config, steps, out, from_weights(config))
    else:
        _refuse_changes(values)
        report = trace_resumed(options.checkpoint_path(resume), steps, out, **values)
    if as_json:
        click.echo(json.dumps({"trace": str(out), **report}))
        return
    click.echo(f"{out}: steps {report['first_step']} to {report['first_step'] + steps - 1}, "
               f"{report['tensors']} tensors")
    click.echo(f"digest {report['digest']}")


CHANGEABLE = {"threads", "backend", "data_dir"}


def _refuse_changes(values):
    """What follows a run keeps the run's settings."""
    fixed = sorted(set(values) - CHANGEABLE)
    if fixed:
        names = ", ".join("--" + name.replace("_", "-") for name in fixed)
        raise click.UsageError(f"--resume takes its settings from the run; {names} cannot change")
