"""One model under several schemes, bits, widths: each setting a run of its own, then one table."""

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

from ..costs import compute_cost
from ..errors import CheckpointError, UsageError
from .checkpoint import read_checkpoint
from .config import Config, checked_values, read_config, read_toml
from .load import load_checkpoint
from .loop import Training
from .metrics import read_lines
from .progress import Progress

GIVEN = "compare.toml"          # in a run's folder: what the comparison asked for
FREE = {"epochs", "max_steps", "threads", "backend", "data_dir"}    # may change between calls
EXAMPLE = '[runs.wage] with lines such as bits = "2888"'


def read_comparison(path, **shared):
    """{name of a run: Config} of a TOML file.

    path : of a file whose keys are those of a run's config.toml: at the top for all runs, in a table
        [runs.NAME] for one. A relative `weights` is looked for beside the file.
    shared : Config fields for all runs, over what the file says.

    Raises
    ------
    UsageError : for what is no such file.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path} as TOML: {error}; write lines such as "
                         f'model = "lenet", and tables {EXAMPLE}')
    runs = values.pop("runs", None)
    if not isinstance(runs, dict) or not all(isinstance(run, dict) for run in runs.values()):
        raise UsageError(f"{path} names no runs; write a table {EXAMPLE}")
    common = checked_values(values, str(path))
    return {name: _config(path, name, {**common, **checked_values(run, f"{path}: {name}"), **shared})
            for name, run in runs.items()}


def _config(path, name, values):
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name[0] == ".":
        raise UsageError(f"{path}: a run's name becomes that of a folder, so it is made of letters, "
                         f"digits, - _ and ., got {name!r}")
    if "model" not in values:
        raise UsageError(f'{path}: {name} has no model; write model = "resnet20"')
    config = Config(**values)
    return replace(config, weights=str(Path(path).parent / config.weights) if config.weights else "")


def train_all(runs, out, reporter, make):
    """Train what is not done yet; False when interrupted, with all saved.

    Parameters
    ----------
    runs : {name: Config}
    out : folder; a run's own is named for it.
    reporter : as of Training.
    make : function(config) -> `make` of `setup.prepare`, or None.

    Raises
    ------
    UsageError : a folder that holds a run of other settings.
    """
    for name, config in runs.items():
        folder = Path(out) / name
        training = _training(config, folder, reporter, make)
        if training is not None:
            reporter.say(f"{name}:")
            if not training.run():
                return False
    return True


def _training(config, folder, reporter, make):
    """The Training that a run still needs, or None."""
    path = folder / "checkpoint.h5"
    if not path.exists():
        training = Training.start(config, folder, reporter, make=make(config))
        (folder / GIVEN).write_text(config.to_toml(), encoding="utf-8")
        return training
    _check_same(config, folder)
    changes = {k: v for k, v in asdict(config).items() if k in FREE and v != getattr(Config, k)}
    attributes = read_checkpoint(path)[0]
    settings = replace(read_config(attributes, path), **changes)
    limit = settings.max_steps
    if Progress.stored(attributes).epoch >= settings.epochs or 0 < limit <= attributes["steps"]:
        return None
    return Training.resume(folder, changes, reporter)


def _check_same(config, folder):
    """UsageError where a folder's run was asked for with other settings."""
    given = folder / GIVEN
    try:
        before = read_toml(given.read_text(encoding="utf-8"), str(given))
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{folder} holds a run that no comparison made; choose another --out")
    changed = [k for k, v in asdict(config).items() if k not in FREE and before.get(k) != v]
    if changed:
        raise UsageError(f"{folder} was trained with another {', '.join(changed)}; choose another "
                         "--out, or take that folder away")


def compare(runs, out):
    """One row a run: what it was, what it reached, what it costs.

    Returns
    -------
    [dict] : run, scheme, bits, width, options, epochs, test_error (last), best_error, top5_error
        where there is one, model_bytes (weights at the bits of their codes), mac and wrpn_cost (of
        an image's forward pass), images_per_second (median of the epochs), digest.
    """
    return [_row(name, Path(out) / name) for name in runs]


def _row(name, folder):
    trainer, about = load_checkpoint(folder / "checkpoint.h5", threads=1)
    lines = read_lines(folder / "metrics.jsonl")
    if not lines:
        raise CheckpointError(f"{folder} has finished no epoch; go on with the same command")
    config, last = about["config"], lines[-1]
    network = trainer.network
    return {
        "run": name, "scheme": config.scheme, "bits": config.bits, "width": config.width,
        "options": config.scheme_options, "epochs": last["epoch"],
        "test_error": last["test_error"], "best_error": min(line["test_error"] for line in lines),
        **({"top5_error": last["top5_error"]} if "top5_error" in last else {}),
        "model_bytes": model_bytes(network),
        "mac": sum(getattr(layer, "multiplications", 0) for layer in network.layers.walk()),
        "wrpn_cost": compute_cost(network),
        "images_per_second": median(line["images_per_second"] for line in lines),
        "digest": last["digest"],
    }


def model_bytes(network):
    """Bytes of a network that is only evaluated: weights as packed codes, the rest as stored.

    Examples
    --------
    1,000 weights of 2 bits, 10 biases of 32: 250 + 40.
    """
    bits = sum(p.master.codes.size * p.master.format.bits
               for p in network.parameters if p.role != "weight")
    for layer in network.layers.walk():
        if getattr(layer, "weight", None) is not None:
            bits += layer.weight.master.codes.size * layer.weight_format.bits
    return -(-bits // 8)


def write_report(rows, path):
    """Write the rows as JSON."""
    Path(path).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
