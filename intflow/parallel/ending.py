"""How a job ends: all workers together, and one says why."""

import os
import signal
import sys
import time
import traceback

from mpi4py import MPI

from ..errors import IntflowError
from .notes import Ended
from .waiting import waited

INTERRUPTED = 130       # exit code of a run that was saved, then left
FAREWELL = 10           # seconds for MPI_Finalize after a failure
PATIENCE = 60           # seconds that a failing worker waits for worker 0 to have its say


class Ending:
    """The end of one worker.

    Parameters
    ----------
    communicator : for the meeting at an orderly end.
    notes : Notes of this worker.
    watchman : Watchman or None; says that a worker was killed, where no worker can.
    """

    def __init__(self, communicator, notes, watchman):
        self.communicator, self.notes, self.watchman = communicator, notes, watchman

    def expect(self, advice):
        """What to tell a user whose program was killed."""
        if self.watchman:
            self.watchman.expect(advice)

    def leave(self, code, message, say):
        """End with the others; see `Alone.leave`.

        After an orderly end it returns when every worker is there. After a failure it does not
        return: worker 0 says its own message, or the one that it was told.
        """
        if code in (0, INTERRUPTED) and not message:
            try:
                waited(self.communicator.Ibarrier().Test, self.notes)
                return self._dismiss()
            except Ended as error:
                code = error.exit_code
            except IntflowError as error:
                code, message = error.exit_code, str(error)
        kind = (sys.exc_info()[0] or Exception).__name__
        if self.communicator.rank:
            self._end(code, kind, message or "", say)
        else:
            self._end_all(code, message, say)
        exit_now(code)

    def _dismiss(self):
        if self.watchman:
            self.watchman.dismiss()

    def _end_all(self, code, message, say):
        """Worker 0: say why, tell all."""
        if message:
            say(message)
        self._dismiss()
        for rank in range(1, self.communicator.size):
            self.notes.tell(rank, code)
        self._heard(self.notes.delivered)

    def _end(self, code, kind, message, say):
        """Another worker: tell worker 0 why, unless it said so first, and wait for its word."""
        if self.notes.ended:
            return
        self.notes.tell(0, code, kind, message)
        if not self._heard(lambda: self.notes.ended):
            say(f"worker {self.communicator.rank}: {message}")
            MPI.COMM_WORLD.Abort(code)

    def _heard(self, done):
        """Wait a while for done(), whatever others tell meanwhile; whether it came."""
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE:
            try:
                return waited(done, self.notes, PATIENCE)
            except IntflowError:
                pass
        return done()


def exit_now(code):
    """End this process with sums under way that nobody will finish.

    A worker that ended without MPI_Finalize would be taken for a crash. What MPI says of the sums
    is nothing to the user, and should it wait for them the alarm ends that.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(FAREWELL)
    MPI.Finalize()
    os._exit(code)


def abort(kind, error, trace):
    """An error that nobody expected: shown where it came up, and the job is over."""
    traceback.print_exception(kind, error, trace)
    sys.stderr.flush()
    MPI.COMM_WORLD.Abort(1)
