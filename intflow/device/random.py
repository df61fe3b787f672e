"""Where the random bits of stochastic rounding come from: a counter, or a shift register.

    Philox()                                    the engine's own stream, random_streams.py
    Lfsr(width=16, taps=(16, 14, 13, 11), seed=1, bits=8)

Neither keeps a state: what a weight draws at a step is a function of the step, the tensor and the
element. A register gets there by jumping ahead (linear_map.py), so a resumed run, another number
of threads or another backend draw the same bits.
"""

from dataclasses import dataclass, fields

from ..errors import FormatError, UnknownNameError
from .lfsr import Lfsr


@dataclass(frozen=True)
class Philox:
    """The counter-based stream: 32 random bits by seed, step, tensor and element."""

    kind = "philox"

    def to_dict(self):
        """What `random_source` reads back."""
        return {"kind": self.kind}


SOURCES = {source.kind: source for source in (Philox, Lfsr)}


def random_source(description):
    """The source that a table of a device file describes; a source is returned as it is.

    Parameters
    ----------
    description : dict such as {"kind": "lfsr", "width": 16, "taps": [16, 14, 13, 11], "seed": 1},
        {"kind": "philox"}; the name "philox"; a source.

    Raises
    ------
    FormatError, UnknownNameError : one line on the first setting that does not fit.
    """
    if isinstance(description, tuple(SOURCES.values())):
        return description
    if isinstance(description, str):
        description = {"kind": description}
    if not isinstance(description, dict):
        raise FormatError(
            f"a random source is a table with a kind ({', '.join(SOURCES)}), got {description!r}"
        )
    settings = dict(description)
    kind = str(settings.pop("kind", "no kind"))
    if kind not in SOURCES:
        raise UnknownNameError("random source", kind, SOURCES)
    known = [field.name for field in fields(SOURCES[kind])]
    for name in settings:
        if name not in known:
            raise UnknownNameError(f"setting of {kind}", name, known)
    missing = [name for name in ("width", "taps") if name in known and name not in settings]
    if missing:
        raise FormatError(
            f"{kind} needs {' and '.join(missing)}, got {', '.join(settings) or 'nothing'}; add them"
        )
    return SOURCES[kind](**settings)
