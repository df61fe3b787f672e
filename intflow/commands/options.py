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
workers = click.option("--workers", default="auto", show_default=True, metavar="HOW",
                       help="mpi: all processes of an mpiexec are one; none: this one is alone; "
                            "auto: mpi where mpiexec started it.")
device = click.option("--device", default=None, metavar="FILE|PRESET",
                      help="A TOML file or preset such as acc16-saturate-each: the chip that computes.")
momentum = click.option("--momentum", default=None, metavar="M",
                        help="Such as 7/8, for schemes that train with one.")
weight_decay = click.option("--weight-decay", default=None, metavar="D",
                            help="Such as 1/10000, of the weights a step, times the rate.")
json_output = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def join_workers(choice):
    """The group that --workers asks for; from now on its processes end together."""
    from ..group import ALONE, join, joined
    from ..parallel import Watchman, find_group

    if joined() is not ALONE:
        return joined()
    return join(find_group(choice, Watchman.hired(choice)))     # a fork, so before MPI is there


def scheme_options(command):
    """--scheme-option NAME=VALUE, and --batch-norm for the commonest of them; see `given`."""
    one = click.option("--scheme-option", "scheme_options", multiple=True, metavar="NAME=VALUE",
                       help="What a scheme leaves open; give it once for every name.")
    norm = click.option("--batch-norm", default=None, metavar="KIND",
                        help="Short for --scheme-option batch_norm=KIND.")
    return one(norm(command))


def given(values):
    """The options that were given, those of a scheme as one text "name=value,..."."""
    named = [*values.pop("scheme_options", ())]
    norm = values.pop("batch_norm", None)
    named += [f"batch_norm={norm}"] if norm else []
    values = {name: value for name, value in values.items() if value is not None}
    return {**values, **({"scheme_options": ",".join(named)} if named else {})}


def checkpoint_path(text):
    """The checkpoint that a run folder or a file names."""
    path = Path(text)
    if path.is_dir():
        path = path / "checkpoint.h5"
        if not path.exists():
            raise CheckpointError(f"{text} holds no checkpoint.h5; name a run folder or a checkpoint")
    return path
