"""Every error that intflow raises on purpose.

    IntflowError                 catch this one to catch them all
    +-- FormatError              a format that cannot exist, or two that do not fit together
    +-- ShapeError               axes or sizes a layer or kernel does not admit
    +-- RangeError               an integer outside its declared width
    +-- UnknownNameError         a name that no table holds; lists the near ones
    +-- DatasetError             data files: missing, truncated, altered, of the wrong kind
    +-- CheckpointError          checkpoints and run folders: torn, altered, of another model
    +-- WeightsError             files of published weights: missing, damaged, of another network
    +-- BackendError             a kernel backend this machine cannot run
    +-- UsageError               options that contradict each other or make no sense

A message is one line and says what came, what was expected and what to do. The command
line prints it after `Error: ` and exits with the class's `exit_code`: 1, the work failed;
2, the command was wrong.
"""

import difflib


class IntflowError(Exception):
    """Base of every deliberate error.

    Parameters
    ----------
    message : str
        What came, what was expected, what to do. Line breaks become spaces.
    """

    exit_code = 1

    def __init__(self, message):
        super().__init__(" ".join(str(message).splitlines()))


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


class WeightsError(IntflowError):
    """A file of published weights that is missing, damaged, unsafe or of another network."""


class BackendError(IntflowError):
    """A kernel backend that this machine cannot run."""


class UsageError(IntflowError):
    """Options or arguments that contradict each other or make no sense."""

    exit_code = 2
