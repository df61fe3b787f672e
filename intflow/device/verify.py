"""The first bit in which a dump differs from a trace.

Tensors are compared step by step in the order in which they were computed: the first difference
is the cause, and all later ones may be its effect.
"""

from dataclasses import asdict, dataclass, field

import numpy as np

from ..errors import TraceError
from .trace_files import TraceFile

STATED = ("shape", "bits", "frac_bits", "step", "signed", "axes")


@dataclass(frozen=True)
class Difference:
    """Where a dump leaves the trace.

    step : int. layer : str, "" for what belongs to the whole step. tensor : str.
    what : "value", or the attribute that differs: shape, bits, frac_bits, step, signed, axes.
    expected, got : integers of a value, else the two attributes.
    index : {axis: int} in logical order; bit : the lowest one that differs, 0 the least
        significant. Both None where an attribute differs.
    bits : width of the tensor; values, differing : how many integers it has, and how many differ.
    """

    step: int
    layer: str
    tensor: str
    what: str
    expected: object
    got: object
    bits: int = 0
    index: dict = None
    bit: int = None
    values: int = 0
    differing: int = 0

    def lines(self):
        """The difference for a person: one line, for a value another two with both integers."""
        name = f"{self.layer}/{self.tensor}" if self.layer else self.tensor
        head = f"differs first at step {self.step}, {name}"
        if self.what != "value":
            return [f"{head}: {self.what} expected {_text(self.expected)}, got {_text(self.got)}"]
        where = ", ".join(f"{axis}={i}" for axis, i in self.index.items())
        return [
            f"{head} [{where}], bit {self.bit} ({self.differing} of {self.values} values differ)",
            f"  expected {self._number(self.expected)}",
            f"  got      {self._number(self.got)}",
        ]

    def _number(self, value):
        fits = -(1 << self.bits) <= 2 * value and value < 1 << self.bits
        bits = self.bits if fits else 64
        return f"{value}  0x{value & ((1 << bits) - 1):0{-(-bits // 4)}x}  ({bits} bits)"


@dataclass
class Verdict:
    """What a comparison found.

    tensors : how many the trace has; compared : those found equal or, the last one, different.
    missing : names only in the trace; extra : names only in the dump.
    """

    tensors: int
    compared: int = 0
    difference: Difference = None
    missing: list = field(default_factory=list)
    extra: list = field(default_factory=list)

    @property
    def equal(self):
        return self.difference is None

    def to_dict(self):
        return {"equal": self.equal, **asdict(self)}


def verify(trace, dump):
    """Compare a dump, whole or in part, with a trace.

    Parameters
    ----------
    trace, dump : paths; HDF5, .npz or a folder of .hex files, each as it likes. What the dump does
        not state (shape, bits, ...) is taken from the trace.

    Returns
    -------
    Verdict

    Raises
    ------
    TraceError : for a file that is missing or broken, or when the two share no tensor.

    Examples
    --------
    A dump whose conv2d_1/output holds 5 where the trace says 7: bit 1, since 5 ^ 7 = 2.
    """
    with TraceFile(trace) as expected, TraceFile(dump) as got:
        names = sorted(expected.tensors, key=lambda name: _place(expected, name))
        verdict = Verdict(len(names), missing=[n for n in names if n not in got.tensors],
                          extra=sorted(set(got.tensors) - set(names)))
        if len(verdict.missing) == len(names):
            raise TraceError(f"{dump} holds none of the {len(names)} tensors of {trace}; their "
                             f"names look like {names[-1] if names else 'step/000000/images'}")
        for name in names:
            if name in got.tensors:
                verdict.compared += 1
                verdict.difference = compare(expected, got, name)
                if verdict.difference:
                    break
    return verdict


def compare(expected, got, name):
    """The first Difference of one tensor of two `TraceFile`s, or None."""
    stated, given = _checked(expected, name), got.tensors[name]
    step, layer, tensor = split_name(name)
    for what in STATED:
        if what in given and what in stated and _plain(given[what]) != _plain(stated[what]):
            return Difference(step, layer, tensor, what, _plain(stated[what]), _plain(given[what]))
    one, other = expected.read(name), got.read(name, stated)
    if one.shape != other.shape:
        return Difference(step, layer, tensor, "shape", list(one.shape), list(other.shape))
    differing = np.flatnonzero(_comparable(one) != _comparable(other))
    if not differing.size:
        return None
    first = int(differing[0])
    a, b = int(one.reshape(-1)[first]), int(other.reshape(-1)[first])
    index = dict(zip(stated["axes"].lower(), map(int, np.unravel_index(first, one.shape))))
    bit = ((a ^ b) & -(a ^ b)).bit_length() - 1
    return Difference(step, layer, tensor, "value", a, b, stated["bits"], index, bit, one.size,
                      len(differing))


def split_name(name):
    """(step, layer, tensor) of a name such as step/000003/conv2d_1/output; layer may be ""."""
    parts = name.split("/")
    if len(parts) not in (3, 4) or parts[0] != "step" or not parts[1].isdecimal():
        raise TraceError(f"{name[:80]!r} is no tensor of a trace; names look like "
                         "step/000000/conv2d_1/output")
    return int(parts[1]), "/".join(parts[2:-1]), parts[-1]


def _place(trace, name):
    """Sorts tensors by step and by the order of computation."""
    order = _checked(trace, name).get("order")
    return split_name(name)[0], order if isinstance(order, int) else len(trace.tensors), name


def _checked(trace, name):
    """The attributes of a tensor of a trace, or a TraceError where they make no sense."""
    stated = trace.tensors[name]
    bits, axes, shape = (stated.get(key) for key in ("bits", "axes", "shape"))
    if not (isinstance(bits, int) and 1 <= bits <= 64 and isinstance(stated.get("signed"), bool)
            and isinstance(axes, str) and isinstance(shape, (list, tuple))
            and len(axes) == len(shape)):
        raise TraceError(f"{trace.path}: {name[:80]} states no bits, signed, axes and shape; take "
                         "a trace that intflow trace wrote")
    return stated


def _comparable(codes):
    """Flat integers that compare exactly: u64 beside s64 needs Python's."""
    return codes.reshape(-1).astype(object if codes.dtype == np.uint64 else np.int64)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def _text(value):
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)
