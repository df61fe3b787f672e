"""A device: how a chip computes what the engine computes exactly.

    device = Device.read("acc16-saturate-each")        a preset, a TOML file, or TOML text
    device = Device(forward=Accumulator(16, "saturate", "product"), rounding={"error": "floor"})
    Trainer("lenet", device=device)

As TOML; what is left out is exact, or as the scheme's paper has it:

    name = "mine"
    [accumulator]                  # all three products, unless one says otherwise
    bits = 24
    overflow = "saturate"          # wrap, saturate, saturate_symmetric, trap; ap_fixed's names too
    check = "tile"                 # end, tile, product
    tile = 16
    [gradient]                     # likewise [forward] and [error]
    bits = 32
    order = "NHW"
    [rounding]                     # of the slots W, A, E, G
    activation = "TRN"
    [random]                       # what stochastic rounding draws from, see random.py
    kind = "philox"
"""

import difflib
import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import FormatError, UnknownNameError, UsageError
from ..formats import Rounding
from ..ops.linear_algebra import magnitude
from .accumulator import NAMES, ORDERS, Accumulator
from .presets import PRESETS
from .random import random_source

SLOTS = ("weight", "activation", "error", "gradient")
KEYS = ("name", "accumulator", *ORDERS, "rounding", "random")
OWN = ("order", "drop_bits")            # of one product: not for all three at once
LONGEST_NAME = 80


@dataclass(frozen=True)
class Device:
    """Accumulators, roundings and the random source of a chip.

    Parameters
    ----------
    name : str; shown in reports.
    forward, error, gradient : Accumulator of the three products of a layer.
    rounding : {slot: Rounding or its name} for slots weight, activation, error, gradient that do
        not round as the scheme's paper says.
    random : source of stochastic rounding, of random.py, or a table that describes one; None for
        the engine's own.

    Raises
    ------
    IntflowError : one line, for what does not fit.

    Examples
    --------
    Device() is exact: every accumulator has 64 bits, more than any proven sum needs.
    """

    name: str = "device"
    forward: Accumulator = Accumulator()
    error: Accumulator = Accumulator()
    gradient: Accumulator = Accumulator()
    rounding: dict = field(default_factory=dict, hash=False)
    random: object = None

    def __post_init__(self):
        set_ = object.__setattr__
        set_(self, "name", _checked_name(self.name))
        for product in ORDERS:
            set_(self, product, getattr(self, product).for_product(product))
        for slot in self.rounding:
            if slot not in SLOTS:
                raise UnknownNameError("slot", slot, SLOTS)
        parsed = {s: Rounding.parse(self.rounding[s]) for s in SLOTS if s in self.rounding}
        set_(self, "rounding", parsed)
        if self.random is not None:
            set_(self, "random", random_source(self.random))

    @classmethod
    def read(cls, source):
        """The device that `source` names: a Device, a preset, a TOML file, or TOML text.

        Raises
        ------
        UnknownNameError : neither a preset nor a file. UsageError, FormatError : what it says.
        """
        if isinstance(source, cls):
            return source
        text = str(source)
        if text in PRESETS:
            return _parse(PRESETS[text], text, text)
        if "\n" in text or ("=" in text and not text.endswith(".toml")):
            return _parse(text, "the device", "device")
        path = Path(text)
        try:
            return _parse(path.read_text(encoding="utf-8"), text, path.stem[:LONGEST_NAME])
        except FileNotFoundError:
            raise UnknownNameError("device", text, [*PRESETS, "or a TOML file"])
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise UsageError(f"cannot read the device {text}: {error}; name a preset or a file")

    def can_overflow(self, product, a, b, terms):
        """Whether sums of `terms` products of codes of formats a and b may not fit."""
        return not getattr(self, product).holds(terms, magnitude(a) * magnitude(b))

    def to_toml(self):
        """Canonical text: everything but the roundings left to the paper; `read` gives it back."""
        lines = [f"name = {json.dumps(self.name)}"]
        for product in ORDERS:
            values = asdict(getattr(self, product))
            lines += [f"[{product}]", *_pairs({**values, "overflow": str(values["overflow"])})]
        if self.rounding:
            lines += ["[rounding]", *_pairs({slot: str(r) for slot, r in self.rounding.items()})]
        if self.random is not None:
            lines += ["[random]", *_pairs(self.random.to_dict())]
        return "\n".join(lines) + "\n"


def _pairs(values):
    # A JSON string, integer or list of these is a TOML one.
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]


def _parse(text, where, name):
    """The Device of a TOML text, `name` where it has none; errors begin with `where`."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not TOML: {error}; write lines such as bits = 16")
    _check_keys(values, KEYS, where)
    for key in set(values) - {"name"}:
        if not isinstance(values[key], dict):
            raise UsageError(f"{where}: {key} is a table, [{key}], got {values[key]!r}")
    shared = values.get("accumulator", {})
    try:
        accumulators = {product: _accumulator(shared, values.get(product, {}), product, where)
                        for product in ORDERS}
        rounding, random = values.get("rounding", {}), values.get("random")
        _check_keys(rounding, SLOTS, f"{where}: [rounding]")
        return Device(values.get("name", name), **accumulators, rounding=rounding, random=random)
    except FormatError as error:
        raise FormatError(f"{where}: {error}")


def _accumulator(shared, own, product, where):
    _check_keys(shared, [name for name in NAMES if name not in OWN], f"{where}: [accumulator]")
    _check_keys(own, NAMES, f"{where}: [{product}]")
    if own.get("check", "tile") != "tile":
        shared = {name: value for name, value in shared.items() if name != "tile"}
    return Accumulator(**{**shared, **own})


def _check_keys(values, known, where):
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=2)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise UsageError(f"{where}: unknown key {key!r}; {hint}known are {', '.join(known)}")


def _checked_name(name):
    good = isinstance(name, str) and name.isprintable() and name.isascii()
    if not good or not 0 < len(name) <= LONGEST_NAME:
        raise FormatError(f"a device's name has 1 to {LONGEST_NAME} ASCII letters, got {name!r}")
    return name
