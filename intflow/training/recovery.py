"""What a resumed run finds in its folder, and what to do where that is damaged."""

from pathlib import Path

from ..errors import CheckpointError, IntflowError, UsageError
from .checkpoint import read_checkpoint
from .config import read_toml
from .metrics import lines_sum
from .progress import Progress

CHECKPOINTS = ("checkpoint.h5", "best.h5")


def refuse_used(out):
    """UsageError where a folder already holds a run, or what is left of one."""
    if any((out / name).exists() for name in CHECKPOINTS):
        raise UsageError(f"{out} already holds a run; continue it with --resume {out}, or choose "
                         "another --out")
    if (out / "metrics.jsonl").exists():
        raise UsageError(f"{out} holds the metrics of a run that has no checkpoint; move them away, "
                         "or choose another --out")


def resume_point(run):
    """(folder, checkpoint) of what --resume names: a run folder, or a checkpoint in one."""
    run = Path(run)
    return (run.parent, run) if run.is_file() else (run, run / CHECKPOINTS[0])


def read_resumable(path):
    """What `read_checkpoint` gives; its error also says from what else the run can go on."""
    try:
        return read_checkpoint(path)
    except CheckpointError as error:
        ways = [way for way in (_other_checkpoint(path), _start_again(path)) if way]
        raise CheckpointError("; ".join([str(error), *ways[:1]]))


def _other_checkpoint(path):
    for other in (path.with_name(name) for name in CHECKPOINTS if name != path.name):
        try:
            epoch = Progress.stored(read_checkpoint(other)[0]).epoch
        except IntflowError:
            continue
        return (f"{other.name} is whole and stands at epoch {epoch}, go on from there with: intflow "
                f"train --resume {other}")
    return ""


def _start_again(path):
    config = path.with_name("config.toml")
    try:
        read_toml(config.read_text(encoding="utf-8"), config)
    except (OSError, ValueError, IntflowError):
        return ""
    return f"start again, for the same bits, with: intflow train --config {config} --out NEW"


def notes(folder, attributes):
    """One line for each file beside a checkpoint that is not as the run left it.

    attributes : of the checkpoint; an older one knows nothing of its metrics.
    """
    return [*_config_note(folder, attributes), *_metrics_note(folder, attributes)]


def _config_note(folder, attributes):
    path = folder / "config.toml"
    try:
        as_it_was = path.read_text(encoding="utf-8") == attributes["config"]
    except (OSError, ValueError):
        as_it_was = False
    if not as_it_was:
        yield f"{path} was missing or changed; it is written anew from the checkpoint"


def _metrics_note(folder, attributes):
    path, epoch = folder / "metrics.jsonl", Progress.stored(attributes).epoch
    if attributes.get("metrics", lines_sum(path, epoch)) != lines_sum(path, epoch):
        yield (f"{path} is not as the run left it: lines of its first {epoch} epochs are damaged, "
               "changed or missing; training is not affected, it goes on from the checkpoint")
