"""Every error that intflow raises on purpose.

    IntflowError                 catch this one to catch them all
    +-- FormatError              a format that cannot exist, or two that do not fit together
    +-- ShapeError               axes or sizes a layer or kernel does not admit
    +-- RangeError               an integer outside its declared width
    +-- UnknownNameError         a name that no table holds; lists the near ones
    +-- DatasetError             data files: missing, truncated, altered, of the wrong kind
    +-- CheckpointError          checkpoints and run folders: torn, altered, of another model
    +-- TraceError               traces and dumps: missing, broken, without what a reader needs
    +-- Mismatch                 a simulator's product that differs from the engine's
    +-- OverflowTrap             a sum that a device's trapping accumulator could not hold
    +-- WeightsError             files of published weights: missing, damaged, of another network
    +-- BackendError             a kernel backend this machine cannot run
    +-- OverflowStop             an accumulator overflowed and the user asked to stop there
    +-- BenchError               a benchmark whose check failed or whose process died
    +-- ExportError              a network that an export format cannot express
    +-- WorkerError              a worker of a parallel run that is gone
    +-- UsageError               options that contradict each other or make no sense

A message is one line and says what came, what was expected and what to do. The command
line prints it after `Error: ` and exits with the class's `exit_code`: 1, the work failed;
2, the command was wrong.
"""

import difflib

LONGEST = 1000          # characters of a message: names come out of files, too


class IntflowError(Exception):
    """Base of every deliberate error.

    Parameters
    ----------
    message : str
        What came, what was expected, what to do. Line breaks become spaces, control
        characters their escapes, and the middle of what is over LONGEST is left out.
    """

    exit_code = 1

    def __init__(self, message):
        text = "".join(map(_printable, " ".join(str(message).splitlines())))
        super().__init__(text if len(text) <= LONGEST else f"{text[:600]} [...] {text[-300:]}")


def _printable(letter):
    # Names come out of files; what would move the cursor or colour a terminal is shown as \x1b.
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


class FormatError(IntflowError):
    """A number format that cannot exist, or one that does not fit its use."""


class ShapeError(IntflowError):
    """Axes or sizes that a layer or kernel does not admit."""


class RangeError(IntflowError):
    """An integer outside the range its format or kernel declares."""


class UnknownNameError(IntflowError):
    """A name that is in no table; the message lists the near ones.

    Parameters
    ----------
    kind : str
        What the name should have been: "model", "rounding", "data set".
    name : str
        What came.
    known : iterable of str
        The legal names, in the order to show them.

    Examples
    --------
    >>> print(UnknownNameError("model", "lenett", ["mlp", "lenet", "vgg7"]))
    unknown model 'lenett': did you mean lenet? Known: mlp, lenet, vgg7.
    """

    exit_code = 2

    def __init__(self, kind, name, known):
        self.kind, self.name, self.known = kind, name, tuple(str(k) for k in known)
        super().__init__(f"unknown {kind} {str(name)!r}: {self._near()}{self._list()}")

    def __reduce__(self):
        return type(self), (self.kind, self.name, self.known)

    def _near(self):
        lower = {k.lower(): k for k in self.known}
        near = difflib.get_close_matches(str(self.name).lower(), lower, n=3)
        return f"did you mean {' or '.join(lower[k] for k in near)}? " if near else ""

    def _list(self):
        return f"Known: {', '.join(self.known)}." if self.known else "There is none."


class DatasetError(IntflowError):
    """A data file that is missing, truncated, altered or of the wrong kind."""


class CheckpointError(IntflowError):
    """A checkpoint or run folder that is torn, altered or made for another model."""


class TraceError(IntflowError):
    """A trace or a dump that is missing, broken or lacks what a reader needs."""


class Mismatch(IntflowError):
    """A product put in place of the engine's that gives another integer.

    Parameters
    ----------
    layer, product : str; "conv2d_1", "forward".
    index : {axis: int}; the first place that differs, in logical order.
    expected, got : int; the engine's value and the other one.

    Examples
    --------
    >>> print(Mismatch("linear_1", "forward", {"n": 0, "o": 2}, 7, 9))
    linear_1 forward [n=0, o=2]: expected 7, got 9; lowest differing bit 1.
    """

    def __init__(self, layer, product, index, expected, got):
        self.layer, self.product, self.index = layer, product, index
        self.expected, self.got = expected, got
        change = expected ^ got
        where = ", ".join(f"{axis}={i}" for axis, i in index.items())
        super().__init__(f"{layer} {product} [{where}]: expected {expected}, got {got}; lowest "
                         f"differing bit {(change & -change).bit_length() - 1}.")

    def __reduce__(self):
        return type(self), (self.layer, self.product, self.index, self.expected, self.got)


class OverflowTrap(IntflowError):
    """A value that a device's accumulator does not hold, where the device traps overflow.

    Parameters
    ----------
    layer, product : str; "conv2d_1", "forward".
    index : {axis: int}; the first sum, in logical order, in which it happened.
    value : int; the first of its values that did not fit.
    bits : int; width of the accumulator, or of the product before it.
    what : str; "sum" or "product".

    Examples
    --------
    >>> print(OverflowTrap("linear_1", "forward", {"n": 0, "o": 2}, 200, 8))
    linear_1 forward [n=0, o=2]: the sum 200 does not fit 8 bits; use a wider device, or let it saturate or wrap
    """

    def __init__(self, layer, product, index, value, bits, what="sum"):
        self.layer, self.product, self.index = layer, product, index
        self.value, self.bits, self.what = value, bits, what
        where = ", ".join(f"{axis}={i}" for axis, i in index.items())
        super().__init__(f"{layer} {product} [{where}]: the {what} {value} does not fit {bits} "
                         "bits; use a wider device, or let it saturate or wrap")

    def __reduce__(self):
        return type(self), (
            self.layer, self.product, self.index, self.value, self.bits, self.what)


class WeightsError(IntflowError):
    """A file of published weights that is missing, damaged, unsafe or of another network."""


class BackendError(IntflowError):
    """A kernel backend that this machine cannot run."""


class OverflowStop(IntflowError):
    """An accumulator of a device overflowed where the user asked to stop (--fail-on-overflow)."""


class BenchError(IntflowError):
    """A benchmark whose results are not equal, or whose process died: nothing is told of its time."""


class ExportError(IntflowError):
    """A network that an export format cannot express."""


class WorkerError(IntflowError):
    """A worker of a parallel run that has died or cannot be reached."""


class UsageError(IntflowError):
    """Options or arguments that contradict each other or make no sense."""

    exit_code = 2
