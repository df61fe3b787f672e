"""Sums under way: moved on by a thread while the layers compute."""

import threading
import time
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

PAUSE = 1e-4            # seconds between two looks at what is under way


@dataclass
class Pending:
    """A sum under way. started, done : seconds of time.monotonic, done None until it is."""

    request: object
    buffer: np.ndarray
    out: np.ndarray
    started: object
    done: object = None


class Pump:
    """Tests requests again and again, which is what makes MPI move them on.

    Kernels release Python's lock, so the thread runs beside them. It sleeps between its looks: a
    library's own progress thread would spin on a core that the kernels want.

    threaded : False where MPI admits one thread alone; sums then move on in `test`.

    Attributes
    ----------
    spans : [(started, done, bytes)] of the step before, in the order in which they were started.
    needed : when the step had nothing left to do but wait for them; all of time.monotonic.
    """

    def __init__(self, threaded):
        self.threaded, self.spans, self.needed = threaded, [], None
        self._pending, self._lock = [], threading.Lock()
        self._some = threading.Event()
        self._thread = None

    def add(self, request, buffer, out):
        """Look after a sum in `buffer` that shall end in `out`."""
        with self._lock:
            self._pending.append(Pending(request, buffer, out, time.monotonic()))
        if self.threaded and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="intflow sums", daemon=True)
            self._thread.start()
        self._some.set()

    def finish(self, wait):
        """Put all sums into their places, after wait(done) has waited for them."""
        self.needed = time.monotonic()
        wait(self.test)
        with self._lock:
            for pending in self._pending:
                if pending.out is not pending.buffer:
                    pending.out[...] = pending.buffer
            self.spans = [(p.started, p.done, p.buffer.nbytes) for p in self._pending]
            self._pending = []

    def test(self):
        """Look once; whether all are done."""
        with self._lock:
            for pending in self._pending:
                if pending.done is None and pending.request.Test():
                    pending.done = time.monotonic()
            return all(p.done is not None for p in self._pending)

    def _run(self):
        while True:
            self._some.wait()
            self._some.clear()
            try:
                while not self.test():
                    time.sleep(PAUSE)
            except MPI.Exception:
                return                      # `finish` meets it as well, where it can be told
