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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} is not TOML: {error}; write lines such as model = \"lenet\"")
    types = {f.name: f.type for f in fields(Config)}
    for key, value in values.items():
        if key not in types:
            raise UsageError(f"{where}: unknown key {key!r}; known are {', '.join(types)}")
        if type(value) is not types[key]:
            raise UsageError(
                f"{where}: {key} takes {types[key].__name__}, got {json.dumps(value, default=str)}"
            )
    return values
