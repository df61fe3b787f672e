"""The command line: click commands, no arithmetic. One file each in `commands/`."""

import os
import sys
from contextlib import suppress

import click

from . import __version__
from .errors import FormatError, IntflowError, UnknownNameError
from .group import ALONE, joined
from .parallel.launch import launched_rank

COMMANDS = {
    "train": "Train a network with integers alone.",
    "eval": "Measure the error of a trained network.",
    "compare": "Train a model under several schemes and print one table.",
    "study": "How few bits the weights of a published network need.",
    "predict": "Classify images.",
    "summary": "Layers, shapes, formats and accumulator bounds of a network.",
    "count": "Operations, bytes and energy of a training step.",
    "trace": "Write every integer of a few training steps.",
    "verify": "Compare a trace with another: the first differing bit.",
    "export": "Write a trained network as C, hex, ONNX or safetensors.",
    "audit": "Prove that a training step computes with integers alone.",
    "data": "List, inspect, fetch and prepare data sets.",
    "digest": "Print the SHA-256 of a run's integer state.",
    "bench": "Measure kernels and training steps, beside other engines.",
    "info": "Version, CPU features, backends and data folders.",
}


class Commands(click.Group):
    """Commands imported when they run, so that `--help` starts at once; errors in one line."""

    def list_commands(self, context):
        return list(COMMANDS)

    def get_command(self, context, name):
        if name not in COMMANDS:
            error = UnknownNameError("command", name, COMMANDS)
            raise click.UsageError(str(error), context)
        from importlib import import_module

        return import_module(f".commands.{name}", __package__).command

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands, context_settings=dict(help_option_names=["-h", "--help"], max_content_width=100),
    epilog="Example, on a fresh install: intflow train --model lenet --bits 2888 --epochs 2",
)
@click.version_option(__version__, prog_name="intflow")
def command():
    """Train and run neural networks with integers alone."""


def main(arguments=None):
    """Entry point. Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    try:
        code = command.main(arguments, prog_name="intflow", standalone_mode=False)
    except click.UsageError as error:
        return leave(2, error.format_message())
    except click.ClickException as error:
        return leave(1, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return leave(130, "interrupted")
    except FormatError as error:
        return leave(2, str(error))             # here formats only come from --bits
    except IntflowError as error:
        return leave(error.exit_code, str(error))
    except BrokenPipeError:
        # The reader of our output left (intflow ... | head): nothing to say, nobody to say it to.
        drop_stdout()
        return leave(1)
    except OSError as error:
        drop_stdout()                           # it may be what is full
        where = f"{error.filename}: " if error.filename else ""
        return leave(1, f"{where}{error.strerror or error}; check the disk and its permissions")
    except MemoryError:
        return leave(1, "out of memory; use a smaller --batch-size or --width")
    return leave(code if isinstance(code, int) else 0)


def drop_stdout():
    """Let what is still to be written go nowhere, so that leaving cannot fail a second time."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(code, message=None):
    """Say one line on stderr, for all processes that train as one, and exit."""
    def say(line):
        if group is not ALONE or not launched_rank():      # else worker 0 fails alike, and says it
            with suppress(OSError, ValueError):                # a full or closed log
                click.echo("intflow: " + " ".join(line.split()), err=True)

    group = joined()
    group.leave(code, message, say)
    sys.exit(code)
