"""Options that several commands share."""

from pathlib import Path

import click

from ..errors import CheckpointError

data = click.option("--data", default="", metavar="NAME|PATH",
                    help="Data set or file; a small sample that comes with intflow if not given.")
data_dir = click.option("--data-dir", default="", metavar="DIR", help="Where data sets lie.")
model = click.option("--model", required=True, metavar="NAME",
                     help="Such as lenet, vgg7, alexnet or resnet18; README.md lists all.")
bits = click.option("--bits", default=None, metavar="WAGE",
                    help="Bits of weights, activations, gradients, errors; 32 is wide. float-weight "
                         "takes e4m3,8.  [default: 2888, or the scheme's]")
scheme = click.option("--scheme", default="wage", show_default=True, metavar="NAME",
                      help="How W, A, G and E are quantised.")
width = click.option("--width", default="1", show_default=True, metavar="X",
                     help="Channels times this.")
threads = click.option("--threads", type=click.IntRange(1), default=None, metavar="N",
                       help="Default: all cores.")
backend = click.option("--backend", default="auto", show_default=True, metavar="NAME",
                       help="reference, portable, avx2, vnni or amx; all give the same bits.")
device = click.option("--device", default=None, metavar="FILE|PRESET",
                      help="A TOML file or preset such as acc16-saturate-each: the chip that computes.")
json_output = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def checkpoint_path(text):
    """The checkpoint that a run folder or a file names."""
    path = Path(text)
    if path.is_dir():
        path = path / "checkpoint.h5"
        if not path.exists():
            raise CheckpointError(f"{text} holds no checkpoint.h5; name a run folder or a checkpoint")
    return path
