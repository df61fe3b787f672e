"""A process that is measured: it is asked over pipes and does nothing between two questions."""

import json
import os
import subprocess
import sys
from pathlib import Path

from ..errors import BenchError, UsageError

HERE = Path(__file__).resolve().parent


class Process:
    """A task in a process of its own.

    Parameters
    ----------
    python : interpreter. arguments : of it.
    threads : of the process; whoever it is, its OpenMP threads are pinned one to a processor.
    environment : variables beside those of this process.
    """

    def __init__(self, python, arguments, threads, environment=None):
        wanted = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
                  "OMP_PROC_BIND": "true"}
        try:
            self._process = subprocess.Popen(
                [python, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, **wanted, **(environment or {})})
        except OSError as error:
            raise UsageError(f"cannot start {python}: {error.strerror}; name a Python interpreter")

    def ask(self, **question):
        """The answer to one question, see `peers/answer.py`.

        Raises
        ------
        BenchError : the task failed, or its process died.
        """
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            raise BenchError(f"a measured process ended with code {code}; it may lack memory, or "
                             "its interpreter a library")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def engine(threads):
    """A process of this engine."""
    return Process(sys.executable, ["-m", "intflow.bench.worker"], threads, same_package())


def same_package():
    """The variable with which a process finds this very package, wherever it is started."""
    path = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, path))}


def peer(python, threads):
    """A process of another engine."""
    # Behind everything else on the path, so that no module here hides one of the peer's.
    code = f"import runpy, sys; sys.path.append({str(HERE)!r}); runpy.run_module('peers')"
    return Process(python, ["-c", code], threads)
