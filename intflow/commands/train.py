"""intflow train"""

from pathlib import Path

import click

from . import options


@click.command(
    epilog="Example, on a fresh install: intflow train --model lenet --bits 2888 --epochs 2",
)
@click.option("--model", default=None, metavar="NAME", help="Such as lenet, vgg7 or alexnet.")
@click.option("--bits", default=None, metavar="WAGE",
              help="Bits of weights, activations, gradients, errors: 2888, 2-8-8-8, W2A8G8E8.  "
                   "[default: 2888]")
@click.option("--scheme", default=None, metavar="NAME",
              help="How W, A, G and E are quantised.  [default: wage]")
@options.scheme_options
@click.option("--from", "weights", default=None, metavar="FILE",
              help="Begin from published weights (.pth, .safetensors, .npz, .h5, .onnx).")
@click.option("--data", default=None, metavar="NAME|PATH",
              help="Data set or file; a small sample that comes with intflow if not given.")
@click.option("--data-dir", default=None, metavar="DIR", help="Where data sets lie.")
@click.option("--epochs", type=click.IntRange(1), default=None, metavar="N",
              help="Default: the paper's, few for the sample.")
@click.option("--batch-size", type=click.IntRange(1), default=None, metavar="N",
              help="Default: the paper's.")
@click.option("--lr", default=None, metavar="RATE", help="Such as 8 or 1/8.")
@click.option("--schedule", default=None, metavar="E:RATE,...",
              help="Rates after so many epochs, 200:1,250:1/8; or exp:0.936, times that after "
                   "every epoch.")
@click.option("--loss", default=None, metavar="NAME", help="sse or softmax.")
@options.momentum
@options.weight_decay
@click.option("--time-steps", type=click.IntRange(1), default=None, metavar="N",
              help="Tokens of a text's window, through which errors go back.")
@click.option("--vocabulary", type=click.IntRange(2), default=None, metavar="N",
              help="Keep the N commonest words of a text.  [default: all]")
@click.option("--batch-schedule", default=None, metavar="E:SIZE,...",
              help="Batch sizes after so many epochs: 30:256,60:512.")
@click.option("--augment", default=None, metavar="RULE",
              help="none, crop, crop_flip or image_folder.")
@click.option("--width", default=None, metavar="X", help="Channels times this.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=None, metavar="N",
              help="All that is random follows from it.  [default: 1]")
@click.option("--threads", type=click.IntRange(1), default=None, metavar="N", help="Default: all cores.")
@click.option("--backend", default=None, metavar="NAME",
              help="reference, portable, avx2, vnni or amx; all give the same bits.")
@options.device
@click.option("--max-steps", type=click.IntRange(0), default=None, metavar="N",
              help="Stop after N steps; 0 for no limit.")
@click.option("--counters", is_flag=True, default=None,
              help="Count overflows, largest sums, zeros and lost updates of every step; "
                   "always on with a device.")
@click.option("--fail-on-overflow", is_flag=True,
              help="Save and stop before the first step in which an accumulator of a device "
                   "overflows. Without one, all are proven wide enough before step 1.")
@click.option("--out", default=None, metavar="RUN", help="Folder of the run.  [default: runs/...]")
@click.option("--resume", default=None, metavar="RUN",
              help="Go on with a run, bit for bit; or from RUN/best.h5.")
@click.option("--config", default=None, metavar="FILE.toml", help="Values as in a run's config.toml.")
@click.option("--save-every", type=click.IntRange(0), default=0, metavar="STEPS",
              help="Checkpoint after so many steps.  [default: once a minute]")
@click.option("--max-time", default=None, metavar="TIME",
              help="Save and leave with exit code 0 after 2h, 90m or 3600s; go on with --resume.")
@options.workers
@click.option("--quiet", is_flag=True, help="Errors only.")
def command(out, resume, config, save_every, quiet, fail_on_overflow, workers, max_time,
            **values):
    """Train a network with integers alone.

    Under mpiexec every process takes a share of each batch, and the bits are those of one.
    """
    from ..pretrained.finetune import from_weights
    group = options.join_workers(workers)
    from ..kernels import COMPILE_WATCHERS
    from ..training import Config, Training
    from ..training.duration import parse_duration
    from ..training.memory import keep_freed_memory
    from .reporters import make_reporter

    values = options.given(values)
    keep_freed_memory()
    max_time = None if max_time is None else parse_duration(max_time)
    reporter = make_reporter(quiet or group.rank > 0)
    COMPILE_WATCHERS[:] = [reporter.compiling]
    with reporter:
        if resume is not None:
            _refuse_changes(values, out, config)
            training = Training.resume(resume, values, reporter, save_every, fail_on_overflow,
                                       group, max_time)
        else:
            values = {**_read_config(config), **values}
            if "model" not in values:
                raise click.UsageError("train needs --model NAME, such as --model lenet")
            config = Config(**values)
            training = Training.start(config, out or _new_folder(config), reporter, save_every,
                                      fail_on_overflow, group, max_time, from_weights(config))
        group.expect(f"go on with: intflow train --resume {training.out}")
        done = training.run()
    if training.out_of_time:
        reporter.say(f"time is up; saved. Go on with: intflow train --resume {training.out}")
        return 0
    if not done:
        reporter.say(f"interrupted; saved. Go on with: intflow train --resume {training.out}")
        return 130
    reporter.finished(training)
    return 0


CHANGEABLE = {"epochs", "threads", "backend", "max_steps", "data_dir", "counters"}


def _refuse_changes(values, out, config):
    """A resumed run keeps its settings, or it would not be the same run."""
    fixed = sorted(set(values) - CHANGEABLE)
    if fixed or out or config:
        names = ", ".join("--" + n.replace("_", "-") for n in fixed) or "--out and --config"
        raise click.UsageError(
            f"--resume takes its settings from the run; {names} cannot change. What can: "
            + ", ".join("--" + n.replace("_", "-") for n in sorted(CHANGEABLE))
        )


def _read_config(path):
    from ..errors import UsageError
    from ..training.config import read_toml

    if path is None:
        return {}
    try:
        return read_toml(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}; check the path")


def _new_folder(config):
    """runs/MODEL-BITS, with a number where that is taken."""
    from ..models import find_model
    from ..quantizers import make_scheme

    recurrent = bool(find_model(config.model).text)
    bits = config.bits or make_scheme(config.scheme, None, recurrent=recurrent).bits
    base = Path("runs") / f"{config.model}-{bits}"
    number = 1
    out = base
    while out.exists():
        number += 1
        out = base.with_name(f"{base.name}-{number}")
    return out
