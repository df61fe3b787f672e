"""Everything a run depends on, resolved, and its TOML form."""

import json
import tomllib
from dataclasses import asdict, dataclass, fields

from ..errors import CheckpointError, UsageError


@dataclass(frozen=True)
class Config:
    """A training run. The strings are as on the command line; "" means not set.

    lr, schedule : "8", "200:1,250:1/8"; exact fractions in text.
    max_steps : int; 0 for no limit.
    device : the whole TOML text of a Device once resolved, before that also a preset or a file.
    counters : bool; count overflows, zeros and lost updates of every step.
    scheme_options : "name=value,..." of the scheme's options; "" for its defaults.
    weights : file of published weights that the run starts from; only named once it has started.
    batch_schedule : "30:256,60:512"; batch sizes after so many epochs.
    momentum, weight_decay : "7/8", "1/10000"; "" for the scheme's.
    time_steps : int; tokens of a text's window, through which errors go back; 0 for the model's.
    vocabulary : int; largest vocabulary of a text, 0 for the whole.
    """

    model: str
    bits: str = ""
    scheme: str = "wage"
    data: str = ""
    data_dir: str = ""
    epochs: int = 0
    batch_size: int = 0
    lr: str = ""
    schedule: str = ""
    width: str = "1"
    loss: str = ""
    augment: str = ""
    seed: int = 1
    threads: int = 0
    backend: str = "auto"
    max_steps: int = 0
    device: str = ""
    counters: bool = False
    scheme_options: str = ""
    weights: str = ""
    batch_schedule: str = ""
    momentum: str = ""
    weight_decay: str = ""
    time_steps: int = 0
    vocabulary: int = 0

    def to_toml(self):
        """One `key = value` line a field."""
        # A JSON string or integer is a TOML one.
        return "".join(f"{k} = {json.dumps(v)}\n" for k, v in asdict(self).items())


def read_config(attributes, path):
    """The Config that a checkpoint was made with.

    Raises
    ------
    CheckpointError : when the checkpoint of a single Trainer has none.
    """
    if "config" not in attributes:
        raise CheckpointError(
            f"{path} holds weights but no configuration; open it with Trainer.load, or use the "
            "checkpoint of a run"
        )
    return Config(**read_toml(attributes["config"], str(path)))


def read_toml(text, where):
    """The fields set in a TOML text, checked for names and types.

    Raises
    ------
    UsageError : for what is not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not TOML: {error}; write lines such as model = \"lenet\"")
    return checked_values(values, where)


def checked_values(values, where):
    """The values, if they are fields of Config of the right types; else UsageError."""
    types = {f.name: f.type for f in fields(Config)}
    for key, value in values.items():
        if key not in types:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(types)}")
        if type(value) is not types[key]:
            raise UsageError(
                f"{where}: {key} takes {types[key].__name__}, got {json.dumps(value, default=str)}"
            )
    return values
