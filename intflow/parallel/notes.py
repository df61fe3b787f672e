"""How a worker that fails tells the others, so that none waits for it.

Two kinds of notes, beside everything else that is exchanged: a worker tells worker 0 why it fails,
and worker 0 tells all that the program ends, after it has saved and said what there is to say.
"""

import json

from mpi4py import MPI

from .. import errors
from ..errors import IntflowError

LONGEST = 2048          # letters of a message


class Ended(IntflowError):
    """Worker 0 has ended the program and said why. `exit_code` is the program's."""

    def __init__(self, code):
        super().__init__("")
        self.exit_code = code


def packed(code, kind, message):
    """A note as bytes: exit code, name of the error's class, its line."""
    return json.dumps([code, kind, message[:LONGEST]]).encode()


def error_of(rank, note):
    """The error of a worker as worker 0 raises it: of the same class, its line with the rank.

    Examples
    --------
    A note of OverflowStop from worker 2: OverflowStop("worker 2: conv2d_1: its ...").
    """
    code, kind, message = json.loads(note)
    cls = getattr(errors, kind, IntflowError)
    error = cls.__new__(cls)                        # some classes build their line from parts
    IntflowError.__init__(error, f"worker {rank}: {message}")
    error.exit_code = code
    return error


class Notes:
    """The notes of one worker, on a communicator of their own.

    ended : whether worker 0 has told this one that the program ends.
    """

    def __init__(self, communicator):
        self.communicator, self._sent = communicator, []
        self.ended = False

    def check(self):
        """Raise what another worker has told, if one has.

        Raises
        ------
        IntflowError : at worker 0, of the class that the other one raised. Ended : elsewhere.
        """
        note = self._received()
        if note is None:
            return
        rank, text = note
        if self.communicator.rank:
            self.ended = True
            raise Ended(json.loads(text)[0])
        raise error_of(rank, text)

    def tell(self, rank, code, kind="", message=""):
        """Send a note; it leaves while this worker waits in `delivered`."""
        note = bytearray(packed(code, kind, message))
        request = self.communicator.Issend([note, len(note), MPI.BYTE], dest=rank)
        self._sent.append((request, note))

    def delivered(self):
        """Whether all notes have been received."""
        return all(request.Test() for request, _ in self._sent)

    def _received(self):
        """(rank, bytes) of a note that has come, or None."""
        status = MPI.Status()
        source = 0 if self.communicator.rank else MPI.ANY_SOURCE
        if not self.communicator.Iprobe(source=source, status=status):
            return None
        note = bytearray(status.Get_count(MPI.BYTE))
        self.communicator.Recv([note, len(note), MPI.BYTE], source=status.source)
        return status.source, bytes(note)
