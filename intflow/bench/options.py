"""What the user of a benchmark chooses."""

import os
import sys
from dataclasses import dataclass

from ..errors import UsageError
from ..kernels import available, load

ALL = "all"


@dataclass(frozen=True)
class Options:
    """Choices that several benchmarks share; each reads what concerns it.

    models : names; () takes the benchmark's own.
    bits, scheme, width : as `intflow train` takes them.
    batch_size : 0 takes the benchmark's own.
    batches, widths, all_threads : of `growth`; () takes its own.
    shapes : matrices (M, K, N) of `gemm`; () takes its own.
    threads : of every process; 0 takes all processors.
    backend : "auto", or a name; gemm, conv and step also take "all".
    rounds : turns of every process. seconds : at least so long a turn.
    peers : whether other engines take turns too.
    peer_python : interpreter that has PyTorch and ONNX Runtime; "" takes this one.
    data, data_dir : as `intflow train` takes them. pictures : folder of JPEGs for `input`, or "".
    picture : file that `growth` draws into, or "".
    """

    models: tuple = ()
    bits: str = "2888"
    scheme: str = "wage"
    width: str = "1"
    batch_size: int = 0
    batches: tuple = ()
    widths: tuple = ()
    all_threads: tuple = ()
    shapes: tuple = ()
    threads: int = 0
    backend: str = "auto"
    rounds: int = 5
    seconds: float = 1.0
    peers: bool = True
    peer_python: str = ""
    data: str = ""
    data_dir: str = ""
    pictures: str = ""
    picture: str = ""

    def check(self):
        """These options with what was left open filled in.

        Raises
        ------
        UsageError : for what cannot be measured. BackendError, UnknownNameError : of the backend.
        """
        if self.rounds < 1 or self.seconds < 0:
            raise UsageError(f"a benchmark takes 1 round or more of 0 seconds or more, got "
                             f"{self.rounds} of {self.seconds}")
        processors = len(os.sched_getaffinity(0))
        if not 0 <= self.threads <= processors:
            raise UsageError(f"there are {processors} processors here, got {self.threads} threads; "
                             "more would only take turns")
        backend = ALL if self.backend == ALL else load(self.backend, 1).backend
        values = dict(vars(self), threads=self.threads or processors, backend=backend,
                      peer_python=self.peer_python or sys.executable)
        return Options(**values)


def backends():
    """The backends of this machine that are worth timing, slowest first."""
    return [name for name, (runs, _) in available().items() if runs and name != "reference"]
